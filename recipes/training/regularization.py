"""Regularization: L2, L1, dropout, noise and early stopping against overfitting of 80 noisy points.

Slides: 000 «Regularización», 001 «Regularización», «Efectos de la regularización».
Paper:  Krogh & Hertz (1991), A simple weight decay can improve generalization (L2)
Departs from the slides: they do not give λ; here it is the λ with the lowest validation error.

The cost becomes E + λ Σ w² (L2, "weight decay") or E + λ Σ |w| (L1). The best λ depends on
the problem: for one picture, 80 small networks are trained in parallel, with eight strengths of
either kind on five samples of the data each.

Each network keeps its epoch with the best validation score, which is early stopping for all. For
the pictures the network without regularization is also trained to the end. It starts with small
weights, for which tanh, and so the whole network, is nearly linear. As the weights grow, its
boundary bends around every point.
"""

import keras
import tensorflow as tf
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 60
REPEATS = 20  # passes over the training points in an epoch
VARIANTS = {
    "none": {},
    "l2": {"l2": 0.001},
    "l1": {"l1": 0.003},
    "dropout": {"dropout": 0.2},
    "noise": {"noise": 0.4},
}


def sample_moons(count, seed):
    """Two interlocking half moons, so noisy that they overlap.

    Returns:
        Points (count, 2) and labels 0 or 1 (count, 1), both float32.
    """
    inputs, labels = make_moons(count, noise=0.35, random_state=seed)
    return inputs.astype("float32"), labels[:, None].astype("float32")


def load_data(batch_size=80, examples=80, seed=0):
    """Train, validation and test batches of (2,) points and (1,) labels; few for training."""
    train = tf.data.Dataset.from_tensor_slices(sample_moons(examples, 3 * seed))
    validation = tf.data.Dataset.from_tensor_slices(sample_moons(1000, 3 * seed + 1))
    test = tf.data.Dataset.from_tensor_slices(sample_moons(4000, 3 * seed + 2))
    train = train.shuffle(examples).repeat(REPEATS).batch(batch_size)
    return train, validation.batch(1000), test.batch(4000)


def build_model(l2=0.0, l1=0.0, dropout=0.0, noise=0.0, units=32, learning_rate=0.01):
    """The compiled network, 2-32-32-1: a point to the probability of class 1. 1,185 parameters."""
    penalty = keras.regularizers.L1L2(l1, l2)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.GaussianNoise(noise),
            keras.layers.Dense(units, activation="tanh", kernel_regularizer=penalty),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(units, activation="tanh", kernel_regularizer=penalty),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, activation="sigmoid", kernel_regularizer=penalty),
        ]
    )
    model.compile(
        keras.optimizers.Adam(learning_rate), loss="binary_crossentropy", metrics=["accuracy"]
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "l2": hp.Choice("l2", [0.0, 0.0003, 0.001, 0.003, 0.01], default=0.0),
        "l1": hp.Choice("l1", [0.0, 0.0001, 0.0003, 0.001, 0.003], default=0.0),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], default=0.0),
        "noise": hp.Choice("noise", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], default=0.0),
        "units": hp.Int("units", 8, 128, step=8, default=32),
    }


def baseline(train, test):
    """Logistic regression."""
    points, labels = to_numpy(train)
    model = LogisticRegression(C=1e6).fit(points, labels[:, 0])
    points, labels = to_numpy(test)
    return {"accuracy": model.score(points, labels[:, 0])}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        best = keras.callbacks.ModelCheckpoint(
            f"regularization_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            verbose=0,
            callbacks=[best],
        )
        model = keras.saving.load_model(f"regularization_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True, verbose=0))
    print("logistic regression", baseline(train, test))


if __name__ == "__main__":
    main()

"""Dropout on 1,200 images of MNIST: rates, widths and activations compared, the ensemble within.

Slides: 000 «Dropout», 001 «Dropout», «¿Cuántas neuronas desactivar?», «Efectos del dropout».
Paper:  Hinton et al. (2012), Improving neural networks by preventing co-adaptation of feature
        detectors, https://arxiv.org/abs/1207.0580;
        Srivastava et al. (2014), https://jmlr.org/papers/v15/srivastava14a.html
Departs from both: during training, the outputs of the remaining units are divided by 1 − rate
("inverted" dropout, as in Keras), so nothing has to be scaled at inference.

Every step trains a different thinned network. With dropout switched on, each call of the network
returns a different output. The mean of the outputs is the prediction of an ensemble, and their
spread is a measure of uncertainty ("Monte Carlo dropout"). The full network approximates that mean.
With one hidden layer and softmax it is exactly the normalized geometric mean of the thinned
networks (tested over all 256 masks of 8 units).

The slides recommend a rate of 0.5 to start with, and 0.8 to 0.9 for networks that are far too
large. Their own example drops 0.9 of 64 and of 32 units, which leaves 6.4 and 3.2 on average.
"""

import keras
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 16
REPEATS = 4  # passes over the training images in an epoch
VARIANTS = {
    "relu": {"rate": 0.0},
    "relu_20": {"rate": 0.2},
    "relu_50": {"rate": 0.5},
    "relu_80": {"rate": 0.8},
    "sigmoid": {"rate": 0.0, "activation": "sigmoid"},
    "sigmoid_50": {"rate": 0.5, "activation": "sigmoid"},
    "narrow": {"rate": 0.0, "units": 32},
    "narrow_50": {"rate": 0.5, "units": 32},
}


def load_data(batch_size=64):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9.

    The training set has only 1,200 images.
    """
    splits = ["train[:2%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(1200).repeat(REPEATS).batch(batch_size).prefetch(2)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


def build_model(
    rate=0.5,
    units=256,
    activation="relu",
    learning_rate=0.002,
    classes=10,
    input_shape=(28, 28, 1),
):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 269,322 parameters.

    Two hidden layers, with dropout after each. Pixels are dropped as well, but no more than a fifth
    of them, as in the papers.
    """
    model = keras.Sequential(
        [
            keras.Input(input_shape, dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dropout(min(rate, 0.2)),
            keras.layers.Dense(units, activation=activation),
            keras.layers.Dropout(rate),
            keras.layers.Dense(units, activation=activation),
            keras.layers.Dropout(rate),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def deployed(model):
    """The network for a picture of one digit, of any size, dark on light or light on dark.

    Besides the probabilities, it returns how `unlike` MNIST's digits the picture is, 0 to 1.
    """
    picture = keras.Input((None, None, 1))
    digit = CenterDigit()(picture)
    answers = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(picture, answers)


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "rate": hp.Choice("rate", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], default=0.5),
        "units": hp.Choice("units", [32, 64, 128, 256, 512, 1024], default=256),
        "activation": hp.Choice("activation", ["relu", "sigmoid"], default="relu"),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.005], default=0.002),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    model = LogisticRegression(solver="saga", tol=0.05)
    model.fit(images.reshape(len(images), -1) / 255, labels)
    images, labels = to_numpy(test)
    return {"accuracy": model.score(images.reshape(len(images), -1) / 255, labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        best = keras.callbacks.ModelCheckpoint(
            f"dropout_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            verbose=0,
            callbacks=[best],
        )
        model = keras.saving.load_model(f"dropout_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True, verbose=0))
        deployed(model).save(f"dropout_{name}_deployed.keras")
    print("logistic regression", baseline(train, test))


if __name__ == "__main__":
    main()

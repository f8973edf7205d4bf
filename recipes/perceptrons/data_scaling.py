"""Data scaling: test error by the number of training images, of a CNN and of decision trees.

Slides: 003 «Traditional machine learning vs Deep Learning», 000 «La solución era muy simple».
Paper:  Hestness et al. (2017), Deep learning scaling is predictable, empirically,
        https://arxiv.org/abs/1712.00409;
        Geurts, Ernst & Wehenkel (2006), Extremely randomized trees,
        https://doi.org/10.1007/s10994-006-6226-1 (the baseline)
Departs from the paper: one network for 100 images and for 54,000, not a larger one for more data.

The slide has traditional machine learning ahead with little data and deep learning with much. Here
both learn from the same 100, 1,000, 10,000 and 54,000 images of clothes. The convolutional network
(CNN) is given only that neighboring pixels belong together; the rest it learns from the images. The
picture adds a linear classifier, and fits a power law to each error, `a · images⁻ᵇ`: a straight
line on logarithmic axes.
"""

import math

import keras
import tensorflow_datasets as tfds
from sklearn.ensemble import ExtraTreesClassifier

from recipes.common.arrays import to_numpy

EPOCHS = 2
LEAST = 20_000  # images in an epoch; fewer are repeated
TREES = 20  # of the baseline
VARIANTS = {
    "images_100": {"examples": 100},
    "images_1000": {"examples": 1000},
    "images_10000": {"examples": 10_000},
    "images_54000": {"examples": 54_000},
}


def load_data(examples=10_000, batch_size=50):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9.

    An epoch has each of the training `examples` equally often, at least 20,000 images in all.
    """
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("fashion_mnist", split=splits, as_supervised=True)
    repeats = math.ceil(LEAST / examples)
    train = train.take(examples).cache().shuffle(examples).repeat(repeats).batch(batch_size)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


def build_model(filters=16, learning_rate=0.005, steps=EPOCHS * 400):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 46,730 parameters.

    Args:
        filters: Number of maps of the first layer; the second has twice as many.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(filters, 5, strides=2, activation="relu"),  # (12, 12, filters)
            keras.layers.Conv2D(
                2 * filters, 5, strides=2, activation="relu"
            ),  # (4, 4, 2 · filters)
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "filters": hp.Choice("filters", [4, 8, 16, 32], default=16),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.002, 0.005, 0.01], default=0.005),
        "batch_size": hp.Choice("batch_size", [20, 50, 100], default=50),
    }


def baseline(train, test):
    """Extremely randomized trees on the pixels."""
    images, labels = to_numpy(train)
    model = ExtraTreesClassifier(TREES, random_state=0)
    model.fit(images.reshape(-1, 784), labels)
    images, labels = to_numpy(test)
    return {"accuracy": model.score(images.reshape(-1, 784), labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data(**arguments)
        model = build_model(steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"data_scaling_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            callbacks=[best],
            verbose=2,
        )
        model = keras.saving.load_model(f"data_scaling_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True, verbose=0))
        print("Extremely randomized trees on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()

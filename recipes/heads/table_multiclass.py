"""Multi-class classification of a table: ocean proximity of Californian districts, with softmax.

Slides: 001 «Capas de salida dependiendo de la tarea» (several classes, one label), «Softmax».
Data:   Pace & Barry (1997), https://doi.org/10.1016/S0167-7152(96)00140-X, with the column
        `ocean_proximity` of Géron (2017), Hands-On Machine Learning, chapter 2
Departs from the slides: dropout of 0.1 and cosine decay of the learning rate to zero.

The inputs are nine numbers that describe a district, of which longitude and latitude are the most
informative; the five classes are mutually exclusive. Both the classes and the predictions are
regions of a map. As the pictures show, the network's borders are smoother than the true ones, which
trees follow more closely. Five of 20,640 districts lie on an island, too few to learn from.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.ensemble import HistGradientBoostingClassifier

import recipes.datasets.california_housing  # noqa: F401 (registers the data set)
from layers.fill_missing import FillMissing
from recipes.common.arrays import to_numpy

EPOCHS = 15
CLASSES = ["within an hour", "inland", "island", "near the bay", "near the ocean"]


def features_and_class(district):
    """A district as nine numbers, location first, and the class of its ocean proximity."""
    rooms = district["total_rooms"]
    households = district["households"]
    numbers = [
        district["longitude"],
        district["latitude"],
        district["housing_median_age"],
        tf.math.log(district["median_income"]),
        tf.math.log(district["median_house_value"]),
        tf.math.log(rooms / households),
        tf.math.log(district["total_bedrooms"] / rooms),
        tf.math.log(district["population"] / households),
        tf.math.log(households),
    ]
    return tf.stack(numbers), district["ocean_proximity"]


def load_data(batch_size=128):
    """Train, validation and test batches of (9,) numbers and integer labels 0–4.

    Missing numbers are NaN.
    """
    splits = ["train[:70%]", "train[70%:80%]", "train[80%:]"]
    train, validation, test = tfds.load("california_housing", split=splits)
    train = train.map(features_and_class).cache().shuffle(15_000).batch(batch_size)
    validation = validation.map(features_and_class).batch(1000).cache()
    test = test.map(features_and_class).batch(1000).cache()
    return train, validation, test


def build_sequential(mean, variance, units, dropout, classes):
    """The network as a list of layers."""
    return keras.Sequential(
        [
            keras.Input((len(mean),), dtype="float32"),
            FillMissing(mean, dtype="float32"),
            keras.layers.Normalization(mean=mean, variance=variance, dtype="float32"),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )


def build_functional(mean, variance, units, dropout, classes):
    """The same network as a chain of function calls."""
    inputs = keras.Input((len(mean),), dtype="float32")
    x = FillMissing(mean, dtype="float32")(inputs)
    x = keras.layers.Normalization(mean=mean, variance=variance, dtype="float32")(x)
    x = keras.layers.Dense(units, activation="relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Dense(units, activation="relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def build_model(
    api="sequential",
    units=128,
    dropout=0.1,
    learning_rate=0.01,
    steps=EPOCHS * 113,
    train=None,
    classes=5,
):
    """The compiled network: (9,) numbers to 5 class probabilities. 18,437 parameters.

    The features are normalized by their means and variances in `train` (by default from
    `load_data`).
    """
    if train is None:
        train, _, _ = load_data()
    table, _ = to_numpy(train)
    mean = np.nanmean(table, axis=0)
    variance = np.nanvar(table, axis=0)
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(mean, variance, units, dropout, classes)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "units": hp.Choice("units", [32, 64, 128, 256], default=128),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.1),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01, 0.03], default=0.01),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Gradient boosting (scikit-learn's HistGradientBoostingClassifier)."""
    features, labels = to_numpy(train)
    # Without the penalty it fails because of the class with five districts.
    model = HistGradientBoostingClassifier(
        random_state=0, early_stopping=False, l2_regularization=1.0
    )
    model.fit(features, labels)
    features, labels = to_numpy(test)
    return {"accuracy": model.score(features, labels)}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(train=train, steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "table_multiclass.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("table_multiclass.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True))
    print("Gradient boosting:", baseline(train, test))


if __name__ == "__main__":
    main()

"""Regression to any number with a linear output: what does a house in California cost (1990)?

Slides: 001 «Capas de salida dependiendo de la tarea» (regression to arbitrary values: house price),
        001 «Ejemplo (API secuencial)» (the metric r2).
Paper:  Pace & Barry (1997), https://doi.org/10.1016/S0167-7152(96)00140-X (the data);
        Tancik et al. (2020), https://arxiv.org/abs/2006.10739 (Fourier features of the location)
Departs from the slides: they only name the head. With `sinusoids` the network has two branches, one
for the location and one for all features, so there is no sequential version. The slides' own metric
`r2` is now `keras.metrics.R2Score`.

A linear output can exceed the range of the training targets, for example a price above the maximum
of the data, 500,001 dollars. A sigmoid cannot.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.ensemble import HistGradientBoostingRegressor

import recipes.datasets.california_housing  # noqa: F401 (registers the data set)
from layers.fill_missing import FillMissing
from layers.fourier_features import FourierFeatures
from recipes.common.arrays import to_numpy

EPOCHS = 30
OBJECTIVE = ("val_r2", "max")
VARIANTS = {
    "linear": {"activation": "linear", "sinusoids": 32},
    "sigmoid": {"activation": "sigmoid", "sinusoids": 32},
}
WRONG = {"sigmoid": "a sigmoid ends at 1, and prices in 100,000 dollars do not"}


def features_and_price(district):
    """A district as 15 numbers, location first, and its median price in 100,000 dollars."""
    rooms = district["total_rooms"]
    bedrooms = district["total_bedrooms"]
    people = district["population"]
    households = district["households"]
    numbers = [
        district["longitude"],
        district["latitude"],
        district["housing_median_age"],
        tf.math.log(district["median_income"]),
        tf.math.log(rooms / households),
        tf.math.log(bedrooms / rooms),
        tf.math.log(people / households),
        tf.math.log(rooms),
        tf.math.log(people),
        tf.math.log(households),
    ]
    ocean = tf.one_hot(district["ocean_proximity"], 5)
    features = tf.concat([tf.stack(numbers), ocean], axis=0)  # (15,)
    return features, district["median_house_value"][None] / 100_000


def load_data(batch_size=128):
    """Train, validation and test batches of (15,) numbers and (1,) prices in 100,000 dollars.

    Missing numbers are NaN.
    """
    splits = ["train[:70%]", "train[70%:80%]", "train[80%:]"]
    train, validation, test = tfds.load("california_housing", split=splits)
    train = train.map(features_and_price).cache().shuffle(15_000).batch(batch_size)
    validation = validation.map(features_and_price).batch(1000).cache()
    test = test.map(features_and_price).batch(1000).cache()
    return train, validation, test


def build_model(
    activation="linear",
    units=128,
    sinusoids=0,
    scale=0.5,
    dropout=0.1,
    learning_rate=0.003,
    steps=EPOCHS * 113,
    train=None,
):
    """The compiled network: (15,) numbers to a price in 100,000 dollars.

    It has 18,689 parameters; with `sinusoids=32`, Fourier features of the location, which is the
    first two numbers, 26,945 parameters, of which 26,881 are trainable. The features are
    normalized by their means and variances in `train` (by default from `load_data`). The layers
    that read them compute in float32 at any precision: in 16 bits, longitudes would be rounded to
    half a degree.
    """
    if train is None:
        train, _, _ = load_data()
    table, _ = to_numpy(train)
    mean = np.nanmean(table, axis=0)
    variance = np.nanvar(table, axis=0)

    inputs = keras.Input((table.shape[1],), dtype="float32")
    filled = FillMissing(mean, dtype="float32")(inputs)  # first, since both branches read it
    normalize = keras.layers.Normalization(mean=mean, variance=variance, dtype="float32")
    x = normalize(filled)
    if sinusoids:  # Fourier features of the location
        place = FourierFeatures(sinusoids, scale, seed=0, dtype="float32")(filled[:, :2])
        x = keras.layers.Concatenate()([x, place])  # (batch, 15 + 2 · sinusoids)
    for _ in range(2):
        x = keras.layers.Dense(units, activation="relu")(x)
        x = keras.layers.Dropout(dropout)(x)
    outputs = keras.layers.Dense(1, activation=activation)(x)
    model = keras.Model(inputs, outputs)

    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.01)
    model.compile(optimizer, loss="mse", metrics=[keras.metrics.R2Score(name="r2")])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    sinusoids = hp.Choice("sinusoids", [0, 8, 16, 32, 64, 128], default=0)
    values = {
        "units": hp.Choice("units", [32, 64, 128, 256], default=128),
        "sinusoids": sinusoids,
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.1),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01], default=0.003),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }
    with hp.conditional_scope("sinusoids", [8, 16, 32, 64, 128]):
        scale = hp.Choice("scale", [0.1, 0.25, 0.5, 1.0, 2.0], default=0.5)
    if sinusoids:
        values["scale"] = scale
    return values


def baseline(train, test):
    """Gradient boosting (scikit-learn's HistGradientBoosting)."""
    features, price = to_numpy(train)
    model = HistGradientBoostingRegressor(random_state=0).fit(features, price[:, 0])
    features, price = to_numpy(test)
    return {"r2": model.score(features, price[:, 0])}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, train=train, steps=EPOCHS * len(train))
        path = f"head_regression_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_r2", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

"""Any number: a linear output and squared error. What does a house in California cost (1990 census)?

Slides: 001 «Capas de salida dependiendo de la tarea» (regression to arbitrary values: house price), 001 «Ejemplo (API
        secuencial)» (the metric r2).
Paper:  Pace & Barry (1997), https://doi.org/10.1016/S0167-7152(96)00140-X (the data); Tancik et al. (2020),
        https://arxiv.org/abs/2006.10739 (waves across the map).
Departs from the slides: they name the head only. The network has two branches (place, and everything else), so it is
given in the functional API alone. The slides' own metric `r2` is `keras.metrics.R2Score` today.

A linear output can leave the range of the training targets, as prices above the data's ceiling of 500,001 dollars would
have to; a sigmoid cannot, whatever the house.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import recipes.datasets.california_housing  # noqa: F401 (registers the data set)
from layers.fill_missing import FillMissing
from layers.fourier_features import FourierFeatures

EPOCHS = 30
OBJECTIVE = ("val_r2", "max")
VARIANTS = {"linear": {"activation": "linear"}, "sigmoid": {"activation": "sigmoid"}}
WRONG = {"sigmoid": "a sigmoid ends at 1, and prices in 100,000 dollars do not"}


def columns(district):
    """A district as 15 numbers, place first, and its median price in units of 100,000 dollars."""
    rooms, bedrooms = district["total_rooms"], district["total_bedrooms"]
    people, households = district["population"], district["households"]
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
    near = tf.one_hot(district["ocean_proximity"], 5)
    return tf.concat([tf.stack(numbers), near], 0), district["median_house_value"][None] / 100_000


def load_data(batch_size=128):
    """Train, validation and test batches of (15,) numbers, NaN where missing, and (1,) prices in 100,000 dollars."""
    splits = ["train[:70%]", "train[70%:80%]", "train[80%:]"]
    train, validation, test = (
        data.map(columns) for data in tfds.load("california_housing", split=splits)
    )
    return (
        train.cache().shuffle(15_000).batch(batch_size),
        validation.batch(1000).cache(),
        test.batch(1000).cache(),
    )


def build_model(
    activation="linear",
    units=128,
    waves=32,
    scale=0.5,
    dropout=0.1,
    learning_rate=0.003,
    steps=EPOCHS * 113,
    train=None,
):
    """The compiled network: (15,) numbers to a price in 100,000 dollars.

    The columns are normalised by their means and variances in `train` (by default, what `load_data` gives).
    """
    train = load_data()[0] if train is None else train
    table = np.concatenate([x for x, _ in train.as_numpy_iterator()])
    mean, variance = np.nanmean(table, axis=0), np.nanvar(table, axis=0)
    inputs = keras.Input((table.shape[1],))
    filled = FillMissing(mean)(inputs)  # first of all: both branches read it
    numbers = keras.layers.Normalization(mean=mean, variance=variance)(filled)
    place = FourierFeatures(waves, scale, seed=0)(filled[:, :2])
    x = keras.layers.Concatenate()([numbers, place])
    for _ in range(2):
        x = keras.layers.Dense(units, activation="relu")(x)
        x = keras.layers.Dropout(dropout)(x)
    model = keras.Model(inputs, keras.layers.Dense(1, activation=activation)(x))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=0.01),
        "mse",
        metrics=[keras.metrics.R2Score(name="r2")],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Choice("units", [32, 64, 128, 256], default=128),
        "waves": hp.Choice("waves", [8, 16, 32, 64, 128], default=32),
        "scale": hp.Choice("scale", [0.1, 0.25, 0.5, 1.0, 2.0], default=0.5),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.1),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01], default=0.003),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Gradient boosting (scikit-learn's HistGradientBoosting)."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    (x, y), (x_test, y_test) = (
        map(np.concatenate, zip(*data.as_numpy_iterator(), strict=True)) for data in (train, test)
    )
    return {
        "r2": HistGradientBoostingRegressor(random_state=0)
        .fit(x, y[:, 0])
        .score(x_test, y_test[:, 0])
    }


def figures(models, test, histories):
    """Where the network errs on the map, and where the two heads end."""
    x, price = map(np.concatenate, zip(*test.as_numpy_iterator(), strict=True))
    said = {
        name: model.predict(x, batch_size=1000, verbose=0)[:, 0] for name, model in models.items()
    }
    places, axes = plt.subplots(
        1, 2, figsize=(10, 4.6), layout="constrained", sharex=True, sharey=True
    )
    for axis, values, limits, colors, title in (
        (axes[0], said["linear"], (0, 5), "viridis", "What houses cost, by the network"),
        (
            axes[1],
            said["linear"] - price[:, 0],
            (-1.5, 1.5),
            "PuOr",
            "Where it says too much (purple) or too little",
        ),
    ):
        dots = axis.scatter(
            x[:, 0], x[:, 1], s=4, c=values, vmin=limits[0], vmax=limits[1], cmap=colors
        )
        axis.set(title=title, xlabel="longitude", ylabel="latitude", aspect=1.25)
        places.colorbar(dots, label="100,000 dollars")

    heads, axis = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for name, values in said.items():
        axis.hist(
            values,
            bins=np.linspace(-0.5, 7, 76),
            alpha=0.7,
            label=f"{name}, up to {values.max():.2f}",
        )
    axis.hist(
        price[:, 0],
        bins=np.linspace(-0.5, 7, 76),
        histtype="step",
        color="black",
        label="true prices",
    )
    axis.set(
        title="A sigmoid never says more than 1; a linear output has no such end",
        xlabel="100,000 dollars",
    )
    axis.set(ylabel="districts", yscale="log")
    axis.legend()
    return {"places": places, "heads": heads}


def main():
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments, train=train, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"head_regression_{name}.keras")


if __name__ == "__main__":
    main()

"""LSTM forecast of Spain's electricity demand: the next 24 hours from the last two weeks.

Slides: 001 «Series temporales: mercado eléctrico».
Paper:  Hochreiter & Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735; data: Red
        Eléctrica de España, by Elías, Jiménez & Shang (2022), https://arxiv.org/abs/2105.04399;
        baseline: Hyndman & Athanasopoulos, Forecasting: principles and practice,
        https://otexts.com/fpp3/simple-methods.html
The slide shows a demand curve with its forecast, but neither the network nor the error.

A step of the time series is a day: its 24 hours, and the kind of the following day (the calendar is
known in advance). At midnight the network forecasts the difference, hour by hour, between the next
day and the same day a week earlier; the day a week earlier itself is the seasonal naive forecast.
The network is trained on 2014 to 2016, validated on 2017 and tested on 2018. Inputs may be from the
previous year: the forecasts for the first days of 2018 use the demand of December 2017, which was
known by then.
"""

import datetime

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import recipes.datasets.electricity_es  # noqa: F401
from recipes.common.arrays import to_numpy

EPOCHS = 60
OBJECTIVE = ("val_mae", "min")
KINDS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "holiday"]
# Month and day of Spain's national holidays, except Good Friday, whose date varies.
HOLIDAYS = [(1, 1), (1, 6), (5, 1), (8, 15), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25)]


def kind_of_day(date):
    """0 Monday to 6 Sunday, 7 a holiday, for a date such as "2018-01-31"."""
    date = datetime.date.fromisoformat(date)
    if (date.month, date.day) in HOLIDAYS:
        return KINDS.index("holiday")
    return date.weekday()


def load_data(batch_size=32, days=14):
    """Train, validation and test batches of two inputs and the demand of the next day.

    Inputs are `demand` (days, 24) of the previous days, in MW, and `kind` (days,) of the day after
    each of these, 0–7; targets (24,) are in MW.
    """
    splits = tfds.load("electricity_es", split=["train", "validation", "test"], batch_size=-1)
    # Concatenate all years, and remember where each split ends.
    demand = np.concatenate([split["demand"] for split in splits])  # (all days, 24)
    kinds = []
    ends = []
    for split in splits:
        kinds.extend(kind_of_day(date.decode()) for date in split["date"].numpy())
        ends.append(len(kinds))
    kinds = np.array(kinds)  # (all days,)

    sets = []
    start = days  # the first days have too little history
    for end in ends:
        targets = np.arange(start, end)
        before = targets[:, None] + np.arange(-days, 0)  # (targets, days)
        inputs = {"demand": demand[before], "kind": kinds[before + 1]}
        sets.append(tf.data.Dataset.from_tensor_slices((inputs, demand[targets])))
        start = end
    train, validation, test = sets
    return train.shuffle(2000).batch(batch_size), validation.batch(365), test.batch(365)


def build_model(units=64, dropout=0.2, learning_rate=0.003, days=14, steps=EPOCHS * 34, train=None):
    """The compiled network: `demand` (days, 24) and `kind` (days,) to 24 hours, in MW.

    26,456 parameters. The demand is normalized by its mean and variance in `train` (by default from
    `load_data`).
    """
    if train is None:
        train, _, _ = load_data(days=days)
    _, demands = to_numpy(train)
    mean = float(demands.mean(dtype="float64"))
    variance = float(demands.var(dtype="float64"))
    # Constants, not weights. In float32, since 16 bits keep only three digits of a demand in MW.
    normalize = keras.layers.Normalization(
        axis=None, mean=mean, variance=variance, name="normalize", dtype="float32"
    )
    rescale = keras.layers.Rescaling(variance**0.5, name="rescale", dtype="float32")

    demand = keras.Input((days, 24), name="demand")
    kind = keras.Input((days,), dtype="int32", name="kind")
    embedded = keras.layers.Embedding(len(KINDS), 8)(kind)  # (batch, days, 8)
    x = keras.layers.Concatenate()([normalize(demand), embedded])  # (batch, days, 32)
    x = keras.layers.LSTM(units)(x)
    x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Dense(24, kernel_initializer="zeros")(x)  # initially predicts no difference
    a_week_ago = demand[:, -7]
    outputs = keras.layers.Add(dtype="float32")([a_week_ago, rescale(x)])
    model = keras.Model({"demand": demand, "kind": kind}, outputs)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), "mae", metrics=["mae"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "days": hp.Choice("days", [7, 14, 28], default=14),
        "units": hp.Choice("units", [32, 64, 128], default=64),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.2),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01], default=0.003),
        "batch_size": hp.Choice("batch_size", [16, 32, 64], default=32),
    }


def baseline(train, test):
    """Seasonal naive forecast: the same hour a week ago."""
    inputs, demand = to_numpy(test)
    a_week_ago = inputs["demand"][:, -7]
    return {"mae": float(np.mean(np.abs(a_week_ago - demand)))}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train), train=train)
    best = keras.callbacks.ModelCheckpoint(
        "electricity.keras", monitor="val_mae", mode="min", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("electricity.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

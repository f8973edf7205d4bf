"""LSTM on Spain's demand for electricity: the next 24 hours, from two weeks of days.

Slides: 001 «Series temporales: mercado eléctrico».
Paper:  Hochreiter & Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735; data: Red Eléctrica de España, by
        Elías, Jiménez & Shang (2022), https://arxiv.org/abs/2105.04399; what to compare with: Hyndman &
        Athanasopoulos, Forecasting: principles and practice, https://otexts.com/fpp3/simple-methods.html
The slide shows a demand curve with its forecast, and neither network nor error.

A step is a day: its 24 hours, and which kind of day comes next (the calendar is known in advance). At midnight the
network says what the day just begun will differ by, hour by hour, from the day a week ago; that day itself is the
baseline. It is trained on 2014 to 2016, chosen on 2017, tested on 2018. Inputs may reach back over New Year's Eve: what
is forecast for the first days of 2018 rests on demand of December 2017, which was known by then.
"""

import datetime

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import recipes.datasets.electricity_es  # noqa: F401

EPOCHS = 60
OBJECTIVE = ("val_mae", "min")
KINDS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "holiday"]
HOLIDAYS = [
    (1, 1),
    (1, 6),
    (5, 1),
    (8, 15),
    (10, 12),
    (11, 1),
    (12, 6),
    (12, 8),
    (12, 25),
]  # month, day: all of Spain


def kind(date):
    """Of a date such as 2018-01-31: 0 Monday to 6 Sunday, 7 a holiday."""
    date = datetime.date.fromisoformat(date)
    return 7 if (date.month, date.day) in HOLIDAYS else date.weekday()


def load_data(batch_size=32, days=14):
    """Train, validation and test batches: `demand` of the days before (days, 24) in MW and `kind` of the day after
    each (days,); the demand of the next day, (24,)."""
    splits = tfds.load("electricity_es", split=["train", "validation", "test"], batch_size=-1)
    demand = np.concatenate([split["demand"] for split in splits])
    kinds = np.array([kind(date.decode()) for split in splits for date in split["date"].numpy()])
    ends = np.cumsum([len(split["date"]) for split in splits])
    sets = []
    for start, end in zip((days, *ends), ends, strict=False):
        before = np.arange(start, end)[:, None] + np.arange(-days, 0)
        sets.append(({"demand": demand[before], "kind": kinds[before + 1]}, demand[start:end]))
    train, validation, test = map(tf.data.Dataset.from_tensor_slices, sets)
    return train.shuffle(2000).batch(batch_size), validation.batch(365), test.batch(365)


def build_model(units=64, dropout=0.2, learning_rate=0.003, days=14, steps=EPOCHS * 34, train=None):
    """The compiled network: two weeks of demand and calendar to 24 hours, in MW. 26,456 parameters to train.

    Mean and deviation of the demand are those of `train` (by default, what `load_data` gives).
    """
    train = load_data(days=days)[0] if train is None else train
    normalize = keras.layers.Normalization(axis=None, name="normalize", dtype="float32")
    normalize.adapt(train.map(lambda inputs, demand: demand))
    scale = np.sqrt(normalize.variance).item()
    demand = keras.Input((days, 24), name="demand")
    next_kind = keras.Input((days,), dtype="int32", name="kind")
    x = keras.layers.Concatenate()(
        [normalize(demand), keras.layers.Embedding(len(KINDS), 8)(next_kind)]
    )
    x = keras.layers.LSTM(units)(x)
    x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Dense(24, kernel_initializer="zeros")(x)  # at first, no difference
    difference = keras.layers.Rescaling(scale, dtype="float32")(
        x
    )  # of MW, 16 bits keep three digits
    outputs = keras.layers.Add(dtype="float32")([demand[:, -7], difference])
    model = keras.Model({"demand": demand, "kind": next_kind}, outputs)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), "mae", metrics=["mae"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "days": hp.Choice("days", [7, 14, 28], default=14),
        "units": hp.Choice("units", [32, 64, 128], default=64),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.2),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01], default=0.003),
        "batch_size": hp.Choice("batch_size", [16, 32, 64], default=32),
    }


def everything(data):
    """The whole of a batched set: inputs by name, and the demand to be forecast."""
    inputs, demand = zip(*data.as_numpy_iterator(), strict=True)
    return {
        name: np.concatenate([each[name] for each in inputs]) for name in inputs[0]
    }, np.concatenate(demand)


def baseline(train, test):
    """The same hour a week ago."""
    inputs, demand = everything(test)
    return {"mae": np.mean(np.abs(inputs["demand"][:, -7] - demand))}


def figures(model, test, history):
    """A usual week and the worst one beside the truth; the error by hour and by kind of day."""
    inputs, demand = everything(test)
    forecasts = {
        "LSTM": model.predict(inputs, verbose=0),
        "the same hour a week ago": inputs["demand"][:, -7],
        "the same hour yesterday": inputs["demand"][:, -1],
    }
    errors = {name: np.abs(forecast - demand) for name, forecast in forecasts.items()}
    weeks = len(demand) // 7
    by_week = errors["LSTM"][: 7 * weeks].reshape(weeks, -1).mean(1)
    order = np.argsort(by_week)
    two, axes = plt.subplots(2, 1, figsize=(11, 7), layout="constrained")
    for axis, week, which in zip(
        axes, (order[weeks // 2], order[-1]), ("A usual", "The worst"), strict=True
    ):
        days = slice(7 * week, 7 * week + 7)
        axis.plot(demand[days].ravel() / 1000, color="black", label="demand")
        for name, style in (("LSTM", "-"), ("the same hour a week ago", ":")):
            axis.plot(forecasts[name][days].ravel() / 1000, style, label=name)
        axis.set_title(
            f"{which} week, number {week + 1} of the year: the LSTM errs by {by_week[week]:,.0f} MW"
        )
        axis.set_xticks(np.arange(7) * 24 + 12, [KINDS[each] for each in inputs["kind"][days, -1]])
        axis.set(ylabel="GW", xlim=(-1, 168))
        axis.grid(axis="y")
    axes[0].legend(ncols=3, loc="lower right", bbox_to_anchor=(1, 0.98))

    mean, axes = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained")
    kinds = inputs["kind"][:, -1]
    for place, (name, error) in enumerate(errors.items()):
        axes[0].plot(error.mean(0), "o-", markersize=4, label=f"{name}: {error.mean():,.0f}")
        by_kind = [
            error[kinds == each].mean() if np.any(kinds == each) else 0
            for each in range(len(KINDS))
        ]
        axes[1].bar(np.arange(len(KINDS)) + 0.27 * (place - 1), by_kind, width=0.27)
    axes[0].set(
        title="Mean error by hour of the day", xlabel="hour", ylabel="MW", xticks=range(0, 24, 3)
    )
    axes[0].set_ylim(0, None)
    axes[0].legend(loc="upper right")
    axes[1].set(title="Mean error by kind of day", ylabel="MW")
    axes[1].set_xticks(range(len(KINDS)), [name[:3] for name in KINDS])
    return {"weeks": two, "errors": mean}


def main():
    train, validation, test = load_data()
    model = build_model(train=train, steps=EPOCHS * len(train))
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True))
    model.save("electricity.keras")


if __name__ == "__main__":
    main()

"""A number from 0 to 1: sigmoid with squared error or cross-entropy. How healthy is a jet engine (NASA C-MAPSS)?

Slides: 001 «Capas de salida dependiendo de la tarea» (regression to values between 0 and 1: engine health).
Paper:  Saxena et al. (2008), https://doi.org/10.1109/PHM.2008.4711414 (the data, FD001); Heimes (2008),
        https://doi.org/10.1109/PHM.2008.4711422 (life capped, because an engine does not age from its first flight on).
Departs from the slides: they name the head only.

Health is the remaining life of at most 125 cycles, divided by 125: 1 for new, 0 for broken. It is seen in the mean and
slope of 14 sensors, and of the engine's age, over the last 20, 50 and 200 cycles: how worn it is, how fast it has
been wearing, and for how long. A network that gets the readings themselves has to find such things in 80 engines, and
does worse. Cross-entropy with a target p between 0 and 1 is least at the output p, as squared error is, but what is
left there is the entropy of p, not 0. Test engines are cut off at some moment: one window each, the last.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import recipes.datasets.cmapss  # noqa: F401 (registers the data set)
from layers.window_statistics import WindowStatistics

EPOCHS = 10
CAP = 125  # cycles
WINDOWS = [20, 50, 200]  # cycles
FIRST = 30  # cycles that must have been seen
SENSORS = [1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 16, 19, 20]  # the others stand still in this set
CHANNELS = len(SENSORS) + 1  # the age, too
OBJECTIVE = ("val_rmse_cycles", "min")
VARIANTS = {"mse": {"loss": "mse"}, "cross_entropy": {"loss": "binary_crossentropy"}}


def windows(engine):
    """Windows `(n, 200, 15)` of an engine, one a cycle from the 30th on (zeros before the first); health `(n, 1)`."""
    sensors = tf.gather(engine["sensors"], SENSORS, axis=1)
    cycles = tf.shape(sensors)[0]
    age = tf.range(1, cycles + 1) / 100
    rows = tf.concat([sensors, tf.cast(age, "float32")[:, None]], 1)
    padded = tf.pad(rows, [[max(WINDOWS) - FIRST, 0], [0, 0]])
    life = engine["remaining"] + tf.range(cycles - FIRST, -1, -1)
    health = tf.cast(tf.minimum(life, CAP), "float32") / CAP
    return tf.signal.frame(padded, max(WINDOWS), 1, axis=0), health[:, None]


def last_window(engine):
    x, health = windows(engine)
    return x[-1:], health[-1:]


def load_data(batch_size=128):
    """Train, validation and test batches of (200, 15) readings and (1,) health; split by engine, not by window."""
    engines = tfds.load("cmapss", split=["train[:80%]", "train[80%:]", "test"])
    train, validation, test = (
        tf.data.Dataset.from_tensor_slices(
            tuple(map(np.concatenate, zip(*split.map(cut).as_numpy_iterator(), strict=True)))
        )
        for split, cut in zip(engines, (windows, windows, last_window), strict=True)
    )
    return train.shuffle(20_000).batch(batch_size), validation.batch(1000), test.batch(100)


@keras.saving.register_keras_serializable(package="head_unit_interval")
class Cycles(keras.metrics.RootMeanSquaredError):
    """Root mean squared error in cycles of capped life."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = (CAP * keras.ops.cast(y, self.dtype) for y in (y_true, y_pred))
        return super().update_state(y_true, y_pred, sample_weight)


def statistics(x):
    """Means and slopes (n, 90) of windows (n, 200, 15), which do not count what is before the first cycle."""
    return WindowStatistics(WINDOWS, dtype="float32")(keras.layers.Masking(dtype="float32")(x))


def build_sequential(normalize, units=64, dropout=0.1):
    """Statistics of the windows, two layers of neurons and one sigmoid, as a list of layers."""
    return keras.Sequential(
        [
            keras.Input((max(WINDOWS), CHANNELS)),
            keras.layers.Masking(dtype="float32"),
            WindowStatistics(WINDOWS, dtype="float32"),
            normalize,
            keras.layers.Dropout(dropout),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def build_functional(normalize, units=64, dropout=0.1):
    """The same network as a chain of function calls."""
    inputs = keras.Input((max(WINDOWS), CHANNELS))
    x = normalize(statistics(inputs))
    for _ in range(2):
        x = keras.layers.Dropout(dropout)(x)
        x = keras.layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))


def build_model(
    api="sequential",
    loss="mse",
    units=64,
    dropout=0.1,
    learning_rate=0.008,
    weight_decay=0.3,
    steps=EPOCHS * 110,
    train=None,
):
    """The compiled network: (200, 15) readings, of 14 sensors and the clock, to health.

    The statistics are normalised by what they are in `train` (by default, what `load_data` gives). Each epoch ends, and
    the next begins, with the average of the weights over its last 200 steps or so (Polyak & Juditsky 1992).
    """
    train = load_data()[0] if train is None else train
    normalize = keras.layers.Normalization(dtype="float32")
    normalize.adapt(train.map(lambda x, health: statistics(x)))
    model = {"sequential": build_sequential, "functional": build_functional}[api](
        normalize, units, dropout
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    averaging = {
        "use_ema": True,
        "ema_momentum": 0.995,
        "ema_overwrite_frequency": int(train.cardinality()),
    }
    adam = keras.optimizers.AdamW(schedule, weight_decay, **averaging)
    model.compile(adam, loss, metrics=[Cycles(name="rmse_cycles")])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Choice("units", [16, 32, 64, 128], default=64),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3], default=0.1),
        "learning_rate": hp.Choice("learning_rate", [0.002, 0.004, 0.008, 0.016], default=0.008),
        "weight_decay": hp.Choice("weight_decay", [0.03, 0.1, 0.3, 1.0], default=0.3),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Gradient boosting (scikit-learn) on the same means and slopes."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    (x, y), (x_test, y_test) = (
        map(np.concatenate, zip(*data.as_numpy_iterator(), strict=True)) for data in (train, test)
    )
    boosting = HistGradientBoostingRegressor(random_state=0).fit(statistics(x), y[:, 0])
    said = boosting.predict(statistics(x_test))
    return {"rmse_cycles": CAP * float(np.sqrt(np.mean((said.clip(0, 1) - y_test[:, 0]) ** 2)))}


def figures(models, test, histories):
    """The last life of four engines as the networks see it, and the two losses beside each other."""
    lives, axes = plt.subplots(1, 4, figsize=(12, 3.4), layout="constrained", sharey=True)
    engines = tfds.load("cmapss", split="train[80%:]").take(len(axes))
    for axis, engine in zip(axes, engines, strict=False):
        x, health = windows(engine)
        cycles = range(FIRST, FIRST + len(x))
        axis.plot(cycles, CAP * health[:, 0], color="black", label="true, at most 125")
        for name, model in models.items():
            axis.plot(
                cycles,
                CAP * model.predict(x, batch_size=500, verbose=0)[:, 0],
                alpha=0.8,
                label=name,
            )
        axis.set(title=f"Engine {int(engine['engine'])}", xlabel="cycle")
    axes[0].set_ylabel("remaining life in cycles")
    axes[0].legend()
    lives.suptitle("Four engines kept for validation: the nearer the end, the surer the networks")

    said, target = np.linspace(0.001, 0.999, 500), 0.7
    entropy = -target * np.log(target) - (1 - target) * np.log(1 - target)
    losses, axis = plt.subplots(layout="constrained")
    axis.plot(
        said, -target * np.log(said) - (1 - target) * np.log(1 - said), label="binary cross-entropy"
    )
    axis.plot(said, (said - target) ** 2, label="squared error")
    axis.axhline(
        entropy, color="gray", linestyle=":", label=f"entropy of the target, {entropy:.3f}"
    )
    axis.axvline(target, color="gray", linewidth=1)
    axis.set(
        title="For a target of 0.7 both are least at 0.7, but cross-entropy is not 0 there",
        ylim=(0, 2),
    )
    axis.set(xlabel="output", ylabel="loss")
    axis.legend()
    return {"lives": lives, "losses": losses}


def main():
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments, train=train, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"head_unit_interval_{name}.keras")


if __name__ == "__main__":
    main()

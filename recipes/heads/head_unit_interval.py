"""Regression to a number from 0 to 1 with a sigmoid: how healthy is a jet engine (NASA C-MAPSS)?

Slides: 001 «Capas de salida dependiendo de la tarea» (regression to values between 0 and 1: engine
        health).
Paper:  Saxena et al. (2008), https://doi.org/10.1109/PHM.2008.4711414 (the data, FD001);
        Heimes (2008), https://doi.org/10.1109/PHM.2008.4711422 (life capped, because an engine does
        not age from its first flight on)
Departs from the slides: they only name the head.

Health is the remaining useful life, at most 125 cycles, divided by 125: 1 for new, 0 for broken.
The inputs are the mean and slope of 14 sensors, and of the engine's age, over the last 20, 50 and
200 cycles. They measure how worn the engine is, how fast it has been wearing, and for how long. A
network on the raw sensor readings has to learn such features from 80 engines, and does worse.

Both losses of the slides' table are compared, squared error and binary cross-entropy. For a target
p between 0 and 1, both have their minimum at the output p. There the squared error is 0, but
cross-entropy is the entropy of p. The data of a test engine ends some time before its failure; only
its last window is used.
"""

import keras
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import root_mean_squared_error

import recipes.datasets.cmapss  # noqa: F401 (registers the data set)
from layers.window_statistics import WindowStatistics
from recipes.common.arrays import to_numpy

EPOCHS = 10
OBJECTIVE = ("val_rmse_cycles", "min")
CAP = 125  # cycles of remaining life; longer lives are set to it
WINDOWS = [20, 50, 200]  # lengths, in cycles
FIRST = 30  # cycle at which the first window ends
SENSORS = [1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 16, 19, 20]  # the others are constant in this set
CHANNELS = len(SENSORS) + 1  # with the age
VARIANTS = {
    "mse": {"loss": "mse"},
    "cross_entropy": {"loss": "binary_crossentropy"},
}


def windows(engine):
    """All windows of an engine, one for each cycle from the 30th on.

    Args:
        engine: An example of `cmapss`: `sensors` (cycles, 21), and `remaining`, the cycles of life
            left after the last of them.

    Returns:
        Readings (n, 200, 15), with zeros before the first cycle, and health (n, 1).
    """
    sensors = tf.gather(engine["sensors"], SENSORS, axis=1)  # (cycles, 14)
    cycles = tf.shape(sensors)[0]
    age = tf.cast(tf.range(1, cycles + 1) / 100, "float32")
    readings = tf.concat([sensors, age[:, None]], axis=1)  # (cycles, 15)
    padded = tf.pad(readings, [[max(WINDOWS) - FIRST, 0], [0, 0]])
    frames = tf.signal.frame(padded, max(WINDOWS), 1, axis=0)  # (n, 200, 15)
    life = engine["remaining"] + tf.range(cycles - FIRST, -1, -1)
    health = tf.cast(tf.minimum(life, CAP), "float32") / CAP
    return frames, health[:, None]


def last_window(engine):
    """The last window of an engine, (1, 200, 15), and its health at the end of it, (1, 1)."""
    readings, health = windows(engine)
    return readings[-1:], health[-1:]


def load_data(batch_size=128):
    """Train, validation and test batches of (200, 15) readings and (1,) health.

    The data is split by engine, not by window.
    """
    splits = ["train[:80%]", "train[80%:]", "test"]
    train, validation, test = tfds.load("cmapss", split=splits)
    train = tf.data.Dataset.from_tensor_slices(to_numpy(train.map(windows)))
    validation = tf.data.Dataset.from_tensor_slices(to_numpy(validation.map(windows)))
    test = tf.data.Dataset.from_tensor_slices(to_numpy(test.map(last_window)))
    return train.shuffle(20_000).batch(batch_size), validation.batch(1000), test.batch(100)


@keras.saving.register_keras_serializable(package="head_unit_interval")
class Cycles(keras.metrics.RootMeanSquaredError):
    """Root mean squared error in cycles of capped life."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        true_cycles = CAP * keras.ops.cast(y_true, self.dtype)
        predicted_cycles = CAP * keras.ops.cast(y_pred, self.dtype)
        return super().update_state(true_cycles, predicted_cycles, sample_weight)


def statistics(readings):
    """Means and slopes (n, 90) of windows (n, 200, 15), ignoring the padding at their start."""
    masked = keras.layers.Masking(dtype="float32")(readings)
    return WindowStatistics(WINDOWS, dtype="float32")(masked)


def build_sequential(normalize, units=64, dropout=0.1):
    """Statistics of the windows, two dense layers and one sigmoid, as a list of layers."""
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
    outputs = keras.layers.Dense(1, activation="sigmoid")(x)
    return keras.Model(inputs, outputs)


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
    """The compiled network: (200, 15) readings to health. 10,230 parameters.

    10,049 of them are trainable. The statistics are normalized by their means and variances in
    `train` (by default from `load_data`). At the end of each epoch, the weights are replaced by
    their average over about the last 200 steps (Polyak & Juditsky 1992).
    """
    if train is None:
        train, _, _ = load_data()
    normalize = keras.layers.Normalization(dtype="float32")
    normalize.adapt(train.map(lambda readings, health: statistics(readings)))
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(normalize, units, dropout)
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(learning_rate, steps),
        weight_decay,
        use_ema=True,
        ema_momentum=0.995,
        ema_overwrite_frequency=len(train),
    )
    model.compile(optimizer, loss, metrics=[Cycles(name="rmse_cycles")])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "units": hp.Choice("units", [16, 32, 64, 128], default=64),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3], default=0.1),
        "learning_rate": hp.Choice("learning_rate", [0.002, 0.004, 0.008, 0.016], default=0.008),
        "weight_decay": hp.Choice("weight_decay", [0.03, 0.1, 0.3, 1.0], default=0.3),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Gradient boosting (scikit-learn) on the same means and slopes."""
    readings, health = to_numpy(train)
    model = HistGradientBoostingRegressor(random_state=0)
    model.fit(statistics(readings), health[:, 0])
    readings, health = to_numpy(test)
    predicted = model.predict(statistics(readings)).clip(0, 1)
    return {"rmse_cycles": CAP * root_mean_squared_error(health[:, 0], predicted)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, train=train, steps=EPOCHS * len(train))
        path = f"head_unit_interval_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_rmse_cycles", mode="min", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

"""Echo state network (reservoir computing): Mackey–Glass chaos, forecast 84 steps ahead.

Slides: 001 «zoo ESN», 003 «list B no. 9».
Paper:  Jaeger & Haas (2004), Harnessing nonlinearity: predicting chaotic systems and saving energy
        in wireless communication, https://doi.org/10.1126/science.1091277
Departs from the paper: the reservoir is dense; the readout uses its states and the latest value,
but not their squares; and ridge regression replaces noise.

The reservoir is a recurrent network with random weights that are never trained. It turns the past
of a series into many signals, its states. Only a linear readout of the states is learned, by
solving linear equations, without backpropagation through time. To forecast further, the network
runs freely, with its own forecasts as inputs. The series is chaotic, so every error grows; 84 steps
are about one and a half of its near-periods. Errors are in standard deviations of the series.
"""

import keras
import numpy as np
import tensorflow as tf

from layers.echo_state import EchoStateCell
from recipes.common.arrays import to_numpy

EPOCHS = 1
OBJECTIVE = ("val_nrmse_84", "min")
VARIANTS = {"units_100": {"units": 100}, "units_1000": {"units": 1000}}
WARMUP = 200  # steps until a state no longer depends on its initialization with zeros
HORIZON = 84  # steps to forecast
MEAN = 0.9297  # long-run mean of the series
DEVIATION = 0.2265  # its long-run standard deviation
SUBSTEPS = 10  # of Euler's method in a step
DELAY = 17  # steps, τ


def mackey_glass(count, steps, seed):
    """Solutions of dx/dt = 0.2 x(t − τ) / (1 + x(t − τ)¹⁰) − 0.1 x, standardized.

    Args:
        count: Number of solutions, each from a random initial state.
        steps: Length of each, after 1000 steps that are dropped.
        seed: Of the initial states.

    Returns:
        (count, steps, 1), float32.
    """
    past = DELAY * SUBSTEPS
    total = past + (1000 + steps) * SUBSTEPS
    x = np.empty((total, count))
    x[: past + 1] = np.random.default_rng(seed).uniform(0.5, 1.3, count)
    for t in range(past, total - 1):
        delayed = x[t - past]
        slope = 0.2 * delayed / (1 + delayed**10) - 0.1 * x[t]
        x[t + 1] = x[t] + slope / SUBSTEPS
    series = x[past + 1000 * SUBSTEPS :: SUBSTEPS]  # (steps, count)
    return ((series.T[..., None] - MEAN) / DEVIATION).astype("float32")


def load_data(batch_size=1, length=2000, sequences=2):
    """Batches of (steps, 1) values of the series, standardized, and the values that follow.

    Training targets are the next value at each step: (length, 1). Validation and test targets are
    the 84 values after the end of the inputs.
    """
    series = mackey_glass(sequences, length + 1, seed=0)
    train = tf.data.Dataset.from_tensor_slices((series[:, :-1], series[:, 1:]))
    forecasts = []
    for seed in (1, 2):
        series = mackey_glass(200, WARMUP + HORIZON, seed)
        parts = (series[:, :WARMUP], series[:, WARMUP:])
        forecasts.append(tf.data.Dataset.from_tensor_slices(parts).batch(100))
    validation, test = forecasts
    return train.batch(batch_size), validation, test


@keras.saving.register_keras_serializable(package="echo_state")
class EchoStateNetwork(keras.Model):
    """Values (batch, steps, 1) to the forecast of the next ones (batch, horizon, 1).

    Args:
        units, spectral_radius, leak, input_scale, bias_scale: Of the reservoir.
        ridge: Penalty on the squared readout weights, per training step.
        horizon: Number of steps to forecast.
    """

    def __init__(
        self,
        units=100,
        spectral_radius=1.1,
        leak=0.7,
        input_scale=0.3,
        bias_scale=0.5,
        ridge=1e-11,
        horizon=HORIZON,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.options = {
            "units": units,
            "spectral_radius": spectral_radius,
            "leak": leak,
            "input_scale": input_scale,
            "bias_scale": bias_scale,
            "ridge": ridge,
            "horizon": horizon,
        }
        self.ridge = ridge
        self.horizon = horizon
        self.cell = EchoStateCell(
            units, spectral_radius, leak, input_scale, bias_scale, dtype="float32"
        )
        self.reservoir = keras.layers.RNN(
            self.cell, return_sequences=True, return_state=True, dtype="float32"
        )
        self.nrmse_1 = keras.metrics.RootMeanSquaredError(name="nrmse_1")
        self.nrmse_84 = keras.metrics.RootMeanSquaredError(name="nrmse_84")

    def build(self, input_shape):
        self.reservoir.build(input_shape)
        feature_count = self.cell.units + 2
        self.readout = self.add_weight(
            name="readout", shape=(feature_count, 1), initializer="zeros", dtype="float32"
        )
        # The normal equations XᵀX w = Xᵀy: sums over all training steps so far.
        self.gram = self.add_weight(
            name="gram",
            shape=(feature_count, feature_count),
            initializer="zeros",
            dtype="float64",
            trainable=False,
        )
        self.cross = self.add_weight(
            name="cross",
            shape=(feature_count, 1),
            initializer="zeros",
            dtype="float64",
            trainable=False,
        )
        self.built = True

    def call(self, values):
        values = keras.ops.cast(values, "float32")
        _, state = self.reservoir(values)
        value = values[:, -1]
        forecast = []
        for _ in range(self.horizon):
            value = keras.ops.matmul(features(state, value), self.readout)  # (batch, 1)
            forecast.append(value)
            state, _ = self.cell(value, [state])
        return keras.ops.stack(forecast, axis=1)

    def train_step(self, data):
        values, targets = data
        states, _ = self.reservoir(values)  # (batch, steps, units)
        inputs = features(states, values)[:, WARMUP:]
        x = keras.ops.cast(keras.ops.reshape(inputs, (-1, inputs.shape[-1])), "float64")
        y = keras.ops.cast(keras.ops.reshape(targets[:, WARMUP:], (-1, 1)), "float64")
        transposed = keras.ops.transpose(x)
        self.gram.assign_add(keras.ops.matmul(transposed, x))
        self.cross.assign_add(keras.ops.matmul(transposed, y))
        # Ridge regression. The constant feature counts the training steps so far.
        penalty = self.ridge * self.gram[-1, -1]
        identity = keras.ops.eye(inputs.shape[-1], dtype="float64")
        readout = keras.ops.solve(self.gram + penalty * identity, self.cross)
        self.readout.assign(keras.ops.cast(readout, "float32"))
        self.nrmse_1.update_state(targets[:, WARMUP:], keras.ops.matmul(inputs, self.readout))
        return {"nrmse_1": self.nrmse_1.result()}

    def test_step(self, data):
        values, targets = data
        forecast = self(values)
        self.nrmse_1.update_state(targets[:, 0], forecast[:, 0])
        self.nrmse_84.update_state(targets[:, -1], forecast[:, -1])
        return {"nrmse_1": self.nrmse_1.result(), "nrmse_84": self.nrmse_84.result()}

    def get_config(self):
        return {**super().get_config(), **self.options}


def features(states, values):
    """States (…, units), the latest values (…, 1) and a constant: (…, units + 2)."""
    return keras.ops.concatenate([states, values, keras.ops.ones_like(values)], axis=-1)


def build_model(
    units=100,
    spectral_radius=1.1,
    leak=0.7,
    input_scale=0.3,
    bias_scale=0.5,
    ridge=1e-11,
):
    """The network: (steps, 1) values to the (84, 1) that follow. 20,808 parameters.

    102 of them are trainable, the readout. The others are the reservoir and the sums of the
    normal equations, which are solved anew after every batch: the network has no loss, and its
    optimizer is never used.
    """
    model = EchoStateNetwork(units, spectral_radius, leak, input_scale, bias_scale, ridge, HORIZON)
    model.build((None, None, 1))
    model.compile(optimizer="sgd")
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "spectral_radius": hp.Choice("spectral_radius", [0.7, 0.9, 1.0, 1.1, 1.3], default=1.1),
        "leak": hp.Choice("leak", [0.1, 0.3, 0.5, 0.7, 1.0], default=0.7),
        "input_scale": hp.Choice("input_scale", [0.1, 0.2, 0.3, 0.5, 1.0], default=0.3),
        "bias_scale": hp.Choice("bias_scale", [0.0, 0.2, 0.5, 1.0], default=0.5),
        "ridge": hp.Choice("ridge", [1e-12, 1e-11, 1e-10, 1e-9, 1e-8], default=1e-11),
        "length": hp.Choice("length", [1000, 2000, 4000], default=2000),
    }


def baseline(train, test):
    """Persistence: all values that follow are the last one."""
    values, targets = to_numpy(test)
    errors = values[:, -1:] - targets  # (series, HORIZON, 1)
    nrmse = np.sqrt(np.mean(errors**2, axis=(0, 2)))
    return {"nrmse_1": float(nrmse[0]), "nrmse_84": float(nrmse[-1])}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        model.save(f"echo_state_{name}.keras")
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

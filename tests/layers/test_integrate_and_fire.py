import keras
import numpy as np
import pytest
from keras import ops

from layers.integrate_and_fire import IntegrateAndFireCell
from tests.layers.conformance import check_layer


@keras.saving.register_keras_serializable(package="tests")
class Neurons(keras.layers.RNN):
    """The cell in `keras.layers.RNN`, with the cell's arguments as its own."""

    def __init__(self, units=4, decay=0.8, threshold=0.7, slope=2.0, **kwargs):
        super().__init__(IntegrateAndFireCell(units, decay, threshold, slope), **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["cell"]
        names = ("units", "decay", "threshold", "slope")
        return {**config, **{name: getattr(self.cell, name) for name in names}}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def reference(decay, threshold):
    def spikes(inputs, weights):
        potentials = np.zeros_like(inputs[:, 0])
        found = []
        for step in range(inputs.shape[1]):
            potentials = decay * potentials + inputs[:, step]
            fired = potentials >= threshold
            potentials = potentials - threshold * fired
            found.append(fired.astype("float32"))
        return np.stack(found, axis=1)

    return spikes


def test_conformance():
    check_layer(
        Neurons,
        {"return_sequences": True},
        (3, 6, 4),
        reference=reference(0.8, 0.7),
        parameters=0,
        bad_arguments=[
            {"units": 0},
            {"decay": 0.0},
            {"decay": 1.1},
            {"threshold": 0.0},
            {"slope": -1.0},
        ],
    )


def test_as_many_inputs_as_units():
    layer = keras.layers.RNN(IntegrateAndFireCell(3))
    with pytest.raises(ValueError, match=r"3 units, each with an input of its own.*5"):
        layer(np.zeros((2, 4, 5), "float32"))


def test_rate_of_a_neuron_that_does_not_leak():
    """It fires as often as its current fits the threshold, whatever the threshold."""
    currents = np.array([0.0, 0.1, 0.25, 0.5, 1.0], "float32")
    inputs = np.tile(currents, (1, 40, 1))
    for threshold in (1.0, 0.5):
        cell = IntegrateAndFireCell(5, decay=1.0, threshold=threshold)
        spikes = keras.layers.RNN(cell, return_sequences=True)(inputs * threshold)
        np.testing.assert_allclose(np.sum(spikes, axis=(0, 1)), 40 * currents, atol=1)


def test_gradient_is_that_of_the_smooth_function():
    """One step: 1 / (1 + slope |u − threshold|)²."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("asks TensorFlow's tape")
    import tensorflow as tf

    cell = IntegrateAndFireCell(5, threshold=1.0, slope=3.0)
    inputs = tf.constant([[-1.0, 0.5, 1.0, 1.2, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        spikes, _ = cell(inputs, [ops.zeros((1, 5))])
        total = ops.sum(spikes)
    np.testing.assert_array_equal(spikes, [[0, 0, 1, 1, 1]])
    expected = 1 / (1 + 3 * np.abs(np.array([[-1.0, 0.5, 1.0, 1.2, 4.0]]) - 1)) ** 2
    np.testing.assert_allclose(tape.gradient(total, inputs), expected, rtol=1e-5)

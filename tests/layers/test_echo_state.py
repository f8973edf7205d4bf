import keras
import numpy as np
import pytest
from keras import ops

from layers.echo_state import EchoStateCell
from tests.layers.conformance import check_layer


@keras.saving.register_keras_serializable(package="tests")
class Reservoir(keras.layers.RNN):
    """The cell in `keras.layers.RNN`, with the cell's arguments as its own."""

    def __init__(self, units=5, spectral_radius=0.8, leak=0.4, seed=3, **kwargs):
        super().__init__(EchoStateCell(units, spectral_radius, leak, 0.7, 0.3, seed), **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["cell"]
        names = ("units", "spectral_radius", "leak", "seed")
        return {**config, **{name: getattr(self.cell, name) for name in names}}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def reference(leak):
    def states(inputs, weights):
        kernel, recurrent_kernel, bias = weights
        state = np.zeros((len(inputs), len(bias)))
        found = []
        for step in range(inputs.shape[1]):
            z = inputs[:, step] @ kernel + state @ recurrent_kernel + bias
            state = state + leak * (np.tanh(z) - state)
            found.append(state)
        return np.stack(found, axis=1)

    return states


def test_conformance():
    check_layer(
        Reservoir,
        {"return_sequences": True},
        (3, 6, 2),
        reference=reference(leak=0.4),
        parameters=2 * 5 + 5 * 5 + 5,
        bad_arguments=[
            {"units": 0},
            {"spectral_radius": -0.1},
            {"leak": 0.0},
            {"leak": 1.5},
        ],
    )


def test_it_masks_like_every_recurrent_layer():
    check_layer(Reservoir, {}, (3, 6, 2), mask="consumed")


@pytest.mark.parametrize("radius", [0.5, 1.25])
def test_largest_eigenvalue(radius):
    cell = EchoStateCell(40, spectral_radius=radius, seed=0)
    cell.build((None, 1))
    eigenvalues = np.linalg.eigvals(ops.convert_to_numpy(cell.recurrent_kernel))
    assert np.abs(eigenvalues).max() == pytest.approx(radius, rel=1e-4)


def test_scales_and_seeds():
    cell = EchoStateCell(2000, spectral_radius=0.0, input_scale=0.5, bias_scale=0.1, seed=7)
    cell.draw_recurrent_kernel = keras.initializers.Zeros()  # its eigenvalues would take seconds
    cell.build((None, 1))
    kernel, recurrent_kernel, bias = map(np.squeeze, cell.get_weights())
    assert 0.49 < np.abs(kernel).max() <= 0.5
    assert 0.098 < np.abs(bias).max() <= 0.1
    assert np.all(recurrent_kernel == 0)
    assert abs(np.corrcoef(kernel, bias)[0, 1]) < 0.1, "drawn from one seed"
    first, again, other = (EchoStateCell(4, seed=seed) for seed in (7, 7, 8))
    for each in (first, again, other):
        each.build((None, 1))
    for one, two, three in zip(
        first.get_weights()[:2], again.get_weights(), other.get_weights(), strict=False
    ):
        np.testing.assert_array_equal(one, two)
        assert np.any(one != three)


@pytest.mark.parametrize(("radius", "forgets"), [(0.8, True), (3.0, False)])
def test_a_state_forgets_its_beginning_below_a_radius_of_1(radius, forgets):
    """Two different states, then the same 200 inputs: they become one, or they do not."""
    rng = np.random.default_rng(0)
    reservoir = Reservoir(units=50, spectral_radius=radius, leak=1.0)
    inputs = 0.1 * rng.normal(size=(2, 200, 1)).astype("float32")
    inputs[1] = inputs[0]
    states = rng.uniform(-1, 1, (2, 50)).astype("float32")
    ends = ops.convert_to_numpy(reservoir(inputs, initial_state=[states]))
    distance = np.abs(ends[0] - ends[1]).max()
    assert distance < 1e-5 if forgets else distance > 0.1


def test_the_whole_gets_no_gradient():
    cell = EchoStateCell(4)
    cell.build((None, 1))
    assert cell.trainable_weights == []
    assert cell.count_params() == 4 + 16 + 4

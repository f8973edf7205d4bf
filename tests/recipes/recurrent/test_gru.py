"""R23: the equations under "LSTM" are Keras' GRU with the weights of z negated (N41, N42)."""

import keras
import numpy as np
import pytest

from recipes.recurrent import gru as recipe


def test_equals_keras_with_the_weights_of_z_negated_only():
    x, weights = np.random.default_rng(1).normal(size=(4, 20, 6)), recipe.random_weights(6, 8)
    assert recipe.difference(x, weights) < 1e-6
    assert recipe.difference(x, weights, negate_z=False) > 0.3


def test_one_step_by_hand():
    """h = 0 at first: h₁ = σ(x w_z) tanh(x w)."""
    w_z, w_r, w = (np.array([[3.0], [k]]) for k in (0.5, 1.0, -2.0))
    states, gates = recipe.gru(np.array([[[1.0], [2.0]]]), w_z, w_r, w)
    z = 1 / (1 + np.exp(-0.5))
    first = z * np.tanh(-2)
    assert gates[0, 0, 0] == pytest.approx(z)
    assert states[0, 0, 0] == pytest.approx(first)
    z, r = (1 / (1 + np.exp(-(3 * first + 2 * k))) for k in (0.5, 1.0))
    assert states[0, 1, 0] == pytest.approx((1 - z) * first + z * np.tanh(3 * r * first - 4))


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ({"use_bias": False, "reset_after": False}, 18_432),
        ({"reset_after": False}, 18_624),
        ({}, 18_816),
    ],
)
def test_parameters(arguments, count):
    layer = keras.layers.GRU(64, **arguments)
    layer.build((None, None, 32))
    assert layer.count_params() == count
    assert sum(w.size for w in recipe.random_weights(32, 64)) == 3 * 64 * (32 + 64) == 18_432


def test_gate_holds_what_was_marked():
    x = recipe.marked_signal()
    states, gates = recipe.gru(x, *recipe.sample_and_hold())
    h, marks = states[0, :, 0], np.flatnonzero(x[0, :, 1])
    assert h[marks] == pytest.approx(np.tanh(x[0, marks, 0]), abs=0.01)
    assert h[marks[1:] - 1] == pytest.approx(h[marks[:-1]], abs=0.1)  # as it was at the mark before
    assert (
        np.abs(np.tanh(x[0, marks[1:] - 1, 0]) - h[marks[:-1]]).max() > 0.3
    )  # though the value went elsewhere
    assert ((gates[0, :, 0] > 0.5) == (x[0, :, 1] == 1)).all()

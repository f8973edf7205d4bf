"""R21, R22, R24, R25, R39: the cell against Keras' own, its parameters and shapes, and what the gates do (N42)."""

import keras
import numpy as np
import pytest

from recipes.recurrent import lstm as recipe

RNG = np.random.default_rng(0)


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def moved(layer, x):
    """The layer, built, with weights off their initial values."""
    layer(x)
    layer.set_weights([weight + RNG.normal(0, 0.3, weight.shape) for weight in layer.get_weights()])
    return layer


def test_step_and_cell_equal_keras():
    x = RNG.normal(size=(3, 12, 4)).astype("float32")
    layer = moved(keras.layers.LSTM(5, return_sequences=True), x)
    h = c = np.zeros((3, 5), "float32")
    by_hand = []
    for t in range(12):
        h, c, _ = recipe.step(x[:, t], h, c, *layer.get_weights())
        by_hand.append(numpy(h))
    assert np.stack(by_hand, 1) == pytest.approx(numpy(layer(x)), abs=1e-5)
    ours = keras.layers.RNN(recipe.GatedCell(5), return_sequences=True)
    ours(x)
    ours.set_weights(layer.get_weights())
    assert numpy(ours(x)) == pytest.approx(numpy(layer(x)), abs=1e-5)


def test_gated_cell_starts_like_keras():
    layers = keras.layers.LSTM(8), keras.layers.RNN(recipe.GatedCell(8))
    for layer in layers:
        layer.build((None, None, 4))
    (theirs_kernel, _, theirs_bias), (kernel, recurrent, bias) = (
        layer.get_weights() for layer in layers
    )
    np.testing.assert_array_equal(bias, theirs_bias)
    assert kernel.std() == pytest.approx(theirs_kernel.std(), rel=0.3)
    assert recurrent @ recurrent.T == pytest.approx(np.eye(8), abs=1e-5)


@pytest.mark.parametrize("gate", ["input", "forget", "output"])
def test_a_gate_that_is_missing_is_always_open(gate):
    x, h, c = RNG.normal(size=(2, 4)), RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
    kernel, recurrent, bias = (
        RNG.normal(size=(4, 12)),
        RNG.normal(size=(3, 12)),
        RNG.normal(size=12),
    )
    without = [numpy(y) for y in recipe.step(x, h, c, kernel, recurrent, bias, gate)[:2]]
    bias[{"input": slice(0, 3), "forget": slice(3, 6), "output": slice(9, 12)}[gate]] += 100
    for ours, opened in zip(
        without, recipe.step(x, h, c, kernel, recurrent, bias)[:2], strict=True
    ):
        assert ours == pytest.approx(numpy(opened))


def test_four_times_the_parameters_of_a_simple_rnn():
    counts = []
    for layer in (keras.layers.LSTM(64), keras.layers.SimpleRNN(64)):
        layer.build((None, None, 32))
        counts.append(layer.count_params())
    assert counts == [24_832, 6_208] == [4 * (64 * (32 + 64) + 64), 24_832 // 4]
    assert recipe.build_model().count_params() == 4_996
    sizes = [
        recipe.build_model(**arguments).count_params() for arguments in recipe.VARIANTS.values()
    ]
    assert max(sizes) < 1.1 * min(sizes)


def test_shapes_of_the_keras_layer():
    x = np.zeros((2, 7, 3), "float32")
    assert keras.layers.LSTM(5)(x).shape == (2, 5)
    assert keras.layers.LSTM(5, return_sequences=True)(x).shape == (2, 7, 5)
    last, h, c = keras.layers.LSTM(5, return_state=True)(x)
    assert last.shape == h.shape == c.shape == (2, 5)
    np.testing.assert_array_equal(last, h)


def test_what_was_marked_last():
    x, said = recipe.messages(20, 30, 0.3, seed=0)
    for row in range(20):
        for t in range(30):
            last = max(step for step in range(t + 1) if x[row, step, -1])
            assert x[row, last, :4].tolist() == np.eye(4)[said[row, t]].tolist()


def test_a_forget_bias_keeps_the_path_of_the_gradient_open():
    """R24: over 100 steps, on standard normal inputs, for three draws of the weights."""
    for seed in range(3):
        flow = {
            kind: recipe.gradient_flow(recipe.untrained(kind, seed), seed=seed)[0]
            for kind in (5, 1, "orthogonal")
        }
        assert 0.1 < flow[5] < 10
        assert flow["orthogonal"] < flow[1] < 1e-4

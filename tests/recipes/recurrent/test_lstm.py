"""R21, R22, R25, R39: the cell against Keras' own, its size, data and baseline (N42)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

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
    theirs = keras.layers.LSTM(8)
    theirs.build((None, None, 4))
    theirs_kernel, _, theirs_bias = theirs.get_weights()
    ours = keras.layers.RNN(recipe.GatedCell(8))
    ours.build((None, None, 4))
    kernel, recurrent, bias = ours.get_weights()
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


def test_networks_have_about_the_same_size():
    sizes = []
    for arguments in recipe.VARIANTS.values():
        sizes.append(recipe.build_model(**arguments).count_params())
    assert max(sizes) < 1.1 * min(sizes)


@pytest.mark.slides
def test_four_times_the_parameters_of_a_simple_rnn():
    """Deck 002 says that gates mean fewer parameters."""
    counts = []
    for layer in (keras.layers.LSTM(64), keras.layers.SimpleRNN(64)):
        layer.build((None, None, 32))
        counts.append(layer.count_params())
    assert counts == [24_832, 6_208] == [4 * (64 * (32 + 64) + 64), 24_832 // 4]


def test_targets_are_the_characters_marked_last():
    inputs, targets = recipe.marked_sequences(20, 30, 0.3, seed=0)
    for row in range(20):
        for t in range(30):
            last = max(step for step in range(t + 1) if inputs[row, step, -1])
            assert inputs[row, last, :4].tolist() == np.eye(4)[targets[row, t]].tolist()


def test_baseline_sees_five_steps():
    inputs = np.arange(1.0, 15.0).reshape(1, 7, 2)
    rows = recipe.windows(inputs)
    assert rows.shape == (7, 5 * 2 + 1)
    assert rows[1].tolist() == [0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 1]
    assert rows[6].tolist() == [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 1]


def test_baseline_is_right_where_the_last_mark_is_near():
    """Without noise and with sequences of five steps, it sees all that there is to know."""
    accuracy = {}
    for length in (5, 60):
        sequences = recipe.marked_sequences(300, length, noise=0.0, seed=0)
        data = tf.data.Dataset.from_tensors(sequences)
        accuracy[length] = recipe.baseline(data, data)["accuracy"]
    assert 0.95 < accuracy[5] <= 1
    assert accuracy[60] < 0.6

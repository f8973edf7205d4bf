"""R1, R2, R3, R12: loop, unrolled graph, BPTT and shared weights against Keras (N40)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.recurrent import rnn_by_hand as recipe

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def learned():
    return recipe.train()


def test_equals_simple_rnn_and_the_unrolled_graph():
    x, weights = RNG.normal(size=(4, 9, 3)), recipe.random_weights(3, 5, 2)
    ours, states = recipe.rnn(x, *weights)
    for model in (recipe.keras_rnn(3, 5, 2), recipe.unrolled(9, 3, 5, 2)):
        model.set_weights(weights)
        assert keras.ops.convert_to_numpy(model(x)) == pytest.approx(ours, abs=1e-6)
    cell = keras.layers.SimpleRNN(5, use_bias=False, return_state=True)
    cell.build((None, None, 3))
    cell.set_weights(weights[:2])
    last, state = cell(x)
    assert keras.ops.convert_to_numpy(last) == pytest.approx(states[:, -1], abs=1e-6)
    assert keras.ops.convert_to_numpy(state) == pytest.approx(states[:, -1], abs=1e-6)


def test_parameters_do_not_depend_on_the_length():
    counts = {recipe.unrolled(steps, 3, 5, 2).count_params() for steps in (2, 7)}
    assert counts == {5 * (3 + 5) + 5 * 2}
    layer = keras.layers.SimpleRNN(64)
    layer.build((None, None, 32))
    assert layer.count_params() == 6208


def test_answers_to_the_patterns():
    answers = {}
    for pattern, answer in zip(recipe.PATTERNS, recipe.ANSWERS, strict=True):
        answers[tuple(pattern.tolist())] = answer
    assert len(answers) == 8
    assert answers.pop((1, -1, 1)) == 1
    assert answers.pop((-1, 1, -1)) == -1
    assert set(answers.values()) == {0}


def test_bptt_is_what_the_tape_finds():
    x, d, weights = (
        RNG.normal(size=(4, 7, 3)),
        RNG.normal(size=(4, 7, 2)),
        recipe.random_weights(3, 5, 2),
    )
    variables = [tf.Variable(w) for w in weights]
    with tf.GradientTape() as tape:
        h, error = tf.zeros((4, 5), "float64"), 0.0
        for t in range(7):
            h = tf.tanh(h @ variables[1] + x[:, t] @ variables[0])
            error += 0.5 * tf.reduce_sum((h @ variables[2] - d[:, t]) ** 2)
    ours, gradients, _ = recipe.bptt(x, d, *weights)
    assert ours == pytest.approx(float(error))
    for gradient, expected in zip(gradients, tape.gradient(error, variables), strict=True):
        assert gradient == pytest.approx(expected.numpy(), abs=1e-10)


def test_learned_at_one_place_known_at_all(learned):
    x, targets = recipe.patterns_at(recipe.PLACE)
    first = recipe.rnn(x, *learned)[0]
    assert np.abs(first - targets).max() < 0.05
    for place in range(recipe.STEPS - 2):
        y = recipe.rnn(recipe.patterns_at(place)[0], *learned)[0]
        common = recipe.STEPS - max(place, recipe.PLACE)  # the same answer, only later
        later = y[:, place : place + common]
        np.testing.assert_array_equal(later, first[:, recipe.PLACE : recipe.PLACE + common])


def test_a_dense_layer_knows_only_the_place_it_was_taught():
    dense = recipe.dense_layer()
    assert not (recipe.patterns_at(8)[0][:, :, 0] @ dense).any()
    assert (recipe.patterns_at(recipe.PLACE)[0][:, :, 0] @ dense).any()


def test_gradient_vanishes_or_explodes():
    small = recipe.gradient_norms(0.5, steps=40)
    large = recipe.gradient_norms(2.0, steps=40)
    assert len(small) == 40
    assert small[-1] == large[-1] == 1
    assert small[0] < 1e-6
    assert large[0] > 1


def test_gradient_shrinks_with_the_spectral_radius_where_tanh_is_linear(monkeypatch):
    """For a W_hh that is the radius times a rotation, by exactly that factor at each step."""
    rotation = np.array([[0.6, 0.8], [-0.8, 0.6]])
    weights = [np.zeros((4, 2)), 0.9 * rotation, np.ones((2, 1))]
    monkeypatch.setattr(recipe, "random_weights", lambda *args: weights)
    assert recipe.gradient_norms(0.9, steps=6) == pytest.approx(0.9 ** np.arange(5, -1, -1))

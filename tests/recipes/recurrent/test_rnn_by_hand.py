"""R1, R2, R3, R12: the loop, the unrolled graph, BPTT and the shared weights, against Keras and TensorFlow (N40)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.recurrent import rnn_by_hand as recipe

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def learned():
    return recipe.learn()


def test_equals_simple_rnn_and_the_unrolled_graph():
    x, weights = RNG.normal(size=(4, 9, 3)), recipe.initial(3, 5, 2)
    ours, states = recipe.rnn(x, *weights)
    for model in (recipe.with_keras(3, 5, 2), recipe.unrolled(9, 3, 5, 2)):
        model.set_weights(weights)
        assert keras.ops.convert_to_numpy(model(x)) == pytest.approx(ours, abs=1e-6)
    cell = keras.layers.SimpleRNN(5, use_bias=False, return_state=True)
    cell.build((None, None, 3))
    cell.set_weights(weights[:2])
    last, state = cell(x)
    assert keras.ops.convert_to_numpy(last) == pytest.approx(states[:, -1], abs=1e-6)
    assert keras.ops.convert_to_numpy(state) == pytest.approx(states[:, -1], abs=1e-6)


def test_parameters_do_not_depend_on_the_length():
    assert {recipe.unrolled(steps, 3, 5, 2).count_params() for steps in (1 + 1, 7)} == {
        5 * (3 + 5) + 5 * 2
    }
    layer = keras.layers.SimpleRNN(64)
    layer.build((None, None, 32))
    assert layer.count_params() == 6208


def test_bptt_is_what_the_tape_finds():
    x, d, weights = RNG.normal(size=(4, 7, 3)), RNG.normal(size=(4, 7, 2)), recipe.initial(3, 5, 2)
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
    x, d = recipe.at(recipe.PLACE)
    first = recipe.rnn(x, *learned)[0]
    assert np.abs(first - d).max() < 0.05
    for place in range(recipe.STEPS - 2):
        y = recipe.rnn(recipe.at(place)[0], *learned)[0]
        common = recipe.STEPS - max(place, recipe.PLACE)  # the same answer, only later
        np.testing.assert_array_equal(
            y[:, place:][:, :common], first[:, recipe.PLACE :][:, :common]
        )


def test_a_dense_layer_knows_only_the_place_it_was_taught():
    window = recipe.dense_on_window()
    assert not (recipe.at(8)[0][:, :, 0] @ window).any()
    assert (recipe.at(recipe.PLACE)[0][:, :, 0] @ window).any()


def test_gradient_vanishes_or_explodes():
    x = 0.1 * RNG.normal(size=(2, 40, 4))
    for radius, smaller in ((0.5, True), (2.0, False)):
        weights = recipe.initial(4, 32, 1, radius)
        d = recipe.rnn(x, *weights)[0]
        d[:, -1] += 1
        norms = np.linalg.norm(recipe.bptt(x, d, *weights)[2], axis=(1, 2))
        assert norms[0] < 1e-6 * norms[-1] if smaller else norms[0] > norms[-1]

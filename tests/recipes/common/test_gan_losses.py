import doctest

import keras
import numpy as np
import pytest
from keras import ops

from recipes.common import gan_losses
from recipes.common.gan_losses import discriminator_loss, frozen_call, generator_loss


def test_example():
    result = doctest.testmod(gan_losses)
    assert result.attempted > 0
    assert not result.failed


def test_end_of_the_game():
    """N51: where D says one half, the value of the game is −log 4 = −1.386294."""
    logits = np.zeros((5, 1), "float32")
    assert -float(discriminator_loss(logits, logits)) == pytest.approx(-1.386294, abs=1e-6)
    assert float(generator_loss(logits)) == pytest.approx(np.log(2), abs=1e-6)


def test_losses_against_numpy():
    real, generated = np.random.default_rng(0).normal(0, 3, (2, 7, 1))
    d_real, d_generated = (1 / (1 + np.exp(-x)) for x in (real, generated))
    expected = -np.mean(np.log(d_real)) - np.mean(np.log(1 - d_generated))
    assert float(discriminator_loss(real, generated)) == pytest.approx(expected, rel=1e-5)
    assert float(generator_loss(generated)) == pytest.approx(
        -np.mean(np.log(d_generated)), rel=1e-5
    )


def test_best_discriminator():
    """N51: D = p / (p + q) is optimal, with the value 2 JSD(p, q) − log 4, least for q = p."""
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7])

    def value(logits):
        """E_p log D + E_q log(1 − D), from as many examples of each kind as is probable."""
        kinds = [np.repeat(logits, np.round(10 * share).astype(int))[:, None] for share in (p, q)]
        return -float(discriminator_loss(*kinds))

    best = np.log(p / q)
    middle = (p + q) / 2
    divergence = (np.sum(p * np.log(p / middle)) + np.sum(q * np.log(q / middle))) / 2
    assert value(best) == pytest.approx(2 * divergence - np.log(4), rel=1e-5)
    for other in np.eye(3):
        assert value(best + 0.3 * other) < value(best)
        assert value(best - 0.3 * other) < value(best)


def test_sure_discriminator_leaves_a_slope_to_the_generator():
    """At D = 1e-8 the slope of −log D is 1, that of log(1 − D) nothing."""
    assert float(
        generator_loss(np.full((1, 1), -19.0)) - generator_loss(np.full((1, 1), -18.0))
    ) == pytest.approx(1)


@pytest.fixture
def network():
    layers = [
        keras.layers.Dense(4, activation="tanh"),
        keras.layers.Dropout(0.5, seed=1),
        keras.layers.Dense(1),
    ]
    return keras.Sequential([keras.Input((3,)), *layers])


def test_frozen_gives_the_same_output(network):
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    held = ops.convert_to_numpy(frozen_call(network, x, training=False))
    np.testing.assert_allclose(held, ops.convert_to_numpy(network(x)), atol=1e-6)


def test_frozen_is_called_as_in_training_and_remembers_nothing(network):
    """Dropout acts, and its seed is afterwards what it was."""
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    state = [ops.convert_to_numpy(variable) for variable in network.non_trainable_variables]
    first, again = (ops.convert_to_numpy(frozen_call(network, x)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    for variable, old in zip(network.non_trainable_variables, state, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), old)
    assert np.abs(first - ops.convert_to_numpy(network(x, training=False))).max() > 1e-3
    np.testing.assert_allclose(first, ops.convert_to_numpy(network(x, training=True)), atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes gradients with a tape")
def test_gradients_reach_the_input_and_not_the_weights(network):
    import tensorflow as tf

    x = tf.Variable(np.random.default_rng(0).normal(size=(6, 3)).astype("float32"))
    with tf.GradientTape(persistent=True) as tape:
        plain, held = (
            tf.reduce_sum(network(x)),
            tf.reduce_sum(frozen_call(network, x, training=False)),
        )
    np.testing.assert_allclose(tape.gradient(held, x), tape.gradient(plain, x), rtol=1e-5)
    assert np.abs(tape.gradient(plain, x)).max() > 0
    assert (
        tape.gradient(held, [weight.value for weight in network.trainable_variables]) == [None] * 4
    )

"""A batch of any size takes the step that Keras takes (T1)."""

import keras
import numpy as np
import pytest

from recipes.training import batch_size as recipe


@pytest.mark.parametrize("size", [256, 32, 1])
def test_the_first_batch_is_a_step_of_keras(size):
    weights, least = recipe.descend_by_batches(size)
    assert len(weights) == 1 + 4 * 256 // size
    assert np.linalg.norm(weights[-1] - least) < np.linalg.norm(weights[0] - least)
    rng = np.random.default_rng(0)
    x = rng.normal(size=256)
    inputs, targets = np.stack([2 * x, np.ones(256)], 1), 3 * x + 1 + rng.normal(size=256)
    batch = rng.permutation(256)[:size]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[-1.0], [-1.0]])])
    model.compile(
        keras.optimizers.SGD(0.05), "mse", run_eagerly=True
    )  # mse has no ½: half the rate
    model.train_on_batch(inputs[batch], targets[batch, None])
    np.testing.assert_allclose(model.get_weights()[0][:, 0], weights[1], atol=1e-5)


def test_single_examples_never_come_to_rest():
    weights, least = recipe.descend_by_batches(1, epochs=20)
    steps = np.linalg.norm(np.diff(weights[-256:], axis=0), axis=1)
    assert np.median(steps) > 0.05
    assert np.linalg.norm(weights[-256:].mean(0) - least) < 0.3  # but on average it is there

"""A batch of any size takes the step that Keras takes (T1)."""

import keras
import numpy as np
import pytest

from recipes.training import batch_size as recipe


@pytest.mark.parametrize("batch_size", recipe.BATCH_SIZES)
def test_the_first_batch_is_a_step_of_keras(batch_size):
    trajectory, least_squares = recipe.sgd(batch_size)
    assert len(trajectory) == 1 + 4 * 256 // batch_size
    start, end = (np.linalg.norm(weights - least_squares) for weights in trajectory[[0, -1]])
    assert end < start
    rng = np.random.default_rng(0)
    x = rng.normal(size=256)
    inputs, targets = np.stack([2 * x, np.ones(256)], 1), 3 * x + 1 + rng.normal(size=256)
    batch = rng.permutation(256)[:batch_size]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[-1.0], [-1.0]])])
    optimizer = keras.optimizers.SGD(0.05)  # mse has no ½: half the learning rate
    model.compile(optimizer, "mse", run_eagerly=True)
    model.train_on_batch(inputs[batch], targets[batch, None])
    np.testing.assert_allclose(model.get_weights()[0][:, 0], trajectory[1], atol=1e-5)


def test_single_examples_never_come_to_rest():
    trajectory, least_squares = recipe.sgd(1, epochs=20)
    steps = np.linalg.norm(np.diff(trajectory[-256:], axis=0), axis=1)
    assert np.median(steps) > 0.05
    mean = trajectory[-256:].mean(axis=0)
    assert np.linalg.norm(mean - least_squares) < 0.3  # but on average it is there


def test_late_distance_is_of_the_last_quarter():
    trajectory = np.array([[9.0, 9.0]] * 6 + [[3.0, 4.0], [0.0, 1.0]])
    assert recipe.late_distance(trajectory, np.zeros(2)) == 3

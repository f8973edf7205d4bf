"""P10, P12, P32: what one neuron gets right, what n hidden ones do, how often training fails."""

import math

import keras
import numpy as np
import pytest

from recipes.perceptrons import xor as recipe
from recipes.perceptrons.figures import xor as figures


@pytest.mark.parametrize(("n", "best"), [(2, 3 / 4), (3, 3 / 4), (4, 11 / 16), (5, 11 / 16)])
def test_best_single_neuron_on_parity(n, best):
    assert figures.best_neuron(n) == best == 0.5 + math.comb(n - 1, (n - 1) // 2) / 2**n


def test_no_line_gets_more_than_three_corners_right():
    weights = np.random.default_rng(0).normal(size=(3, 20_000))
    fires = np.c_[recipe.CORNERS, np.ones(4)] @ weights >= 0
    assert np.mean(fires == recipe.XOR, axis=0).max() == figures.best_neuron(2) == 3 / 4


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_n_hidden_neurons_compute_parity(n):
    inputs = np.array(list(np.ndindex(*[2] * n)), "float32")
    outputs = np.asarray(figures.parity_network(n)(inputs))[:, 0]
    np.testing.assert_array_equal(outputs, inputs.sum(axis=1) % 2)
    assert figures.parity_accuracy(n) == 1


def test_corners_right_counts_each_corner():
    """A neuron that fires on all but 00 is wrong about 11; its opposite is right only there."""
    model = recipe.build_model(hidden=0)
    model.set_weights([np.array([[4.0], [4.0]]), np.array([-2.0])])
    assert figures.corners_right(model) == 3
    model.set_weights([np.array([[-4.0], [-4.0]]), np.array([2.0])])
    assert figures.corners_right(model) == 1


def test_wide_networks_always_learn_and_narrow_ones_often_fail():
    assert figures.converges(2).mean() < 0.9
    assert figures.converges(16).all()


def test_side_by_side_is_one_by_one():
    """It is gradient descent on the summed cross-entropy of one network in Keras."""
    together = figures.converges(2, starts=6, steps=200)
    assert together[0] != together[2]
    for start in (0, 2):
        model = recipe.build_model(start=start)
        # Keras' loss is the mean of four.
        model.compile(keras.optimizers.SGD(4 * 0.5), "binary_crossentropy")
        for _ in range(200):
            model.train_on_batch(recipe.CORNERS, recipe.XOR)
        predicted = model.predict_on_batch(recipe.CORNERS) > 0.5
        assert np.all(predicted == recipe.XOR) == together[start]

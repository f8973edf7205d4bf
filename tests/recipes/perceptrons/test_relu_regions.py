"""P34: linear pieces of ReLU networks, found exactly."""

import keras
import numpy as np
import pytest

from recipes.perceptrons import relu_regions as recipe


def network_of_lines(normals, offsets):
    """One layer whose units change at given lines."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(len(offsets), "relu")])
    model.layers[0].set_weights([np.transpose(normals), np.array(offsets)])
    return model


@pytest.mark.parametrize(("lines", "pieces"), [(0, 1), (1, 2), (2, 4), (3, 7), (16, 137)])
def test_bound(lines, pieces):
    assert recipe.bound(lines) == pieces


def test_three_lines_that_cross_in_the_square_make_seven_pieces():
    model = network_of_lines([[1, 0], [0, 1], [1, 1]], [0.0, 0.0, -0.5])
    assert len(recipe.regions(model)) == recipe.bound(3)


def test_parallel_lines_make_less():
    model = network_of_lines([[1, 0], [1, 0], [1, 0]], [-0.5, 0.0, 0.5])
    areas = [recipe.area(corners) for corners, _, _ in recipe.regions(model)]
    assert areas == pytest.approx([1.0] * 4)


@pytest.mark.parametrize("widths", [(16,), (4, 4, 4), (8, 8)])
def test_pieces_fill_the_square_and_the_network_is_linear_on_each(widths):
    model = recipe.random_network(widths, seed=1)
    pieces = recipe.regions(model)
    assert sum(recipe.area(corners) for corners, _, _ in pieces) == pytest.approx(4)
    generator = np.random.default_rng(0)
    for corners, slopes, offsets in pieces:
        inside = generator.dirichlet(np.ones(len(corners)), size=3) @ corners
        expected = inside @ slopes.T + offsets
        assert model(inside.astype("float32")).numpy() == pytest.approx(expected, abs=1e-4)


def test_as_many_pieces_as_patterns_of_working_units():
    """Patterns at points of a fine grid, which may miss small pieces."""
    model = recipe.random_network((5, 4), seed=2)
    steps = np.linspace(-1, 1, 401)
    points = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2).astype("float32")
    patterns = []
    x = points
    for layer in model.layers:
        x = layer(x).numpy()
        patterns.append(x > 0)
    seen = len(np.unique(np.concatenate(patterns, axis=1), axis=0))
    pieces = recipe.regions(model)
    large = [corners for corners, _, _ in pieces if recipe.area(corners) > 1e-3]
    assert len(large) <= seen <= len(pieces)


def test_one_layer_stays_below_the_bound():
    for seed in range(3):
        assert len(recipe.regions(recipe.random_network((10,), seed))) <= recipe.bound(10)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_each_layer_that_folds_multiplies_the_pieces_by_four(depth):
    pieces = recipe.regions(recipe.folding_network(depth))
    assert len(pieces) == 4**depth
    areas = [recipe.area(corners) for corners, _, _ in pieces]
    assert areas == pytest.approx([4 / 4**depth] * len(pieces), rel=1e-5)


def test_a_fold_is_an_absolute_value():
    points = np.array([[0.3, -0.8], [-0.6, 0.1]], "float32")
    outputs = recipe.folding_network(2)(points).numpy()
    folded = 2 * np.abs(points) - 1
    expected = np.maximum(np.stack([folded, -folded], axis=-1).reshape(2, 4), 0)
    assert outputs == pytest.approx(expected, abs=1e-6)

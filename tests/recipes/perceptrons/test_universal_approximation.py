"""P28, P29: a staircase of sigmoids comes as close to a function as one likes; at what price."""

import itertools

import keras
import numpy as np
import pytest

from recipes.perceptrons import universal_approximation as recipe
from recipes.perceptrons.figures import universal_approximation as figures


def test_weierstrass_at_places_known_by_hand():
    """cos(3ᵏ π x) is 1 at 0, −1 at 1, and 0 at ½, because 3ᵏ is odd."""
    full = 2 - 0.5 ** (recipe.TERMS - 1)
    np.testing.assert_allclose(recipe.weierstrass([0, 1, 0.5]), [full, -full, 0], atol=1e-9)


def test_it_is_continuous_but_its_slopes_grow_without_limit():
    x = np.linspace(-1, 1, 2001)
    changes, slopes = [], []
    for distance in (1e-1, 1e-2, 1e-3):
        change = np.abs(recipe.weierstrass(x + distance) - recipe.weierstrass(x))
        changes.append(change.max())
        slopes.append(change.mean() / distance)
    assert changes[0] > 2.5 * changes[1] > 6 * changes[2]
    assert slopes[2] > 2 * slopes[1] > 4 * slopes[0]


def test_data_are_values_of_the_function():
    for part in recipe.load_data():
        x, y = next(part.as_numpy_iterator())
        assert x.shape == y.shape == (len(x), 1)
        assert np.abs(x).max() <= 1
        np.testing.assert_allclose(y, recipe.weierstrass(x), atol=1e-5)


@pytest.mark.parametrize("units", [4, 31])
def test_sharp_steps_err_by_no_more_than_the_change_within_half_a_tread(units):
    def change_within(width):
        """Of the function, the largest between two points of the grid so far apart at most."""
        steps = int(np.ceil(width / (recipe.GRID[1] - recipe.GRID[0])))
        values = recipe.weierstrass(recipe.GRID)
        return max(np.abs(values[step:] - values[:-step]).max() for step in range(1, steps + 1))

    model = recipe.construct(recipe.weierstrass, units, sharpness=20_000)
    assert 0 < recipe.max_error(model) <= 1.01 * change_within(1 / (units + 1))


def test_two_units_make_a_bump():
    """Of a function that is 1 in the middle third: up at −⅓, down at ⅓, by weights written down."""
    model = recipe.construct(lambda x: (np.abs(x) < 1 / 3).astype(float), 2, sharpness=200)
    kernel, bias, heights, start = model.get_weights()
    np.testing.assert_allclose(-bias / kernel[0], [-1 / 3, 1 / 3], atol=1e-6)
    np.testing.assert_allclose(heights[:, 0], [1, -1], atol=1e-6)
    np.testing.assert_allclose(start, [0], atol=1e-6)
    found = figures.outputs(model, [-0.9, -0.4, -0.3, 0, 0.3, 0.4, 0.9])
    np.testing.assert_allclose(found, [0, 0, 1, 1, 1, 0, 0], atol=1e-3)


def test_the_error_falls_as_units_are_added():
    errors = [recipe.max_error(recipe.construct(recipe.weierstrass, n)) for n in (8, 32, 128, 512)]
    for before, after in itertools.pairwise(errors):
        assert 0.3 < after / before < 0.7


@pytest.mark.parametrize(
    ("arguments", "count"),
    [({"units": 4}, 13), ({"units": 256}, 769), ({"units": 16, "depth": 3}, 593)],
)
def test_parameters(arguments, count):
    """3n + 1 with one hidden layer; a polynomial of degree 12 has as many as 4 units."""
    assert recipe.build_model(**arguments).count_params() == count
    assert arguments in recipe.VARIANTS.values()
    assert recipe.build_model(4).count_params() == recipe.DEGREE + 1


def test_the_largest_error_is_that_at_the_worst_point():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.set_weights([np.zeros((1, 1)), np.array([0.5])])
    lowest = recipe.weierstrass(recipe.GRID).min()
    assert recipe.max_error(model) == pytest.approx(0.5 - lowest, rel=1e-5)


def test_training_finds_an_approximation():
    keras.utils.set_random_seed(0)
    train, validation, _ = recipe.load_data()
    model = recipe.build_model(64, steps=500)
    model.fit(train, epochs=5, shuffle=False, verbose=0)
    scores = model.evaluate(validation, return_dict=True, verbose=0)
    assert scores["rmse"] < 0.9 * recipe.baseline(train, validation)["rmse"]


def test_the_picture_of_errors_has_each_network_where_it_belongs():
    written_down = {units: recipe.construct(recipe.weierstrass, units) for units in (4, 8)}
    models = {
        "units_4": recipe.build_model(4),
        "deep": recipe.build_model(**recipe.VARIANTS["deep"]),
    }
    axis = figures.plot_errors(models, written_down).axes[0]
    constructed, _, trained, deep = axis.lines
    np.testing.assert_array_equal(constructed.get_xdata(), [13, 25])
    np.testing.assert_array_equal(trained.get_xdata(), [13])
    np.testing.assert_array_equal(deep.get_xdata(), [593])
    assert trained.get_ydata()[0] == pytest.approx(recipe.max_error(models["units_4"]))
    figures.plt.close("all")

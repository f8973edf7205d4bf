"""Prices stand where the districts lie, and errors have the sign that the title gives them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.heads.figures import head_regression as figures


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_map_has_each_district_in_its_place_and_what_is_too_much_in_purple():
    features = np.array([[-122.0, 38, 9], [-118, 34, 9], [-117, 33, 9]])
    price, predicted = np.array([2.0, 3, 1]), np.array([2.5, 2, 1])
    prices, errors = figures.plot_map(features, price, predicted).axes[:2]
    for axis, values in ((prices, predicted), (errors, predicted - price)):
        (dots,) = axis.collections
        np.testing.assert_array_equal(dots.get_offsets(), features[:, :2])
        np.testing.assert_array_equal(dots.get_array(), values)
    too_much, too_little, right = errors.collections[0].to_rgba(errors.collections[0].get_array())
    assert "too much (purple)" in errors.get_title()
    assert too_much[2] > too_much[0], "more blue than red"
    assert too_little[2] < too_little[0]
    assert right[:3] == pytest.approx(right[0], abs=0.05)


def test_the_histogram_says_how_far_each_head_goes():
    figure = figures.plot_heads(np.array([1.0, 5]), {"linear": np.array([6.25, 1])})
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert set(labels) == {"linear, up to 6.25", "true prices"}

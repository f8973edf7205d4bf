"""Loops against Keras and SciPy, and the walk."""

import numpy as np
import pytest
from scipy import signal

from recipes.convolution import convolution_by_hand as recipe


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_loops_equal_keras(size):
    rng = np.random.default_rng(size)
    compared = 0
    for stride in (1, 2, 3):
        for padding in (0, 1, 2):
            image, kernels = rng.normal(size=(7, 10, 3)), rng.normal(size=(size, size, 3, 2))
            if (7 - size + 2 * padding) % stride or (10 - size + 2 * padding) % stride:
                with pytest.raises(ValueError, match="not an integer"):
                    recipe.correlate(image, kernels, stride, padding)
                continue
            by_hand = recipe.correlate(image, kernels, stride, padding)
            np.testing.assert_allclose(
                by_hand, recipe.correlate_keras(image, kernels, stride, padding), atol=1e-4
            )
            compared += 1
    assert compared >= 3


def test_convolution_is_scipys():
    rng = np.random.default_rng(0)
    f, g = rng.normal(size=(5, 7)), rng.normal(size=(3, 2))
    np.testing.assert_allclose(recipe.convolve(f, g), signal.convolve2d(f, g))
    np.testing.assert_allclose(
        recipe.convolve(f, g), recipe.convolve(g, f)
    )  # convolution commutes, correlation does not


def test_a_lit_pixel_shows_which_way_round():
    dot = np.zeros((5, 5), int)
    dot[2, 2] = 1
    assert recipe.correlate_plain(dot, recipe.ASYMMETRIC).tolist() == [
        [9, 8, 7],
        [6, 5, 4],
        [3, 2, 1],
    ]
    assert recipe.convolve(dot, recipe.ASYMMETRIC)[2:5, 2:5].tolist() == recipe.ASYMMETRIC.tolist()


def test_the_walk_visits_every_position():
    walk = recipe.walk()
    walk._func(24)
    assert "Row 5, column 5" in walk._fig.get_suptitle()
    assert "add up to 0" in walk._fig.get_suptitle()
    walk._draw_was_started = True  # it is never shown

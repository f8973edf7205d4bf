"""What each hand-made filter does, on the photographs themselves."""

import numpy as np
import pytest

from recipes.convolution import classic_filters as recipe


@pytest.fixture(scope="module")
def grey():
    return recipe.photograph("china").mean(axis=2)


def test_the_mask_answers_at_edges_only():
    step = np.zeros((9, 10), "float32")
    step[:, 5:] = 1
    answer = recipe.convolve(step, recipe.EDGES)
    assert answer[0].tolist() == [
        0,
        0,
        0,
        -3,
        3,
        0,
        0,
        0,
    ]  # both ways at the edge, nothing beside it


def test_low_and_high_pass(grey):
    low, high = recipe.convolve(grey, recipe.low_pass()), recipe.convolve(grey, recipe.high_pass())
    assert low.mean() == pytest.approx(grey.mean(), abs=0.005)  # but for the border that is cut off
    assert low.var() < 0.95 * grey.var()
    assert abs(high.mean()) < 1e-3
    assert high.var() < 0.1 * grey.var()
    np.testing.assert_allclose(low + high, grey[7:-7, 7:-7], atol=1e-5)


def test_colour_filter():
    answer = recipe.convolve(recipe.photograph("flower"), recipe.colour_filter(recipe.ORANGE))
    assert answer[200:250, 280:330].mean() > 0.3
    assert answer[:80, :80].max() < 0.05
    grey = np.repeat(np.linspace(0, 1, 16, dtype="float32").reshape(4, 4, 1), 3, axis=2)
    np.testing.assert_allclose(
        recipe.convolve(grey, recipe.colour_filter(recipe.ORANGE)), 0, atol=1e-6
    )


def test_gabor_filters_prefer_their_own_orientation():
    angles = recipe.ANGLES
    curves = np.array([recipe.tuning_curve(angle, angles) for angle in angles])
    assert curves.argmax(axis=1).tolist() == list(range(8))
    assert np.all(curves.min(axis=1) < 0.1 * curves.max(axis=1))
    across = recipe.tuning_curve(0, [0, 45, 90])
    assert across[0] > across[1] > across[2]


@pytest.mark.parametrize("angle", [0, 30, 90])
def test_gabor_filters_ignore_even_light(angle):
    for phase in (0, np.pi / 2):
        assert abs(recipe.gabor(angle, phase=phase).sum()) < 1e-6


def test_gradient_descent_finds_the_mask():
    noise = np.random.default_rng(0).normal(size=(64, 64)).astype("float32")
    kernels = recipe.learn_a_kernel(noise, recipe.EDGES)
    assert np.abs(kernels[0] - recipe.EDGES).max() > 5
    np.testing.assert_allclose(kernels[-1], recipe.EDGES, atol=0.01)


def test_a_photograph_teaches_more_slowly(grey):
    noise = np.random.default_rng(0).normal(size=(64, 64)).astype("float32")
    errors = [
        np.abs(recipe.learn_a_kernel(image, recipe.EDGES, 60)[-1] - recipe.EDGES).max()
        for image in (noise, grey)
    ]
    assert errors[0] < 0.2 * errors[1]

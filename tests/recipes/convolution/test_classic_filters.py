"""The response of each filter, on the photographs themselves."""

import numpy as np
import pytest

from recipes.convolution import classic_filters as recipe


@pytest.fixture(scope="module")
def gray():
    return recipe.photograph("china").mean(axis=2)


def test_the_mask_responds_to_edges_only():
    step = np.zeros((9, 10), "float32")
    step[:, 5:] = 1
    response = recipe.convolve(step, recipe.EDGES)
    assert response[0].tolist() == [0, 0, 0, -3, 3, 0, 0, 0]  # with both signs, and only there


def test_low_and_high_pass(gray):
    low = recipe.convolve(gray, recipe.low_pass())
    high = recipe.convolve(gray, recipe.high_pass())
    assert low.mean() == pytest.approx(gray.mean(), abs=0.005)  # but for the border, cut off
    assert low.var() < 0.95 * gray.var()
    assert abs(high.mean()) < 1e-3
    assert high.var() < 0.1 * gray.var()
    np.testing.assert_allclose(low + high, gray[7:-7, 7:-7], atol=1e-5)


def test_color_filter():
    kernel = recipe.color_filter(recipe.ORANGE)
    response = recipe.convolve(recipe.photograph("flower"), kernel)
    assert response[200:250, 280:330].mean() > 0.3
    assert response[:80, :80].max() < 0.05
    grays = np.repeat(np.linspace(0, 1, 16, dtype="float32").reshape(4, 4, 1), 3, axis=2)
    np.testing.assert_allclose(recipe.convolve(grays, kernel), 0, atol=1e-6)


def test_stripes_of_a_grating_lie_at_its_angle():
    horizontal = recipe.grating(0, wavelength=4, size=9)
    assert np.ptp(horizontal, axis=1).max() < 1e-6
    np.testing.assert_allclose(horizontal[4:7, 0], [1, 0, -1], atol=1e-6)
    diagonal = recipe.grating(45, wavelength=6, size=9)
    assert np.ptp(np.diag(diagonal[:, ::-1])) < 1e-6  # rising to the right
    assert np.ptp(np.diag(diagonal)) > 1


def test_gabor_filters_prefer_their_own_orientation():
    angles = recipe.ANGLES
    curves = np.array([recipe.tuning_curve(angle, angles) for angle in angles])
    assert curves.argmax(axis=1).tolist() == list(range(8))
    assert np.all(curves.min(axis=1) < 0.1 * curves.max(axis=1))
    across = recipe.tuning_curve(0, [0, 45, 90])
    assert across[0] > across[1] > across[2]


@pytest.mark.parametrize("angle", [0, 30, 90])
def test_gabor_filters_ignore_uniform_light(angle):
    for phase in (0, np.pi / 2):
        assert abs(recipe.gabor(angle, phase=phase).sum()) < 1e-6


def test_gradient_descent_finds_the_mask():
    kernels = recipe.learn_kernel(recipe.noise(), recipe.EDGES)
    assert kernels.shape == (201, 3, 3)
    assert np.abs(kernels[0] - recipe.EDGES).max() > 5
    np.testing.assert_allclose(kernels[-1], recipe.EDGES, atol=0.01)


def test_a_photograph_teaches_more_slowly(gray):
    errors = []
    for image in (recipe.noise(), gray):
        kernel = recipe.learn_kernel(image, recipe.EDGES, steps=60)[-1]
        errors.append(np.abs(kernel - recipe.EDGES).max())
    assert errors[0] < 0.2 * errors[1]

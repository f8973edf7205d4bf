"""Three ways to one result, and the sizes they need."""

import numpy as np
import pytest

from recipes.convolution import im2col as recipe

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("size", "channels", "filters"), [(1, 3, 2), (2, 1, 1), (3, 4, 5), (5, 2, 3)]
)
def test_loops_products_and_keras_agree(size, channels, filters):
    images = RNG.normal(size=(2, 6, 9, channels)).astype("float32")
    kernels = RNG.normal(size=(size, size, channels, filters)).astype("float32")
    expected = recipe.conv_loops(images, kernels)
    assert expected.shape == (2, 7 - size, 10 - size, filters)
    np.testing.assert_allclose(recipe.conv_im2col(images, kernels), expected, atol=1e-4)
    np.testing.assert_allclose(recipe.conv_keras(images, kernels), expected, atol=1e-4)


@pytest.mark.parametrize(("size", "height", "width"), [(3, 8, 8), (5, 28, 28), (2, 4, 7)])
def test_toeplitz(size, height, width):
    kernel, image = RNG.normal(size=(size, size)), RNG.normal(size=(height, width))
    matrix = recipe.toeplitz(kernel, height, width)
    maps = recipe.conv_loops(image[None, :, :, None], kernel[:, :, None, None])
    np.testing.assert_allclose(matrix @ image.ravel(), maps.ravel())
    assert (
        np.count_nonzero(matrix) * height * width == matrix.size * size**2
    )  # share of non-zeros: F² / (H·W)
    assert len(np.unique(matrix)) == size**2 + 1  # the weights are shared, the rest is 0


def test_memory_grows_by_the_filters_area():
    images = np.zeros((1, 224, 224, 3), "float32")
    for size in (1, 3, 7):
        rows = recipe.im2col(images, size)
        assert rows.shape == ((225 - size) ** 2, size**2 * 3)
        assert rows.nbytes / images.nbytes == pytest.approx(size**2 * (225 - size) ** 2 / 224**2)

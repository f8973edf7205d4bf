"""Three ways to one result, and the memory they need."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

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
    kernel = RNG.normal(size=(size, size))
    image = RNG.normal(size=(height, width))
    matrix = recipe.toeplitz(kernel, height, width)
    maps = recipe.conv_loops(image[None, :, :, None], kernel[:, :, None, None])
    np.testing.assert_allclose(matrix @ image.ravel(), maps.ravel())
    # The share of nonzero entries is F² / (H · W).
    assert np.count_nonzero(matrix) * height * width == matrix.size * size**2
    assert len(np.unique(matrix)) == size**2 + 1  # shared weights, and 0


@pytest.mark.parametrize("size", [1, 3, 7])
def test_memory_grows_by_the_filters_area(size):
    images = np.zeros((1, 224, 224, 3), "float32")
    assert recipe.im2col(images, size).shape == ((225 - size) ** 2, size**2 * 3)
    expected = size**2 * (225 - size) ** 2 / 224**2
    assert recipe.memory_growth(size, images) == pytest.approx(expected)


def test_title_of_the_matrix_gives_its_share_of_zeros():
    figure = recipe.plot_toeplitz()
    assert "86% are zeros" in figure.axes[0].get_title()  # 1 − 9 / 64
    plt.close(figure)

"""Sizes and receptive fields against Keras, loops against Keras and SciPy, and the walk."""

import keras
import numpy as np
import pytest
from scipy import signal

from recipes.convolution import convolution_by_hand as recipe


def test_a_filter_that_does_not_fit_raises():
    with pytest.raises(ValueError, match=r"54\.25 is not an integer"):
        recipe.conv_output(224, 11, stride=4)
    with pytest.raises(ValueError, match="larger than the padded image"):
        recipe.conv_output(2, 5)


@pytest.mark.parametrize("arguments", [(0, 1), (5, 0), (5, 3, -1), (5, 3, 0, 0)])
def test_impossible_sizes_raise(arguments):
    with pytest.raises(ValueError, match="Received"):
        recipe.conv_output(*arguments)


def test_output_size_is_that_of_keras_wherever_the_filter_fits():
    fits = 0
    for size, kernel, padding, stride in np.ndindex(8, 5, 3, 3):
        size += 5
        kernel += 1
        stride += 1
        padded = size + 2 * padding
        if (padded - kernel) % stride == 0:
            layer = keras.layers.Conv2D(1, kernel, strides=stride)
            in_keras = layer.compute_output_shape((1, padded, padded, 1))[1]
            assert recipe.conv_output(size, kernel, padding, stride) == in_keras
            fits += 1
    assert fits > 100


def test_receptive_field_is_the_number_of_pixels_that_change_a_unit():
    layers = [(3, 1), (2, 2), (3, 1), (5, 2)]
    size = 40
    images = np.zeros((size, size, size, 1), "float32")
    diagonal = np.arange(size)
    images[diagonal, diagonal, diagonal] = 1  # a bright pixel each, along the diagonal
    x = images
    for kernel, stride in layers:
        x = keras.layers.Conv2D(
            1, kernel, strides=stride, kernel_initializer="ones", use_bias=False
        )(x)
    x = keras.ops.convert_to_numpy(x)
    middle = x.shape[1] // 2
    kernels, strides = zip(*layers, strict=True)
    assert np.count_nonzero(x[:, middle, middle, 0]) == recipe.receptive_field(kernels, strides)


def test_receptive_field_needs_a_stride_for_each_kernel():
    with pytest.raises(ValueError, match="zip"):
        recipe.receptive_field([3, 3], [1])


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_loops_equal_keras(size):
    rng = np.random.default_rng(size)
    compared = 0
    for stride in (1, 2, 3):
        for padding in (0, 1, 2):
            image = rng.normal(size=(7, 10, 3))
            kernels = rng.normal(size=(size, size, 3, 2))
            if (7 - size + 2 * padding) % stride or (10 - size + 2 * padding) % stride:
                with pytest.raises(ValueError, match="not an integer"):
                    recipe.correlate(image, kernels, stride, padding)
                continue
            by_hand = recipe.correlate(image, kernels, stride, padding)
            by_keras = recipe.correlate_keras(image, kernels, stride, padding)
            np.testing.assert_allclose(by_hand, by_keras, atol=1e-4)
            compared += 1
    assert compared >= 3


def test_convolution_is_scipys():
    rng = np.random.default_rng(0)
    f = rng.normal(size=(5, 7))
    g = rng.normal(size=(3, 2))
    np.testing.assert_allclose(recipe.convolve(f, g), signal.convolve2d(f, g))
    # Convolution commutes, correlation does not.
    np.testing.assert_allclose(recipe.convolve(f, g), recipe.convolve(g, f))


def test_a_bright_pixel_shows_the_flip():
    pixel = np.zeros((5, 5), int)
    pixel[2, 2] = 1
    layer = recipe.correlate_plain(pixel, recipe.ASYMMETRIC)
    assert layer.tolist() == [[9, 8, 7], [6, 5, 4], [3, 2, 1]]
    formula = recipe.convolve(pixel, recipe.ASYMMETRIC)[2:5, 2:5]
    assert formula.tolist() == recipe.ASYMMETRIC.tolist()


def test_the_walk_fills_the_map_position_by_position():
    walk = recipe.animate_walk()
    walk._draw_was_started = True  # it is never shown
    _, products, feature_map = walk._fig.axes
    walk._func(6)
    assert "Row 2, column 2" in walk._fig.get_suptitle()
    assert [text.get_text() for text in products.texts[:4]] == ["0·1", "1·0", "1·1", "0·0"]
    assert [text.get_text() for text in feature_map.texts[:9]] == [*"1434112", "", ""]
    walk._func(24)
    assert "Row 5, column 5" in walk._fig.get_suptitle()
    assert [text.get_text() for text in feature_map.texts[-5:]] == [*"33110"]

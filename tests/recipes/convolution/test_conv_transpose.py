"""Stamps against Keras, a convolution's adjoint and gradient, and where checkerboards come from."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.convolution import conv_transpose as recipe

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("size", "stride"), [(3, 2), (2, 2), (2, 3), (5, 2), (3, 1), (1, 1)])
def test_stamps_equal_keras(size, stride):
    maps = RNG.normal(size=(3, 5, 4))
    kernels = RNG.normal(size=(size, size, 2, 4))
    layer = keras.layers.Conv2DTranspose(2, size, strides=stride, use_bias=False)
    layer.build((None, 3, 5, 4))
    layer.set_weights([kernels])
    expected = np.asarray(layer(maps[None].astype("float32")))[0]
    found = recipe.stamp(maps, kernels, stride)
    if stride > size:  # Keras leaves a margin, which no stamp reaches
        assert not expected[found.shape[0] :].any()
        expected = expected[: found.shape[0], : found.shape[1]]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("size", "stride"), [(3, 2), (4, 2), (5, 3), (3, 1)])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_adjoint_and_gradient_of_a_convolution(size, stride, padding):
    kernel = RNG.normal(size=(size, size))
    smaller = RNG.normal(size=(4, 6)).astype("float32")
    back = recipe.conv_transpose(smaller, kernel, stride, padding)
    if padding == "same":
        assert back.shape == (4 * stride, 6 * stride)
    else:
        assert back.shape == (3 * stride + size, 5 * stride + size)

    larger = RNG.normal(size=back.shape).astype("float32")
    forward = recipe.conv(larger, kernel, stride, padding)
    assert forward.shape == smaller.shape
    assert np.sum(forward * smaller) == pytest.approx(np.sum(larger * back), rel=1e-4, abs=1e-4)

    image = tf.constant(larger[None, :, :, None])
    with tf.GradientTape() as tape:
        tape.watch(image)
        filters = tf.constant(kernel[:, :, None, None].astype("float32"))
        maps = tf.nn.conv2d(image, filters, stride, padding.upper())
    gradient = tape.gradient(maps, image, smaller[None, :, :, None])
    np.testing.assert_allclose(back, gradient[0, :, :, 0], atol=1e-4)


def test_matrices_are_each_others_transposes():
    kernel = RNG.normal(size=(3, 3))
    forward = recipe.matrix_of(recipe.conv, kernel, 5, 9)
    back = recipe.matrix_of(recipe.conv_transpose, kernel, 2, 4)
    assert forward.shape == (8, 45)
    np.testing.assert_allclose(back, forward.T, atol=1e-6)
    image = RNG.normal(size=(5, 9))
    np.testing.assert_allclose(
        forward @ image.ravel(), recipe.conv(image, kernel).ravel(), atol=1e-5
    )


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_bilinear_kernel_interpolates(stride):
    kernel = recipe.bilinear_kernel(stride)
    assert recipe.checkerboard(kernel, stride) < 1e-6
    rows, columns = np.mgrid[:6, :7]
    plane = 2.0 * rows - 3.0 * columns + 1  # bilinear interpolation continues a plane
    large = recipe.conv_transpose(plane, kernel, stride)[2 * stride : -2 * stride]
    large = large[:, 2 * stride : -2 * stride]
    np.testing.assert_allclose(np.diff(large, axis=0), 2 / stride, atol=1e-4)
    np.testing.assert_allclose(np.diff(large, axis=1), -3 / stride, atol=1e-4)


@pytest.mark.parametrize("size", range(2, 9))
@pytest.mark.parametrize("stride", [2, 3, 4])
def test_stamps_are_even_where_the_stride_divides_the_size(size, stride):
    counts = recipe.stamps_per_pixel(size, stride)
    assert counts.sum() == 8 * size
    even = len(set(counts[size:-size])) == 1
    assert even == (size % stride == 0)
    assert (recipe.checkerboard(np.ones((size, size)), stride) < 1e-6) == even


def test_unevenness_is_that_of_two_sides():
    """Size 3, stride 2: 1, 2 or 4 stamps, a quarter, a half and a quarter of the pixels."""
    stamps = np.array([1, 2, 2, 4])
    expected = stamps.std() / stamps.mean()
    assert recipe.checkerboard(np.ones((3, 3)), 2) == pytest.approx(expected, abs=0.02)


def test_random_kernel_keeps_brightness():
    output = recipe.conv_transpose(np.ones((9, 9)), recipe.random_kernel(6, 4), 4)
    assert output[8:28, 8:28].mean() == pytest.approx(1, abs=1e-5)  # whole periods of 4
    assert np.std(recipe.random_kernel(6, 4)) > 0

"""Separable layers against full ones, the nearest separable kernel, and the picture's title."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.convolution import separable_convolution as recipe

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("channels", "multiplier", "filters"), [(3, 1, 5), (4, 2, 3), (1, 3, 2)])
def test_product_of_both_kernels_is_the_full_convolution(channels, multiplier, filters):
    images = RNG.normal(size=(2, 7, 9, channels)).astype("float32")
    separable = keras.layers.SeparableConv2D(
        filters, (3, 2), depth_multiplier=multiplier, use_bias=False
    )
    expected = separable(images)
    depthwise, pointwise = separable.get_weights()
    kernel = recipe.product_kernel(depthwise, pointwise)
    assert kernel.shape == (3, 2, channels, filters)
    found = keras.ops.conv(images, kernel)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slides
def test_parameters_and_their_ratio():
    layers = recipe.build_layers()
    counts = {name: layer.count_params() for name, layer in layers.items()}
    assert counts == {
        "Conv2D": 73_728,
        "depthwise": 576,
        "pointwise": 8_192,
        "SeparableConv2D": 8_768,
    }
    ratio = counts["SeparableConv2D"] / counts["Conv2D"]
    assert ratio == pytest.approx(1 / recipe.FILTERS + 1 / recipe.SIZE**2)
    assert recipe.multiplications(layers["SeparableConv2D"], 56) == 27_496_448


def test_what_is_separable_is_found_again():
    depthwise = RNG.normal(size=(3, 3, 4, 2))
    pointwise = RNG.normal(size=(1, 1, 8, 5))
    kernel = recipe.product_kernel(depthwise, pointwise)
    found, mix = recipe.separate(kernel, multiplier=2)
    assert (found.shape, mix.shape) == (depthwise.shape, pointwise.shape)
    np.testing.assert_allclose(recipe.product_kernel(found, mix), kernel, atol=1e-9)
    assert recipe.error(kernel, 1) > 0.05


def test_error_falls_to_zero_with_the_basis():
    kernel = RNG.normal(size=(3, 3, 2, 12))
    errors = [recipe.error(kernel, multiplier) for multiplier in range(1, 10)]
    assert np.all(np.diff(errors) < 0)
    assert errors[-1] == pytest.approx(0, abs=1e-12)
    # The best of rank 1: the least error of all pairs of a filter and a mix.
    matrix = kernel[:, :, 0].reshape(9, 12)
    largest = np.linalg.eigvalsh(matrix @ matrix.T)[-1]
    assert recipe.error(kernel[:, :, :1], 1) == pytest.approx(1 - largest / np.sum(matrix**2))


def test_two_derivatives_make_every_orientation():
    layer = recipe.steerable_layer()
    depthwise, pointwise = layer.get_weights()
    kernels = recipe.product_kernel(depthwise, pointwise)[:, :, 0]
    y, x = np.mgrid[:21, :25].astype("float32")
    for index, angle in enumerate(np.deg2rad(recipe.ANGLES)):
        # Brightness that increases at an angle: the filter for it responds most.
        ramp = x * np.cos(angle) + y * np.sin(angle)
        response = np.asarray(layer(ramp[None, :, :, None]))[0, 5, 5]
        assert response.argmax() == index
        across = (index + 4) % 8
        assert response[across] == pytest.approx(0, abs=1e-4)
        # The filter itself is a derivative in that direction.
        v, u = np.mgrid[:9, :9] - 4
        expected = u * np.cos(angle) + v * np.sin(angle)
        expected = expected * np.exp(-(u**2 + v**2) / 4.5)
        found = kernels[:, :, index]
        scale = np.sum(found * expected) / np.sum(expected**2)
        np.testing.assert_allclose(found, scale * expected, atol=1e-6)
        assert scale > 0


def test_banks_separate_with_two_basis_filters_or_not():
    errors = {name: recipe.error(kernel, 2) for name, kernel in recipe.banks().items()}
    assert errors["derivatives of a Gaussian"] < 1e-12
    assert 0.2 < errors["Gabor filters"] < errors["random filters"]


def test_time_is_taken_of_each_and_stands_in_the_title():
    layers = {"Conv2D": recipe.build_layers()["Conv2D"]}
    assert recipe.milliseconds(layers, side=8, rounds=2)["Conv2D"] > 0
    spent = {"Conv2D": 10, "depthwise": 1, "pointwise": 2, "SeparableConv2D": 4}
    figure = recipe.plot_costs(recipe.build_layers(), spent)
    assert figure.get_suptitle() == (
        "8.4 times fewer multiplications than Conv2D take 40% of its time"
    )
    plt.close(figure)

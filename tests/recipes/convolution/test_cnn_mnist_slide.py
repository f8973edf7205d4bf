"""The slide's snippet has exactly the slide's parameters, in both notations."""

import numpy as np
import pytest

from recipes.convolution import cnn_mnist_slide


@pytest.mark.parametrize("api", ["sequential", "functional"])
def test_parameters(api):
    model = cnn_mnist_slide.build_model(api=api)
    counts = [layer.count_params() for layer in model.layers if layer.count_params()]
    assert counts == [640, 18_464, 184_330]
    assert model.count_params() == 203_434


def test_flattened_maps():
    flatten = next(
        layer for layer in cnn_mnist_slide.build_sequential().layers if "flatten" in layer.name
    )
    assert flatten.input.shape[1:] == (24, 24, 32)
    assert flatten.output.shape[1:] == (18_432,)


def test_both_apis_are_the_same_network():
    images = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1)).astype("uint8")
    sequential, functional = cnn_mnist_slide.build_sequential(), cnn_mnist_slide.build_functional()
    functional.set_weights(sequential.get_weights())
    expected = sequential.predict(images, verbose=0)
    assert np.ptp(expected, axis=0).max() > 1e-3
    np.testing.assert_allclose(functional.predict(images, verbose=0), expected, atol=1e-6)

"""The slide's snippet: the sizes of its layers."""

import pytest

from recipes.convolution import cnn_mnist_slide


@pytest.mark.slides
@pytest.mark.parametrize("api", ["sequential", "functional"])
def test_parameters_and_shapes_of_the_layers(api):
    model = cnn_mnist_slide.build_model(api=api)
    layers = [layer for layer in model.layers if layer.count_params() > 0]
    assert [layer.count_params() for layer in layers] == [640, 18_464, 184_330]
    assert [layer.output.shape[1:] for layer in layers] == [(26, 26, 64), (24, 24, 32), (10,)]
    assert layers[-1].input.shape[1:] == (18_432,)

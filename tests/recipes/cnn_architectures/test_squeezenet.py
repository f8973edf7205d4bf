"""The published networks: what they cost, and outputs of one beside those of another library."""

import numpy as np
import pytest

from recipes.cnn_architectures import squeezenet
from recipes.cnn_architectures.figures import squeezenet as figures
from recipes.common.network_cost import network_cost
from tests.recipes.cnn_architectures import references


def test_version_1_1_needs_less_than_half_the_multiplications_for_as_many_outputs():
    costs = {}
    for version in squeezenet.VERSIONS:
        model = references.published(squeezenet.squeezenet, 227, version=version)
        assert model.get_layer("conv10").output.shape == (None, 13, 13, 1000)
        costs[version] = network_cost(model)["multiply_accumulates"]
    assert 2.2 < costs["1.0"] / costs["1.1"] < 2.5


def test_same_outputs_as_the_graph_of_version_1_1():
    reference = references.onnx_reference("squeezenet")
    assert reference.parameters == 1_235_496
    model = references.published(squeezenet.squeezenet, 224, version="1.1")
    for _, name, arrays in reference.layers:
        model.get_layer(name.removesuffix("_w_0").replace("/", "_")).set_weights(arrays)
    images = references.images(224)
    model = references.without_softmax(model)
    references.assert_same_outputs(model(images), reference(images))


@pytest.mark.parametrize("network", ["squeezenet", "vgg_like"])
def test_relu_after_the_pool_is_relu_before_it(network):
    references.assert_same_with_relu_before_pools(squeezenet.build_model(network))


def test_a_fire_module_beside_a_convolution_of_as_many_channels():
    """Module fire2 of version 1.0, by hand: 96 channels in, 128 out."""
    model = references.published(squeezenet.squeezenet, 64)
    counts = figures.part_parameters(model)
    assert list(counts) == ["conv1", *squeezenet.FIRE_MODULES, "conv10"]
    assert counts["fire2"] == (96 * 16 + 16) + (16 * 64 + 64) + (9 * 16 * 64 + 64)
    plain = references.published(squeezenet.vgg_like, 64, width=0.5)
    assert figures.part_parameters(plain)["fire3"] == 9 * 64 * 64 + 64


def test_small_forms():
    models = {}
    for name, arguments in squeezenet.VARIANTS.items():
        models[name] = squeezenet.build_model(**arguments)
    assert models["squeezenet"].count_params() == 412_090
    assert models["vgg_like"].count_params() == 2_564_143
    for name in ("fire2", "fire9"):
        shapes = [model.get_layer(name).output.shape[1:3] for model in models.values()]
        assert shapes[0] == shapes[1]
    counts = {name: figures.part_parameters(model) for name, model in models.items()}
    np.testing.assert_allclose(figures.ratio(counts), 2_564_143 / 412_090)

"""The published network: its modules, and its outputs beside those of another library."""

import keras
import numpy as np
import pytest

from layers.local_response_normalization import LocalResponseNormalization
from recipes.cnn_architectures import googlenet
from recipes.cnn_architectures.figures import googlenet as figures
from recipes.common.network_cost import network_cost
from tests.recipes.cnn_architectures import references


@pytest.fixture(scope="module")
def published():
    return references.published(googlenet.googlenet, 224)


@pytest.mark.full
def test_published_network_without_bottlenecks():
    cost = network_cost(references.published(googlenet.googlenet, 224, bottlenecks=False))
    assert cost["parameters"] == 97_526_008
    assert round(cost["multiply_accumulates"] / 1e9, 1) == 12.6


def test_modules_of_the_papers_table(published):
    """Table 1: the size of each module's output."""
    channels = [256, 480, 512, 512, 512, 528, 832, 832, 1024]
    sizes = [28] * 2 + [14] * 5 + [7] * 2
    for name, size, depth in zip(googlenet.MODULES, sizes, channels, strict=True):
        assert published.get_layer(name).output.shape == (None, size, size, depth)
    branches = [tensor.shape[-1] for tensor in published.get_layer("3a").input]
    assert branches == [64, 128, 32, 32]
    assert len(references.weighted_layers(published)) == 58


@pytest.mark.parametrize(("bottlenecks", "parameters"), [(True, 163_696), (False, 387_296)])
def test_module_3a_with_and_without_bottlenecks(bottlenecks, parameters):
    images = keras.Input((28, 28, 192))
    outputs = googlenet.inception(images, "3a", bottlenecks=bottlenecks)
    assert keras.Model(images, outputs).count_params() == parameters
    # The naïve module passes all 192 channels of its input on.
    assert outputs.shape[-1] == (256 if bottlenecks else 64 + 128 + 32 + 192)


def test_same_outputs_as_the_graph_of_caffes_network(published):
    """Caffe pads before both ends, its pools drop the border, its normalization has k = 1.

    With 225 pixels "same" pads as Caffe does.
    """
    reference = references.onnx_reference("inception_v1", size=225)
    assert reference.parameters == 6_998_552
    model = references.published(googlenet.googlenet, 225)
    for layer in model.layers:
        if isinstance(layer, LocalResponseNormalization):
            layer.bias = 1.0
            layer.alpha = 1e-4 / 5
        if isinstance(layer, keras.layers.MaxPooling2D) and layer.strides == (2, 2):
            layer.padding = "valid"
    stem = iter(["conv1", "conv2_reduce", "conv2"])
    *convolutions, (_, _, (kernel,)), (_, _, (bias,)) = reference.layers
    for _, name, arrays in convolutions:
        if name.startswith("inception"):
            ours = name.removeprefix("inception_").removesuffix("_w_0").replace("/", "_")
        else:
            ours = next(stem)
        model.get_layer(ours).set_weights(arrays)
    classifier = kernel.reshape(1000, 1024).T
    model.get_layer("classifier").set_weights([classifier, bias])
    images = references.images(225)
    model = references.without_softmax(model)
    references.assert_same_outputs(model(images), reference(images))


def test_relu_after_the_pool_is_relu_before_it():
    references.assert_same_with_relu_before_pools(googlenet.build_model())


def test_small_form_has_all_modules():
    model = googlenet.build_model()
    assert model.get_layer("3a").output.shape == (None, 8, 8, 64)
    assert model.get_layer("5b").output.shape == (None, 2, 2, 256)
    naive = googlenet.build_model(**googlenet.VARIANTS["naive"])
    assert naive.count_params() == 559_584
    assert figures.last_channels(model) == (256, 256)
    # 30 + 30 + 10 in the branches of module 5b, the rest from the modules before.
    assert figures.last_channels(naive) == (383, 70)


@pytest.mark.full
def test_a_branch_counts_as_much_as_the_loss_rises_without_it():
    model = googlenet.build_model(width=0.125)
    references.randomize(model)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (20, 32, 32, 3)).astype("uint8")
    labels = generator.integers(0, 10, 20)
    useless = model.get_layer("4c_5x5")
    useless.set_weights([np.zeros_like(weight) for weight in useless.get_weights()])
    before = model.get_weights()
    rises = figures.branch_rises(model, images, labels)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert rises.shape == (9, 4)
    assert rises[4, 2] == 0
    # By Keras' own evaluation: branch 3×3 of module 5b.
    complete = model.evaluate(images, labels, verbose=0, return_dict=True)["loss"]
    layer = model.get_layer("5b_3x3")
    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    without = model.evaluate(images, labels, verbose=0, return_dict=True)["loss"]
    assert abs(without - complete) > 1e-3
    np.testing.assert_allclose(rises[8, 1], without - complete, atol=1e-4)


def test_parameters_by_module():
    model = googlenet.build_model(width=1.0)
    counts = figures.module_parameters(model)
    assert counts[0] == 163_696
    stem = 3 * 9 * 64 + 64 + 64 * 64 + 64 + 9 * 64 * 192 + 192
    assert sum(counts) == 6_998_552 - 1000 * 1025 - (3 * 49 * 64 + 64 + 4160 + 110_784)
    assert model.count_params() == sum(counts) + stem + 10 * 1025

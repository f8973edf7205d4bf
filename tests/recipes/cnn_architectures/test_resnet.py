"""The published networks beside those of two other libraries, and the small ones."""

import keras
import numpy as np
import pytest

from layers.residual_block import ResidualBlock
from recipes.cnn_architectures import resnet
from recipes.cnn_architectures.figures import resnet as figures
from recipes.common.network_cost import count_layers, network_cost
from tests.recipes.cnn_architectures import references


def test_same_outputs_as_keras_applications():
    """Weights go across in their order, so a file of theirs can be loaded."""
    theirs = keras.applications.ResNet50(
        weights=None, input_shape=(64, 64, 3), classes=10, classifier_activation=None
    )
    references.randomize(theirs)
    ours = references.published(resnet.resnet, 64, classes=10, use_bias=True)
    assert ours.count_params() == theirs.count_params() == 25_636_712 - 990 * 2049
    ours.set_weights(theirs.get_weights())
    images = references.images(64)
    ours = references.without_softmax(ours)
    references.assert_same_outputs(ours(images), theirs(images))
    references.assert_no_more_operations(ours, theirs)


def test_resnet_152_has_the_weights_and_the_outputs_of_keras_applications():
    def keras_own(images):
        network = keras.applications.ResNet152(
            weights=None, input_tensor=images, classifier_activation=None
        )
        return network.output

    theirs = references.published(keras_own, 64)
    ours = references.published(resnet.resnet, 64, depths=(3, 8, 36, 3), use_bias=True)
    assert ours.count_params() == 60_419_944
    assert len(ours.weights) == 932
    for weight, other in zip(ours.weights, theirs.weights, strict=True):
        assert (weight.name, weight.shape) == (other.name, other.shape)
    references.randomize(theirs)
    ours.set_weights(theirs.get_weights())
    images = references.images(64)
    references.assert_same_outputs(references.without_softmax(ours)(images), theirs(images))


def test_same_outputs_as_the_graph_of_onnx():
    """In this one the 3×3 convolution of a bottleneck has the stride.

    The sides 193, 97, 49, 25, 13 and 7 are odd, so padding is the same on both sides.
    """
    reference = references.onnx_reference("resnet50", size=193)
    assert reference.parameters == 25_557_032 + 53_120
    model = references.without_softmax(references.published(resnet.resnet, 193))
    arrays = [layer[2] for layer in reference.layers]
    stem, normalization = [layer for layer in model.layers if layer.weights][:2]
    stem.set_weights(arrays.pop(0))
    normalization.set_weights(arrays.pop(0))
    for block in model.layers:
        if isinstance(block, ResidualBlock):
            first, second, _ = block.convolutions
            first.strides, second.strides = second.strides, first.strides
            pairs = list(zip(block.convolutions, block.normalizations, strict=True))
            if block.projection:
                pairs.append((block.projection, block.projection_normalization))
            for convolution, normalization in pairs:
                convolution.set_weights(arrays.pop(0))
                normalization.set_weights(arrays.pop(0))
    model.layers[-1].set_weights(arrays.pop(0))
    assert not arrays
    images = references.images(193)
    references.assert_same_outputs(model(images), reference(images))


@pytest.mark.slides
def test_resnet_20_of_the_paper():
    model = resnet.build_model(filters=16, strides=1)
    cost = network_cost(model)
    convolutions = 27 * 16 + 9 * (6 * 16**2 + 16 * 32 + 5 * 32**2 + 32 * 64 + 5 * 64**2)
    normalizations = 2 * (7 * 16 + 6 * 32 + 6 * 64)
    assert cost["parameters"] == convolutions + normalizations + 65 * 10 == 269_722
    assert cost["layers"] == 20


@pytest.mark.parametrize("variant", resnet.VARIANTS)
def test_three_quarters_of_the_channels(variant):
    model = resnet.build_model(**resnet.VARIANTS[variant])
    assert count_layers(model) == 20
    blocks = [layer for layer in model.layers if isinstance(layer, ResidualBlock)]
    assert [block.filters for block in blocks] == [12] * 3 + [24] * 3 + [48] * 3
    strides = [block.strides for block in blocks]
    assert strides == [1, 1, 1, 2, 1, 1, 2, 1, 1]
    for block in blocks:
        projects = variant != "padded" and block.strides == 2
        assert (block.projection is not None) == projects
        assert block.preactivation == (variant == "preactivation")


def test_parameters():
    """Trainable ones, and two moving statistics for each channel of each normalization."""
    model = resnet.build_model()
    channels = 7 * 12 + 6 * 24 + 6 * 48
    assert network_cost(model)["parameters"] == model.count_params() - 2 * channels


@pytest.mark.parametrize("preactivation", [False, True])
def test_a_block_without_its_branch_is_its_shortcut(preactivation):
    block = ResidualBlock(4, strides=2, shortcut="padded", preactivation=preactivation)
    x = np.random.default_rng(0).uniform(0.1, 1, (1, 6, 6, 3)).astype("float32")
    block(x)
    block.normalizations[-1].beta.assign(np.ones(4))
    assert np.abs(block(x)[..., 3]).max() > 0.1
    for weight in figures.last_weights(block):
        weight.assign(np.zeros(weight.shape))
    np.testing.assert_array_equal(block(x)[..., :3], x[:, ::2, ::2])
    np.testing.assert_array_equal(block(x)[..., 3], np.zeros((1, 3, 3)))


def test_leaving_out_a_block_leaves_the_network_as_it_was():
    inputs = keras.Input((4, 4, 2))
    x = ResidualBlock(2)(inputs)
    x = keras.layers.GlobalAveragePooling2D()(ResidualBlock(2)(x))
    model = keras.Model(inputs, x)
    before = model.get_weights()
    images = np.random.default_rng(0).uniform(0, 1, (20, 4, 4, 2)).astype("float32")
    # The branch of the second block alone decides for class 1.
    before[-3] += np.array([0, 9], "float32")
    model.set_weights(before)
    found = figures.accuracy_without_blocks(model, images, np.ones(20, int))
    assert found.shape == (3,)
    assert found[0] == found[1] == 1
    assert found[2] < 1
    for weight, array in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, array)


def test_the_block_that_is_missed_most():
    accuracies = {"a": np.array([0.9, 0.5, 0.8, 0.1]), "b": np.array([0.9, 0.2, 0.8, 0.7])}
    block, lowest = figures.most_missed(accuracies)
    assert block == 1
    assert lowest == pytest.approx(0.35)

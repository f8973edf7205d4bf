"""The published network beside those of two libraries, and the small one."""

import keras
import numpy as np
import pytest

from recipes.cnn_architectures import densenet
from recipes.cnn_architectures.figures import densenet as figures
from recipes.common.network_cost import count_layers, network_cost
from tests.recipes.cnn_architectures import references


def test_same_outputs_as_keras_applications():
    """Weights go across in their order, so a file of theirs can be loaded."""
    theirs = keras.applications.DenseNet121(
        weights=None, input_shape=(64, 64, 3), classes=10, classifier_activation=None
    )
    references.randomize(theirs)
    ours = references.published(densenet.densenet, 64, classes=10)
    ours.set_weights(theirs.get_weights())
    images = references.images(64)
    ours = references.without_softmax(ours)
    references.assert_same_outputs(ours(images), theirs(images))
    references.assert_no_more_operations(ours, theirs)


def test_same_outputs_as_the_graph_of_onnx():
    """It scales after normalization, by nodes of their own, as Caffe does."""
    reference = references.onnx_reference("densenet121", size=64)
    model = references.without_softmax(references.published(densenet.densenet, 64))
    arrays = [arrays for _, _, arrays in reference.layers]
    for layer in references.weighted_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            # (x − mean) / deviation · inner_scale + inner_offset, times scale, plus offset.
            inner_scale, inner_offset, mean, variance = arrays.pop(0)
            (scale,) = arrays.pop(0)
            (offset,) = arrays.pop(0)
            layer.set_weights([inner_scale * scale, inner_offset * scale + offset, mean, variance])
        elif isinstance(layer, keras.layers.Dense):
            kernel, bias = arrays.pop(0)  # a 1×1 convolution there
            layer.set_weights([kernel[0, 0], bias])
        else:
            layer.set_weights(arrays.pop(0))
    assert not arrays
    images = references.images(64)
    references.assert_same_outputs(model(images), reference(images))


def test_channels_grow_by_k_per_layer():
    inputs = keras.Input((8, 8, 5))
    x = inputs
    for layer in range(1, 4):
        x = densenet.dense_layer(x, growth_rate=3)
        assert x.shape == (None, 8, 8, 5 + 3 * layer)
    # What was there stays as it was.
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 5)).astype("float32")
    np.testing.assert_array_equal(keras.Model(inputs, x)(images)[..., :5], images)
    assert densenet.transition(x, reduction=0.5).shape == (None, 4, 4, 7)


@pytest.mark.slides
def test_the_papers_form_for_cifar():
    """Its table 2: DenseNet-BC of 100 layers that add 12 channels each, 0.8 million parameters."""
    model = densenet.build_model(depths=(16, 16, 16), growth_rate=12, strides=1)
    cost = network_cost(model)
    assert cost["layers"] == 100
    # Weights, normalized channels and products by hand.
    weights, normalized, products = 27 * 24, 0, 32**2 * 27 * 24
    channels = 24
    for side in (32, 16, 8):
        for _ in range(16):
            kernels = channels * 48 + 9 * 48 * 12
            weights += kernels
            products += side**2 * kernels
            normalized += channels + 48
            channels += 12
        normalized += channels  # of the transition, or at the end
        if side > 8:
            weights += channels * channels // 2
            # After the pool of the transition, a quarter of the pixels is left.
            products += (side // 2) ** 2 * channels * channels // 2
            channels //= 2
    assert cost["parameters"] == weights + 2 * normalized + 10 * (channels + 1) == 769_162
    assert round(cost["parameters"] / 1e6, 1) == 0.8
    assert cost["multiply_accumulates"] == products + 10 * channels


def test_small_form():
    model = densenet.build_model()
    assert count_layers(model) == 1 + 2 * 14 + 2 + 1
    channels = 16
    normalized = 0
    weights = 27 * channels
    for depth in (2, 4, 8):
        if depth > 2:  # a transition
            normalized += channels
            weights += channels * (channels // 2)
            channels //= 2
        for _ in range(depth):
            normalized += channels + 32
            weights += channels * 32 + 9 * 32 * 8
            channels += 8
    normalized += channels
    weights += 10 * (channels + 1)
    # Four numbers for each normalized channel.
    assert model.count_params() == weights + 4 * normalized == 58_154


@pytest.fixture(scope="module")
def tiny():
    """Two blocks of two layers that add two channels each, all weights 1 but for those said."""
    inputs = keras.Input((32, 32, 3))
    x = densenet.densenet(inputs, 10, (2, 2), 2, large_images=False)
    model = keras.Model(inputs, x)
    model.set_weights([np.ones(weight.shape) for weight in model.weights])
    return model


def test_feature_reuse(tiny):
    ones = figures.feature_reuse(tiny)
    nan = np.nan
    expected = np.array([[1, 1, 1], [nan, 1, 1], [nan, nan, 1]])
    np.testing.assert_array_equal(ones, [expected, expected])
    # The second layer of the second block: a scale of −3 for the 2 channels of the first one.
    second = [layer for layer in tiny.layers if figures.sees_channels(layer)][4]
    before = tiny.layers[tiny.layers.index(second) - 2]
    before.gamma.assign([1, 1, 1, 1, -3, -3])
    expected[1, 1] = 3
    np.testing.assert_array_equal(figures.feature_reuse(tiny)[1], expected)


def test_share_of_older_outputs():
    nan = np.nan
    reuse = np.array([[9, 1, 2], [nan, 3, 1], [nan, nan, 1]])
    assert figures.older_share([reuse]) == (1 / 4 + 3 / 4) / 2

"""The published network: what its gates add to ResNet-50, and that it is one without them."""

import keras
import numpy as np
import pytest

from layers.squeeze_excitation import SqueezeExcitation
from recipes.cnn_architectures import senet
from recipes.cnn_architectures.figures import senet as figures
from recipes.common.network_cost import network_cost
from tests.recipes.cnn_architectures import references


@pytest.mark.full
def test_se_resnet_50():
    cost = network_cost(references.published(senet.senet, 224))
    assert cost["parameters"] == 28_088_024
    products = 0
    parameters = 0
    for channels, blocks in ((256, 3), (512, 4), (1024, 6), (2048, 3)):
        units = channels // 16
        products += blocks * 2 * channels * units
        parameters += blocks * (2 * channels * units + channels + units)
    assert cost["parameters"] - parameters == 25_557_032
    assert parameters < 0.1 * 25_557_032
    # ResNet-50 has 3,857,973,248 multiply–accumulates (test_published_counts.py).
    assert cost["multiply_accumulates"] - products == 3_857_973_248


@pytest.mark.full
def test_without_gates_it_is_resnet_50_of_keras_applications():
    theirs = keras.applications.ResNet50(
        weights=None, input_shape=(64, 64, 3), classes=10, classifier_activation=None
    )
    references.randomize(theirs)
    arrays = []
    for layer in references.weighted_layers(theirs):
        if isinstance(layer, keras.layers.Conv2D):
            layer.bias.assign(np.zeros(layer.bias.shape))
            arrays.append(layer.kernel)
        else:
            arrays.extend(layer.weights)
    ours = references.published(senet.senet, 64, classes=10, ratio=None)
    ours.set_weights(arrays)
    images = references.images(64)
    references.assert_same_outputs(references.without_softmax(ours)(images), theirs(images))


@pytest.mark.parametrize("bottleneck", [False, True])
def test_gates_weight_the_branch_and_not_the_shortcut(bottleneck):
    inputs = keras.Input((6, 5, 8))
    outputs = senet.block(inputs, 2 if bottleneck else 8, 1, bottleneck, ratio=2)
    model = keras.Model(inputs, outputs)
    gates = next(layer for layer in model.layers if isinstance(layer, SqueezeExcitation))
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 8)).astype("float32")
    branch = keras.ops.convert_to_numpy(keras.Model(inputs, gates.input)(x))
    weighted = branch * keras.ops.convert_to_numpy(gates.gates(branch))[:, None, None]
    np.testing.assert_allclose(model(x), np.maximum(x + weighted, 0), atol=1e-5)


def test_small_form_has_less_than_a_tenth_more_parameters():
    gated = senet.build_model().count_params()
    plain = senet.build_model(ratio=None).count_params()
    gates = 0
    for channels in (16, 32, 64):
        gates += 2 * (2 * channels * channels // 4 + channels + channels // 4)
    assert gated - plain == gates
    assert gates < 0.1 * plain
    assert gated == 182_034


def test_gates_by_class():
    inputs = keras.Input((1, 1, 2))
    layer = SqueezeExcitation(2)
    model = keras.Model(inputs, layer(inputs))
    # The hidden unit is the first channel's mean; the second gate grows with it, the first not.
    first = 2 * np.eye(2)[:, :1]
    layer.set_weights([first, np.zeros(1), np.array([[0.0, 1.0]]), np.zeros(2)])
    images = np.array([1.0, 3.0, 0.0]).reshape(3, 1, 1, 1) * np.ones((1, 1, 1, 2))
    (gates,) = figures.gates_by_class(model, images, np.array([2, 2, 5]))
    sigmoid = 1 / (1 + np.exp(-2 * np.array([1.0, 3.0])))
    np.testing.assert_allclose(gates[2], [0.5, sigmoid.mean()], rtol=1e-5)
    np.testing.assert_allclose(gates[5], [0.5, 0.5], rtol=1e-5)
    assert np.isnan(gates[[0, 1, 3, 4, 6, 7, 8, 9]]).all()


def test_the_block_whose_gates_differ_most():
    same = np.full((10, 3), 0.5)
    one_class = same.copy()
    one_class[4] = 1
    assert figures.difference_of_classes(same) == 0
    assert figures.difference_of_classes(one_class) == pytest.approx(0.15)
    assert figures.most_specific([same, one_class, same]) == 2

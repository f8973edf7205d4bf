"""The published networks: their products by hand, and outputs beside another library's."""

import numpy as np
import pytest

from layers.local_response_normalization import LocalResponseNormalization
from recipes.cnn_architectures import alexnet
from recipes.cnn_architectures.figures import alexnet as figures
from recipes.common.network_cost import network_cost
from tests.recipes.cnn_architectures import references


@pytest.mark.parametrize("groups", [2, 1])
def test_products_of_the_published_network_by_hand(groups):
    """By layer: the output's pixels times filters times the window."""
    cost = network_cost(references.published(alexnet.alexnet, 227, groups=groups))
    shared = 55**2 * 96 * 11**2 * 3 + 13**2 * 384 * 9 * 256 + 9216 * 4096 + 4096**2 + 4096 * 1000
    split = 27**2 * 256 * 25 * 96 + 13**2 * (384 * 9 * 384 + 256 * 9 * 384)
    assert cost["multiply_accumulates"] == shared + split // groups


def test_two_groups_halve_three_layers():
    kernels = {}
    for groups in (1, 2):
        model = alexnet.build_model(groups)
        kernels[groups] = [w.shape for w in model.weights if len(w.shape) == 4]
    for one, two in zip(kernels[1], kernels[2], strict=True):
        assert two[3] == one[3]
        assert two[2] in (one[2], one[2] // 2)
    halved = [one != two for one, two in zip(kernels[1], kernels[2], strict=True)]
    assert halved == [False, True, False, True, True]


def test_same_outputs_as_the_graph_of_caffes_network():
    """Caffe's constants of the normalization differ from the paper's."""
    reference = references.onnx_reference("bvlc_alexnet", size=227)
    assert reference.parameters == 60_965_224
    model = references.published(alexnet.alexnet, 227)
    for layer in model.layers:
        if isinstance(layer, LocalResponseNormalization):
            layer.bias = 1.0
            layer.alpha = 1e-4 / 5
    weighted = references.weighted_layers(model)
    for layer, (_, _, arrays) in zip(weighted, reference.layers, strict=True):
        kernel, bias = arrays
        if layer is weighted[5]:
            kernel = references.after_flatten(kernel, 6, 6)
        layer.set_weights([kernel, bias])
    images = references.images(227)
    model = references.without_softmax(model)
    references.assert_same_outputs(model(images), reference(images))


@pytest.mark.parametrize("api", ["functional", "sequential"])
def test_relu_after_the_last_pool_is_relu_before_it(api):
    references.assert_same_with_relu_before_pools(alexnet.build_model(api=api))


def test_products_of_zfnet_by_hand():
    cost = network_cost(references.published(alexnet.zfnet, 224))
    convolutions = 109**2 * 96 * 49 * 3 + 25**2 * 256 * 25 * 96
    convolutions += 12**2 * 512 * 9 * (256 + 512 + 512)
    dense = 6 * 6 * 512 * 4096 + 4096 * 1024 + 1024 * 1000
    assert cost["multiply_accumulates"] == convolutions + dense


@pytest.mark.full
def test_zfnet_has_the_same_outputs_as_the_graph_of_onnx():
    reference = references.onnx_reference("zfnet512")
    assert reference.parameters == 87_250_536
    model = references.published(alexnet.zfnet, 224)
    weighted = references.weighted_layers(model)
    for layer, (_, _, (kernel, bias)) in zip(weighted, reference.layers, strict=True):
        if layer is weighted[5]:
            kernel = references.after_flatten(kernel, 6, 6)
        layer.set_weights([kernel, bias])
    images = references.images(224)
    model = references.without_softmax(model)
    references.assert_same_outputs(model(images), reference(images))


def test_small_zfnet():
    model = alexnet.build_model(**alexnet.VARIANTS["zfnet"])
    assert model.count_params() == 1_256_610
    sizes = [layer.output.shape[1] for layer in model.layers if layer.name.startswith("conv2d")]
    assert sizes == [32, 6, 2, 2, 2]


def test_zfnet_is_not_taken_for_a_list_of_layers():
    zfnet = alexnet.VARIANTS["zfnet"]
    with pytest.raises(ValueError, match=r'functional API only.*api="sequential"'):
        alexnet.build_model(**zfnet, api="sequential")
    assert alexnet.build_model(**zfnet, api="functional").count_params() == 1_256_610


def test_smallest_images_of_zfnet():
    zfnet = alexnet.VARIANTS["zfnet"]
    model = alexnet.build_model(**zfnet, input_shape=(40, 27, 3))
    pools = [layer for layer in model.layers if "pooling" in layer.name]
    assert pools[-1].output.shape[2] == 1
    with pytest.raises(ValueError, match="from 27 × 27 on"):
        alexnet.build_model(**zfnet, input_shape=(40, 26, 3))


def test_small_form_keeps_the_order_of_the_layers():
    model = alexnet.build_model()
    order = [type(layer).__name__ for layer in model.layers if layer.weights]
    assert order == ["Conv2D", "GroupedConv2D", "Conv2D", *["GroupedConv2D"] * 2, *["Dense"] * 3]
    assert model.layers[-1].count_params() == 10 * (1536 + 1)


@pytest.mark.parametrize(("side", "last"), [(28, 2), (16, 1), (29, 1), (32, 1)])
@pytest.mark.parametrize("api", ["functional", "sequential"])
def test_small_images_of_ones_own(side, last, api):
    """The last pool leaves something of images of any size; the recipe's stay as they were."""
    model = alexnet.build_model(api=api, input_shape=(side, side, 3))
    pools = [layer for layer in model.layers if "pooling" in layer.name]
    assert pools[-1].output.shape[1:3] == (last, last)
    assert pools[-1].padding == ("valid" if side >= 29 else "same")


def test_filters_are_drawn_with_zero_as_middle_gray():
    filters = np.zeros((2, 3, 3, 3), "float32")
    filters[0, 0, 1, 2] = -4.0
    filters[0, 2, 2, 0] = 2.0
    drawn = figures.scaled(filters)
    assert drawn[0, 0, 1, 2] == 0.0
    assert drawn[0, 2, 2, 0] == 0.75
    assert (drawn[1] == 0.5).all()


def test_an_edge_is_smoother_than_random_weights():
    rng = np.random.default_rng(0)
    edge = np.zeros((6, 6, 3))
    edge[:, 3:] = 1
    noise = rng.normal(size=(6, 6, 3))
    smooth, rough = figures.smoothness(np.stack([edge, noise]))
    assert smooth > 0.7
    assert abs(rough) < 0.3

"""The published networks: their products by hand, and outputs beside those of other libraries."""

import gc

import keras
import numpy as np
import pytest

from layers.local_response_normalization import LocalResponseNormalization
from recipes.cnn_architectures import vgg
from recipes.cnn_architectures.figures import vgg as figures
from recipes.common.network_cost import network_cost
from tests.recipes.cnn_architectures import references


@pytest.fixture
def spare_memory(monkeypatch):
    """Weights of zero, as random numbers take longer than everything else; then all is freed."""

    def zeros(initializer, shape, dtype=None):
        return keras.ops.zeros(shape, dtype)

    monkeypatch.setattr(keras.initializers.VarianceScaling, "__call__", zeros)
    yield
    keras.backend.clear_session(free_memory=False)
    gc.collect()


@pytest.mark.parametrize("configuration", ["A", "A-LRN", "B", "C", "D", "E"])
@pytest.mark.usefixtures("spare_memory")
def test_products_by_hand(configuration):
    """For images of 32 × 32; each stage has a quarter of the pixels of the one before."""
    model = references.published(vgg.vgg, 32, configuration=configuration)
    columns = {  # table 1 of the paper: 3×3 convolutions, then 1×1 ones, of each stage
        "A": ([1, 1, 2, 2, 2], [0] * 5),
        "A-LRN": ([1, 1, 2, 2, 2], [0] * 5),
        "B": ([2, 2, 2, 2, 2], [0] * 5),
        "C": ([2, 2, 2, 2, 2], [0, 0, 1, 1, 1]),
        "D": ([2, 2, 3, 3, 3], [0] * 5),
        "E": ([2, 2, 4, 4, 4], [0] * 5),
    }
    products = 512 * 4096 + 4096**2 + 4096 * 1000
    channels = 3
    for stage, (large, small) in enumerate(zip(*columns[configuration], strict=True)):
        filters = min(64 * 2**stage, 512)
        weights = 9 * channels * filters + 9 * (large - 1) * filters**2 + small * filters**2
        products += (32 // 2**stage) ** 2 * weights
        channels = filters
    assert network_cost(model)["multiply_accumulates"] == products


@pytest.mark.parametrize(("configuration", "name"), [("D", "VGG16"), ("E", "VGG19")])
@pytest.mark.usefixtures("spare_memory")
def test_same_outputs_as_keras_applications(configuration, name):
    theirs = getattr(keras.applications, name)(
        weights=None, input_shape=(32, 64, 3), classes=10, classifier_activation=None
    )
    references.randomize(theirs)
    inputs = keras.Input((32, 64, 3))
    ours = keras.Model(inputs, vgg.vgg(inputs, 10, configuration=configuration))
    ours.set_weights(theirs.get_weights())
    images = references.images(64)[:, 16:48]
    references.assert_same_outputs(references.without_softmax(ours)(images), theirs(images))


@pytest.mark.full
@pytest.mark.usefixtures("spare_memory")
def test_same_outputs_as_the_graph_of_caffes_network(monkeypatch):
    """For images of 64 × 64: its first dense layer has 2 × 2 places instead of 7 × 7."""
    onnx = pytest.importorskip("onnx")
    take_constants = references.take_constants

    def with_small_images(graph):
        shapes = take_constants(graph)
        (dense,) = [name for name, shape in shapes.items() if shape == (4096, 25088)]
        shapes[dense] = (4096, 2048)
        for item in graph.initializer:  # what flattens
            if onnx.numpy_helper.to_array(item).tolist() == [1, 25088]:
                item.CopyFrom(onnx.numpy_helper.from_array(np.array([1, 2048]), item.name))
        return shapes

    monkeypatch.setattr(references, "take_constants", with_small_images)
    reference = references.onnx_reference("vgg19", size=64)
    assert reference.parameters + 4096 * (25088 - 2048) == 143_667_240
    inputs = keras.Input((64, 64, 3))
    model = keras.Model(inputs, vgg.vgg(inputs, configuration="E"))
    weighted = references.weighted_layers(model)
    for layer, (_, _, arrays) in zip(weighted, reference.layers, strict=True):
        kernel, bias = arrays
        if layer is weighted[16]:
            kernel = references.after_flatten(kernel, 2, 2)
        layer.set_weights([kernel, bias])
    images = references.images(64)
    model = references.without_softmax(model)
    references.assert_same_outputs(model(images), reference(images))


@pytest.mark.parametrize("api", ["functional", "sequential"])
@pytest.mark.parametrize("configuration", ["A", "A-LRN"])
def test_relu_after_the_pool_is_relu_before_it(configuration, api):
    references.assert_same_with_relu_before_pools(vgg.build_model(api, configuration))


def test_normalization_follows_the_first_convolution_and_nothing_else_changes():
    kinds = {}
    for name in ("A", "A-LRN"):
        model = vgg.build_functional(name)
        kinds[name] = [type(layer) for layer in model.layers]
    place = kinds["A-LRN"].index(LocalResponseNormalization)
    assert kinds["A-LRN"][place - 1] is keras.layers.Conv2D
    assert kinds["A-LRN"].count(keras.layers.Conv2D) == 8
    del kinds["A-LRN"][place]
    assert kinds["A-LRN"] == kinds["A"]


@pytest.mark.parametrize("api", ["functional", "sequential"])
def test_small_images_of_ones_own(api):
    """Of sides that the five pools cannot halve; 32 × 32 pixels they can."""
    model = vgg.build_model(api, classes=3, input_shape=(20, 35, 1))
    sizes = [layer.output.shape[1:3] for layer in model.layers if "pooling" in layer.name]
    assert sizes == [(10, 18), (5, 9), (3, 5), (2, 3), (1, 2)]
    assert model.output_shape == (None, 3)


def test_costs_of_layers_by_hand():
    model = vgg.build_functional("A", 0.25)
    parameters, products = figures.costs(model)
    assert parameters.tolist()[:2] == [16 * (27 + 1), 32 * (9 * 16 + 1)]
    assert parameters.sum() == model.count_params()
    assert products.tolist()[:2] == [32 * 32 * 16 * 27, 16 * 16 * 32 * 9 * 16]
    assert products.tolist()[-3:] == [128 * 1024, 1024 * 1024, 1024 * 10]
    assert products.sum() == network_cost(model)["multiply_accumulates"]


def test_pictures_see_the_last_convolution_after_relu():
    model = vgg.build_functional("A", 0.0625)
    references.randomize(model)
    images = 127.5 * (1 + references.images(32))
    *_, last = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    before = np.asarray(keras.Model(model.input, last.output)(images)).max(axis=(1, 2))
    assert before.min() < 0 < before.max()
    maps = figures.last_maps(model, images)
    np.testing.assert_allclose(maps.max(axis=(1, 2)), np.maximum(before, 0), rtol=1e-5)


def test_images_are_sorted_by_their_strongest_place():
    activations = np.zeros((4, 2, 3, 3))
    activations[:, 0, 2, 1] = [1, 9, 4, 0]  # channel 1 varies most
    activations[2, 1, 0, 1] = 12
    activations[:, 1, 1, 2] = [3, 0, 1, 2]
    activations[:, 1, 1, 0] = 100  # large but always the same
    assert figures.top_images(activations, channels=2, count=2).tolist() == [[2, 1], [0, 3]]


def test_agreement_is_the_mean_share_of_the_most_frequent_label():
    assert figures.agreement(np.array([[1, 1, 1, 2], [0, 3, 3, 5]])) == 0.625

"""The published network: its modules, and its outputs beside those of another library."""

import keras
import numpy as np
import pytest

from recipes.cnn_architectures import inception_v2
from recipes.cnn_architectures.figures import inception_v2 as figures
from tests.recipes.cnn_architectures import references


@pytest.fixture(scope="module")
def published():
    return references.published(inception_v2.inception_v2, 224)


def test_modules_of_the_papers_table(published):
    channels = [256, 320, 576, 576, 576, 576, 576, 1024, 1024, 1024]
    sizes = [28] * 2 + [14] * 5 + [7] * 3
    for name, size, depth in zip(inception_v2.MODULES, sizes, channels, strict=True):
        assert published.get_layer(name).output.shape == (None, size, size, depth)
    assert sum(np.prod(w.shape) for w in published.non_trainable_weights) == 19_904


def test_same_outputs_as_the_graph_of_caffes_network(published):
    """There, scale and offset follow the normalization as layers of their own."""
    reference = references.onnx_reference("inception_v2")
    arrays = {name: found for _, name, found in reference.layers}
    stem = iter(["conv1", "conv2_reduce", "conv2"])
    for name in arrays:
        if name.endswith("classifier_w_0"):
            published.get_layer("classifier").set_weights(arrays[name])
        elif name.endswith("_w_0") and not name.endswith("sc_w_0"):
            theirs = name.removesuffix("_w_0")
            if theirs.startswith("inception"):
                ours = theirs.removeprefix("inception_").replace("/", "_")
            else:
                ours = next(stem)
            gamma, beta, mean, variance = arrays[f"{theirs}/bn_scale_0"]
            (scale,) = arrays[f"{theirs}/bn/sc_w_0"]
            (offset,) = arrays[f"{theirs}/bn/sc_b_0"]
            published.get_layer(ours).set_weights(arrays[name])
            normalization = published.get_layer(f"{ours}_bn")
            normalization.set_weights([gamma * scale, beta * scale + offset, mean, variance])
            normalization.epsilon = 1e-5
    for layer in published.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.strides == (2, 2):
            pad_before_both_ends(layer)
    images = references.images(224)
    found = references.without_softmax(published)(images)
    references.assert_same_outputs(found, reference(images))


def pad_before_both_ends(layer):
    """Make a convolution with a stride pad as Caffe: by as much on each side."""
    call = layer.call
    height, width = layer.kernel_size
    up, left = height // 2, width // 2

    def padded_call(x):
        return call(keras.ops.pad(x, [(0, 0), (up, up), (left, left), (0, 0)]))

    layer.padding = "valid"
    layer.call = padded_call


def test_small_form():
    model = inception_v2.build_model()
    sizes = [model.get_layer(name).output.shape[1] for name in ("3b", "3c", "4e", "5b")]
    assert sizes == [8, 4, 2, 2]


def test_spread_of_the_layers():
    assert figures.factor([np.array([1.0, 2.0, 9.0]), np.array([0.5, 0.1, 7.0])]) == 4
    model = inception_v2.build_model(width=0.0625)
    last = model.get_layer("5b_pool_proj_bn")
    last.moving_variance.assign(np.full(8, 9.0))
    found = figures.spreads(model)
    assert len(found) == 69
    assert found[0].shape == (4,)
    assert sum((channels == 3).all() for channels in found) == 1

"""The published network: its counts, and a graph of the package `onnx` with the same weights."""

import keras
import numpy as np
import pytest

from layers.channel_shuffle import ChannelShuffle
from recipes.cnn_architectures import shufflenet
from recipes.cnn_architectures.figures import shufflenet as figures
from recipes.common.network_cost import network_cost
from tests.recipes.cnn_architectures import references


def by_hand(groups=3, widths=(240, 480, 960), units=(4, 8, 4)):
    """Parameters and multiply–accumulates of the paper's network for 224 × 224 images."""
    parameters = 24 * 27 + 2 * 24
    products = 112**2 * 24 * 27
    side = 56
    channels = 24
    first_groups = 1  # the first pointwise convolution of stage 2
    for width, count in zip(widths, units, strict=True):
        inner = width // 4
        for unit in range(count):
            filters = width - channels if unit == 0 else width
            reduce = channels * inner // first_groups
            expand = inner * filters // groups
            products += side**2 * reduce
            side = side // 2 if unit == 0 else side
            products += side**2 * (9 * inner + expand)
            parameters += reduce + 9 * inner + expand + 2 * (inner + inner + filters)
            channels = width
            first_groups = groups
    return parameters + (channels + 1) * 1000, products + channels * 1000


def test_published_network_by_hand():
    cost = network_cost(references.published(shufflenet.shufflenet, 224))
    parameters, products = by_hand()
    assert cost["parameters"] == parameters == 1_865_728
    assert cost["multiply_accumulates"] == products == 137_460_672
    # The paper's table 1 says 137 million.
    assert products == pytest.approx(137e6, rel=0.02)


@pytest.mark.full
def test_same_outputs_as_the_onnx_graph():
    """A ShuffleNet of four groups, without a bottleneck.

    The graph pads its images on all sides, where here the first row and column are not: with a
    stride of 2 the one is the other's mirror image, so images and kernels are mirrored.
    """
    reference = references.onnx_reference("shufflenet")
    ours = references.published(
        shufflenet.shufflenet, 224, groups=4, widths=(136, 272, 544), bottleneck=False
    )
    statistics = ours.non_trainable_weights
    # The bias of the graph's first convolution is taken out again by the normalization.
    assert reference.parameters == 1_393_320 + sum(w.shape[0] for w in statistics)
    assert network_cost(ours)["parameters"] == 1_393_320 - 24
    layers = references.weighted_layers(ours)
    assert len(layers) == len(reference.layers)
    (_, _, (kernel, bias)), *others = reference.layers
    layers[0].set_weights([mirrored(kernel)])
    for layer, (kind, _, arrays) in zip(layers[1:], others, strict=True):
        if kind == "Conv":
            arrays = [mirrored(arrays[0])]
        layer.set_weights(arrays)
    scale, offset, mean, variance = layers[1].get_weights()
    layers[1].set_weights([scale, offset, mean - bias, variance])
    images = references.images(224)
    found = references.without_softmax(ours)(mirrored(images.copy(), (1, 2)))
    references.assert_same_outputs(found, reference(images))


def mirrored(array, axes=(0, 1)):
    """Upside down and from right to left."""
    return np.flip(array, axes)


@pytest.mark.parametrize("name", shufflenet.VARIANTS)
def test_groups_meet_only_if_shuffled(name):
    model = shufflenet.build_model(**shufflenet.VARIANTS[name])
    kinds = [type(layer) for layer in model.layers]
    images = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3)).astype("float32")
    shares = figures.dependence(model, images, 3)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    if name == "shuffled":
        assert kinds.count(ChannelShuffle) == sum(shufflenet.SMALL["units"])
        assert shares.min() > 0.001  # some dependence for each pair, however small
    else:
        assert ChannelShuffle not in kinds
        np.testing.assert_array_equal(shares, np.eye(3))


def test_share_of_other_groups_by_hand():
    shares = np.array([[0.5, 0.3, 0.2], [0, 1, 0], [0.2, 0.1, 0.7]])
    assert figures.share_of_others(shares) == pytest.approx((0.5 + 0 + 0.3) / 3)


def test_small_form_has_the_channels_of_the_paper_narrowed():
    model = shufflenet.build_model()
    ends = [x.output.shape[1:] for x in model.layers if isinstance(x, keras.layers.Concatenate)]
    assert ends == [(8, 8, 120), (4, 4, 240), (2, 2, 480)]

"""The published network: its products, its ratio of costs, and Keras' own with the same weights."""

import keras
import pytest

from recipes.cnn_architectures import mobilenet
from recipes.cnn_architectures.figures import mobilenet as figures
from recipes.common.imagenet import load_imagenet_weights
from recipes.common.network_cost import network_cost
from tests.recipes.cnn_architectures import references


@pytest.fixture(scope="module")
def published():
    return references.published(mobilenet.mobilenet, 224)


def test_multiplications_of_the_published_network(published):
    """The paper's table 4 says 569 million."""
    assert network_cost(published)["multiply_accumulates"] == 568_740_352


def test_pointwise_convolutions_do_most_of_the_work(published):
    """The paper's table 2: 94.86 % of the multiply–accumulates, 3.06 % in the depthwise ones."""
    shares = figures.shares(published, figures.multiplications)
    total = 568_740_352
    assert shares["pointwise 1 × 1"] * (total - 1_024_000) / total == pytest.approx(
        0.9486, abs=1e-4
    )
    assert shares["depthwise 3 × 3"] * (total - 1_024_000) / total == pytest.approx(
        0.0306, abs=1e-4
    )


def test_a_block_costs_a_ninth_and_one_by_filters_of_a_full_convolution(published):
    layers = [layer for _, layer in figures.convolutions(published)]
    full = {}
    for depthwise, pointwise in zip(layers[1::2], layers[2::2], strict=True):
        costs = figures.multiplications(depthwise) + figures.multiplications(pointwise)
        _, height, width, channels = depthwise.output.shape
        whole = height * width * 9 * channels * pointwise.filters
        full[pointwise.name] = costs / whole
        assert costs / whole == pytest.approx(1 / 9 + 1 / pointwise.filters)
    assert len(full) == 13
    assert min(full.values()) < 1 / 8.8


@pytest.mark.full
def test_same_outputs_as_keras_own_from_a_file_of_its_weights(tmp_path):
    """Keras writes the file, in the format of its files for ImageNet."""
    theirs = keras.applications.MobileNet(
        weights=None, input_shape=(64, 64, 3), classes=10, classifier_activation=None
    )
    references.randomize(theirs)
    ours = references.published(mobilenet.mobilenet, 64, classes=10)
    theirs.save(tmp_path / "mobilenet.h5")
    load_imagenet_weights(ours, tmp_path / "mobilenet.h5")
    images = references.images(64)
    ours = references.without_softmax(ours)
    references.assert_same_outputs(ours(images), theirs(images))
    references.assert_no_more_operations(ours, theirs)


def test_width_halves_every_layer():
    wide, narrow = (mobilenet.build_model(**a) for a in mobilenet.VARIANTS.values())
    channels = [[x.output.shape[-1] for _, x in figures.convolutions(m)] for m in (wide, narrow)]
    assert channels[0] == [2 * count for count in channels[1]]
    assert wide.count_params() - network_cost(wide)["parameters"] == 2 * sum(channels[0])
    sides = [layer.output.shape[1] for _, layer in figures.convolutions(wide)]
    # The stem; blocks of 64, 128, 128, 256, 256, 512, 512, 1024, 1024 filters at full width.
    assert sides == [16] + [16] * 6 + [8] * 4 + [4] * 4 + [2] * 4

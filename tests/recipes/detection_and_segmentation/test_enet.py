"""ENet as published; the indices lead back to where they come from; the metric and the pictures."""

import keras
import numpy as np
import pytest

from layers.enet_bottleneck import BOTTLENECKS, DownsamplingBottleneck, UpsamplingBottleneck
from recipes.common.network_cost import network_cost
from recipes.detection_and_segmentation import enet as recipe
from recipes.detection_and_segmentation.figures import enet as figures


@pytest.fixture(scope="module")
def published():
    """For the frames of 640 × 360 pixels of which the paper says what they cost."""
    images = keras.Input((360, 640, 3))
    return keras.Model(images, recipe.enet(images, classes=12))


@pytest.fixture(scope="module")
def small():
    return recipe.build_model(filters=2)


@pytest.mark.slides
def test_the_published_network(published):
    assert published.count_params() == 371_851
    cost = network_cost(published)
    assert cost["parameters"] == 363_499
    assert round(cost["multiply_accumulates"] / 1e9, 2) == 1.71
    assert published.output_shape == (None, 360, 640, 12)


@pytest.mark.slides
def test_maps_have_the_sizes_of_the_paper(published):
    """Its table 1, for an input of 360 × 640 in place of 512 × 512."""
    shapes = []
    for layer in published.layers:
        if isinstance(layer, BOTTLENECKS):
            output = layer.output[0] if isinstance(layer, DownsamplingBottleneck) else layer.output
            shapes.append(output.shape[1:])
    stage_1 = [(90, 160, 64)] * 5
    stages_2_and_3 = [(45, 80, 128)] * 17
    stage_4 = [(90, 160, 64)] * 3
    stage_5 = [(180, 320, 16)] * 2
    assert shapes == stage_1 + stages_2_and_3 + stage_4 + stage_5


def test_the_last_indices_are_used_first(published):
    """Maxima of the second pooling lead back in the first unpooling, and the other way round."""
    down = [layer for layer in published.layers if isinstance(layer, DownsamplingBottleneck)]
    up = [layer for layer in published.layers if isinstance(layer, UpsamplingBottleneck)]
    for before, after in zip(down, reversed(up), strict=True):
        assert after.input[1] is before.output[1]


def test_answers_are_as_large_as_images(small):
    probabilities = small(np.zeros((1, 16, 24, 1)))
    assert probabilities.shape == (1, 16, 24, 2)
    np.testing.assert_allclose(np.sum(probabilities, axis=-1), 1, atol=1e-6)


def test_the_metric_is_the_iou_of_membranes(small):
    true = np.array([[[1, 0], [1, 0]]])
    found = np.array([[[1, 1], [0, 0]]])
    scores = small.compute_metrics(None, true, np.eye(2)[found])
    assert float(scores["iou"]) == pytest.approx(1 / 3)
    assert figures.iou(found == 1, true == 1) == pytest.approx(1 / 3)


def test_slopes_are_those_of_each_block(small):
    slopes, decoder = figures.slopes_by_depth(small)
    assert len(slopes) == 1 + 5 + 9 + 3 + 2
    assert decoder == 1 + 5 + 9
    assert len(slopes[1]) == 2 + 2 + 8, "two inside the branch, and that of the sum"
    assert all((values == 0.25).all() for values in slopes), "all begin alike"

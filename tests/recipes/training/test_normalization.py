"""The normalizations against their formulas, and the numbers behind the pictures."""

import keras
import numpy as np
import pytest

from recipes.training import normalization
from recipes.training.figures import normalization as figures


def numbers(*shape):
    return np.random.default_rng(0).normal(3, 2, shape).astype("float32")


def normalized(x, kind, training):
    """Layer by layer: the recipe's function, called on an array."""
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, normalization.normalize(inputs, kind))
    return np.asarray(model(x, training=training)), model


def test_batch_normalization_divides_by_the_standard_deviation_of_each_channel():
    x = numbers(8, 4, 4, 3)
    found, _ = normalized(x, "batch", training=True)
    mean = x.mean((0, 1, 2))
    variance = x.var((0, 1, 2))
    np.testing.assert_allclose(found, (x - mean) / np.sqrt(variance + 1e-3), atol=1e-4)


def test_layer_normalization_takes_one_image_at_a_time():
    x = numbers(8, 4, 4, 3)
    found, _ = normalized(x, "layer", training=True)
    mean = x.mean((1, 2, 3), keepdims=True)
    variance = x.var((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(found, (x - mean) / np.sqrt(variance + 1e-3), atol=1e-4)
    alone, _ = normalized(x[:1], "layer", training=True)
    np.testing.assert_allclose(alone, found[:1], atol=1e-5)


@pytest.mark.slides
def test_running_mean_of_a_constant_input():
    """With a momentum m the running mean is 1 − mᵏ of the input after k batches."""
    layer = keras.layers.BatchNormalization(momentum=0.8)
    for _ in range(5):
        layer(5 * np.ones((2, 3), "float32"), training=True)
    np.testing.assert_allclose(layer.moving_mean, 5 * (1 - 0.8**5), rtol=1e-5)


def test_scales_are_standard_deviations_by_layer():
    model = normalization.build_model("layer")
    found = figures.scales(model, numbers(4, 28, 28, 1))
    assert len(found) == normalization.DEPTH
    # Half of a standard normal distribution has a standard deviation of √(1/2 − 1/(2π)) = 0.58.
    assert found == pytest.approx(0.58, abs=0.1)


@pytest.mark.parametrize(
    ("kind", "keeps"),
    [("none", False), ("local_response", False), ("batch", True), ("layer", True)],
)
def test_batch_and_layer_normalization_keep_the_scale(kind, keeps):
    """From the first layer to the last, before training."""
    found = figures.scales(normalization.build_model(kind), numbers(4, 28, 28, 1))
    assert (found > 0.5 * found[0]).all() == keeps
    if not keeps:
        assert found[-1] < 1e-3 * found[0]


def test_only_batch_normalization_depends_on_the_batch():
    images = numbers(8, 28, 28, 1)
    for kind in normalization.VARIANTS:
        model = normalization.build_model(kind, deviation=0.1)
        found = figures.batch_dependence(model, images, [1, 8])
        assert (found.max() > 1e-3) == (kind == "batch"), kind

"""The published network: its sizes, and its outputs beside those of `keras.applications`."""

import keras
import pytest

from recipes.cnn_architectures import inception_v3
from recipes.cnn_architectures.figures import inception_v3 as figures
from recipes.common.network_cost import network_cost
from tests.recipes.cnn_architectures import references


@pytest.mark.full
def test_sizes_of_the_papers_table():
    """Its table 1: 35 × 35 × 288, 17 × 17 × 768, 8 × 8 × 2048."""
    model = references.published(inception_v3.inception_v3, 299)
    joined = [
        layer.output.shape[1:]
        for layer in model.layers
        if isinstance(layer, keras.layers.Concatenate)
    ]
    assert joined[2] == (35, 35, 288)
    assert joined[3] == (17, 17, 768)
    assert joined[8] == (8, 8, 1280)
    assert joined[-1] == (8, 8, 2048)


@pytest.mark.full
def test_same_outputs_as_keras_applications():
    theirs = keras.applications.InceptionV3(
        weights=None, input_shape=(75, 75, 3), classes=10, classifier_activation=None
    )
    references.randomize(theirs)
    ours = references.published(inception_v3.inception_v3, 75, classes=10)
    # In the same order, so that a file of weights fits.
    ours.set_weights(theirs.get_weights())
    images = references.images(75)
    ours = references.without_softmax(ours)
    references.assert_same_outputs(ours(images), theirs(images))
    references.assert_no_more_operations(ours, theirs)


@pytest.mark.slides
def test_1x7_and_7x1_cost_14_of_49():
    """With as many channels between as before and after."""
    images = keras.Input((17, 17, 192))
    square = keras.layers.Conv2D(192, 7, padding="same", use_bias=False)(images)
    square = network_cost(keras.Model(images, square))
    x = keras.layers.Conv2D(192, (1, 7), padding="same", use_bias=False)(images)
    x = keras.layers.Conv2D(192, (7, 1), padding="same", use_bias=False)(x)
    factorized = network_cost(keras.Model(images, x))
    for key in ("parameters", "multiply_accumulates"):
        assert factorized[key] * 49 == square[key] * 14


def test_small_form():
    model = inception_v3.build_model()
    joined = [
        layer.output.shape[1:]
        for layer in model.layers
        if isinstance(layer, keras.layers.Concatenate)
    ]
    assert joined[0][:2] == (8, 8)
    assert joined[2][:2] == (4, 4)
    assert joined[-1][:2] == (2, 2)


def test_costs_by_kind_of_window():
    images = keras.Input((5, 4, 2))
    x = keras.layers.Conv2D(3, (1, 7), padding="same", use_bias=False)(images)
    x = keras.layers.Conv2D(3, (7, 1), padding="same")(x)
    x = keras.layers.Conv2D(6, 3)(x)
    x = keras.layers.Conv2D(5, (3, 1), padding="same")(x)
    factorized, square = figures.costs(keras.Model(images, x))
    pair = 20 * 7 * 2 * 3 + 20 * 7 * 3 * 3
    window = 3 * 2 * 9 * 3 * 6
    beside = 3 * 2 * 3 * 6 * 5
    assert factorized == {"1×1": 0, "3×3": window, "5×5": 0, "1×n and n×1": pair + beside}
    replaced = pair * 49 / 14 + beside * 9 / 3
    assert square == {"1×1": 0, "3×3": window, "5×5": 0, "1×n and n×1": replaced}

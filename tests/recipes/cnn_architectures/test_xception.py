"""The published network: its sizes, and Keras' own with the same weights."""

import keras
import numpy as np
import pytest

from recipes.cnn_architectures import xception
from recipes.cnn_architectures.figures import xception as figures
from tests.recipes.cnn_architectures import references


@pytest.mark.full
def test_sides_of_the_published_network():
    model = references.published(xception.xception, 299)
    sides = [layer.output.shape[1] for layer in model.layers if isinstance(layer, keras.layers.Add)]
    assert sides == [74, 37] + [19] * 9 + [10]


@pytest.mark.full
def test_same_outputs_as_keras_own():
    theirs = keras.applications.Xception(
        weights=None, input_shape=(71, 71, 3), classes=10, classifier_activation=None
    )
    references.randomize(theirs)
    ours = references.published(xception.xception, 71, classes=10)
    ours.set_weights(theirs.get_weights())
    images = references.images(71)
    ours = references.without_softmax(ours)
    references.assert_same_outputs(ours(images), theirs(images))
    references.assert_no_more_operations(ours, theirs)


def test_both_variants_have_as_many_parameters():
    separable, full = (xception.build_model(**a) for a in xception.VARIANTS.values())
    assert full.count_params() == pytest.approx(separable.count_params(), rel=0.004)
    kinds = [type(layer) for layer in separable.layers]
    assert kinds.count(keras.layers.SeparableConv2D) == 16
    assert len(figures.full_kernels(full)) == 16


def test_a_separable_kernel_is_separable():
    rng = np.random.default_rng(0)
    depthwise = rng.normal(size=(3, 3, 4, 1))
    kernel = depthwise * rng.normal(size=(4, 5))
    assert figures.separable_share(kernel) == pytest.approx(1)
    # Two filters that have nothing in common, of lengths 3 and 4, for one channel.
    kernel = np.zeros((3, 3, 1, 2))
    kernel[0, 0, 0, 0] = 3
    kernel[1, 2, 0, 1] = 4
    assert figures.separable_share(kernel) == pytest.approx(16 / 25)

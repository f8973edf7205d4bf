"""The published network beside that of `keras.applications`, and its parts."""

import keras
import numpy as np
import pytest

from recipes.cnn_architectures import inception_resnet_v2
from recipes.cnn_architectures.figures import inception_resnet_v2 as figures
from tests.recipes.cnn_architectures import references


@pytest.mark.full
def test_same_outputs_as_keras_applications():
    theirs = keras.applications.InceptionResNetV2(
        weights=None, input_shape=(75, 75, 3), classes=10, classifier_activation=None
    )
    references.randomize(theirs)
    ours = references.published(inception_resnet_v2.inception_resnet_v2, 75, classes=10)
    # In the same order, so that a file of weights fits.
    ours.set_weights(theirs.get_weights())
    images = references.images(75)
    ours = references.without_softmax(ours)
    references.assert_same_outputs(ours(images), theirs(images))
    references.assert_no_more_operations(ours, theirs)


def test_residual_is_scaled_projected_and_added():
    x = keras.Input((1, 1, 3))
    branch = keras.Input((1, 1, 2))
    outputs = inception_resnet_v2.residual(x, [branch, branch], 0.25)
    model = keras.Model([x, branch], outputs)
    kernel = np.arange(12, dtype="float32").reshape(1, 1, 4, 3)
    bias = np.array([1, 2, -40], "float32")
    model.set_weights([kernel, bias])
    value = np.array([3, -1, 2], "float32")
    other = np.array([1, -2], "float32")
    expected = value + 0.25 * (np.concatenate([other, other]) @ kernel[0, 0] + bias)
    assert expected.min() < 0
    result = model([value.reshape(1, 1, 1, 3), other.reshape(1, 1, 1, 2)])
    np.testing.assert_allclose(np.ravel(result), np.maximum(expected, 0), rtol=1e-6)


def scale_of(add):
    """The factor of the second tensor that a layer adds."""
    _, scaled = add.input
    factor, _ = scaled._keras_history.operation._inbound_nodes[0].arguments.args
    return factor


def test_small_forms_differ_in_their_scales_only():
    found = []
    for arguments in inception_resnet_v2.VARIANTS.values():
        model = inception_resnet_v2.build_model(**arguments)
        assert model.count_params() == 283_720
        found.append([scale_of(x) for x in model.layers if isinstance(x, keras.layers.Add)])
    assert found[0] == [0.17] + [0.1] * 3 + [0.2, 1.0]
    assert found[1] == [1.0] * 6


def test_sizes_of_corrections():
    inputs = keras.Input((2, 2, 1))
    double = keras.layers.Rescaling(2.0)(inputs)
    x = keras.layers.Add()([inputs, double])
    tenth = keras.layers.Rescaling(-0.1)(inputs)
    x = keras.layers.Add()([x, tenth])
    model = keras.Model(inputs, x)
    images = np.array([[[[1.0], [2.0]], [[-3.0], [0.5]]]], "float32")
    np.testing.assert_allclose(figures.residual_sizes(model, images), [2, 0.1 / 3], rtol=1e-5)


def test_what_the_titles_say_by_hand():
    sizes = {"scaled": [0.1, 0.5, 0.2], "unscaled": [1.0, 2.0, 4.0, 8.0]}
    assert figures.medians(sizes) == "0.20 (scaled), 3.00 (unscaled)"
    histories = {"a": {"loss": [1.0, 0.4]}, "b": {"loss": [0.2, 0.3]}, "c": {"loss": [0.1, 0.5]}}
    assert figures.lowest_final_loss(histories) == "b"

"""Filters and feature maps are those of the network and the image, in the order of the channels."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from matplotlib import pyplot as plt

from recipes.convolution import cnn_mnist as recipe
from recipes.convolution.figures import cnn_mnist


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.mark.parametrize("api", ["sequential", "functional"])
def test_pictures_show_the_first_layer_and_the_first_test_digit(api):
    keras.utils.set_random_seed(0)
    model = recipe.build_model(api=api)
    digits = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype("uint8")
    test = tf.data.Dataset.from_tensor_slices((digits, [7, 1, 0])).batch(2)
    pictures = cnn_mnist.figures(model, test, {})
    kernels = next(weight for weight in model.weights if weight.path.endswith("kernel")).numpy()
    shown = pictures["filters"].axes[0].images[0].get_array().filled(np.nan)
    np.testing.assert_array_equal(shown[:4, 5:9], kernels[:, :, 0, 1])
    np.testing.assert_array_equal(shown[5:9, :4], kernels[:, :, 0, 4])
    digit, *stages = pictures["feature_maps"].axes
    np.testing.assert_array_equal(digit.images[0].get_array(), digits[0, :, :, 0])
    titles = [axis.get_title() for axis in (digit, *stages)]
    assert titles == ["1 of 28 × 28", "16 of 14 × 14", "32 of 7 × 7", "64 of 3 × 3"]
    first = keras.ops.relu(
        keras.ops.conv(digits[:1] / np.float32(255), kernels, strides=2, padding="same")
    )
    shown = stages[0].images[0].get_array().filled(np.nan)
    np.testing.assert_allclose(shown[:14, 15:29], first[0, :, :, 1], atol=1e-5)

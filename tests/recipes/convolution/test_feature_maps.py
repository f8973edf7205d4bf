"""What the slides say of convolutional layers (C25, C43, N8), and the network for photographs."""

import keras
import numpy as np
import pytest

from recipes.convolution import feature_maps


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.slides
def test_several_input_channels_are_convolved_one_by_one_and_summed(rng):
    images = rng.normal(size=(2, 9, 9, 3)).astype("float32")
    layer = keras.layers.Conv2D(4, 3)
    together = np.asarray(layer(images))
    kernel, bias = layer.kernel, layer.bias
    one_by_one = [
        keras.ops.conv(images[..., c : c + 1], kernel[:, :, c : c + 1], padding="valid")
        for c in range(3)
    ]
    np.testing.assert_allclose(together, np.asarray(sum(one_by_one) + bias), atol=1e-5)


@pytest.mark.slides
@pytest.mark.parametrize(
    ("size", "channels", "filters", "weights", "parameters"),
    [(5, 3, 1, 75, 76), (11, 3, 1, 363, 364), (11, 3, 96, 34_848, 34_944)],
)
def test_weights_of_a_layer(size, channels, filters, weights, parameters):
    """The slide's F × F × Cin is one filter; all have Cout times that, and Cout biases."""
    layer = keras.layers.Conv2D(filters, size, strides=4)
    layer.build((None, 227, 227, channels))
    assert layer.count_params() == parameters
    assert int(np.prod(layer.kernel.shape)) == weights


def test_a_convolution_has_many_activations_for_few_weights():
    layer = feature_maps.build_model().get_layer("layer_1")
    dense = keras.layers.Dense(12_544)  # as many units, each of which sees the whole image
    dense.build((None, 28 * 28))
    convolution = np.prod(layer.output.shape[1:]) / layer.count_params()
    assert convolution == 12_544 / 800
    assert dense.count_params() == 785 * 12_544
    assert convolution > 12_000 * 12_544 / dense.count_params()


def test_deployed_takes_clothes_of_any_size_on_light_or_dark_ground(tmp_path):
    keras.utils.set_random_seed(0)
    model = feature_maps.build_model()
    last = model.layers[-1].kernel
    last.assign(50 * last)  # an untrained network hardly tells pictures apart
    feature_maps.deployed(model).save(tmp_path / "deployed.keras")
    deployed = keras.saving.load_model(tmp_path / "deployed.keras")

    def answers(network, pictures):
        return np.asarray(network(pictures, training=False))

    images = np.zeros((2, 28, 28, 1), "float32")
    images[0, 3:25, 6:22] = 200
    images[1, :, 3:26] = 120  # touches the border
    expected = answers(model, images)
    assert np.abs(expected[0] - expected[1]).max() > 1e-2
    np.testing.assert_allclose(answers(deployed, images), expected, atol=1e-5)
    np.testing.assert_allclose(answers(deployed, 255 - images), expected, atol=1e-5)

    wide = np.pad(images, ((0, 0), (20, 20), (50, 50), (0, 0)))
    square = np.pad(wide, ((0, 0), (30, 30), (0, 0), (0, 0)))
    assert np.abs(answers(deployed, square) - expected).max() > 1e-2
    for given in (wide, 255 - wide):
        np.testing.assert_allclose(answers(deployed, given), answers(deployed, square), atol=1e-5)

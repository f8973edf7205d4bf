"""What the slides say of convolutional layers (C25, C43, C44, N8), and the measures the recipe draws."""

import keras
import numpy as np
import pytest

from recipes.convolution import feature_maps


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_parameters():
    assert feature_maps.build_model().count_params() == 29_706


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


@pytest.mark.parametrize(
    ("size", "channels", "filters", "weights", "parameters"),
    [(5, 3, 1, 75, 76), (11, 3, 1, 363, 364), (11, 3, 96, 34_848, 34_944)],
)
def test_weights_of_a_layer(size, channels, filters, weights, parameters):
    """The slide's F × F × Cin is one filter; all of them and their biases are Cout times as many, and Cout more."""
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


def test_maps_halve_and_their_number_doubles(rng):
    images = rng.integers(0, 256, (2, 28, 28, 1)).astype("uint8")
    maps = feature_maps.maps_of(feature_maps.build_model(), images)
    assert [layer.shape[1:] for layer in maps] == [(28, 28, 16), (14, 14, 32), (7, 7, 64)]
    assert maps[0].size > maps[1].size > maps[2].size
    assert min(layer.min() for layer in maps) == 0  # ReLU


def test_correlation_of_channels(rng):
    noise = rng.normal(size=(4, 20, 20, 1))
    assert feature_maps.channel_correlation(
        np.concatenate([noise, -2 * noise + 1], axis=-1)
    ) == pytest.approx(1)
    assert feature_maps.channel_correlation(rng.normal(size=(4, 20, 20, 5))) < 0.1
    silent = np.concatenate([noise, -noise, np.zeros_like(noise)], axis=-1)
    assert feature_maps.channel_correlation(silent) == pytest.approx(1)


def test_orientation_of_kernels(rng):
    rows, columns = np.mgrid[-3:4, -3:4]
    envelope = np.exp(-(rows**2 + columns**2) / 8)
    gratings = [
        np.cos(1.6 * (np.cos(a) * rows + np.sin(a) * columns)) * envelope for a in (0, 0.5, 1.2)
    ]
    spot = np.exp(-(rows**2 + columns**2) / 2)
    oriented = feature_maps.orientation(np.stack(gratings, axis=-1))
    assert oriented.min() > 0.8
    assert feature_maps.orientation(spot[:, :, None])[0] < 0.05
    random = feature_maps.orientation(rng.normal(size=(7, 7, 500)))
    assert random.mean() == pytest.approx(0.15, abs=0.03)


@pytest.mark.slow
@pytest.mark.real_data
def test_what_training_makes_of_the_layers():
    """Channels differ, deeper maps are smaller and sparser, and first-layer filters are oriented."""
    keras.utils.set_random_seed(0)
    train, validation, _ = feature_maps.load_data()
    model = feature_maps.build_model()
    model.fit(train, epochs=feature_maps.EPOCHS, shuffle=False, verbose=0)
    maps = feature_maps.maps_of(model, next(validation.as_numpy_iterator())[0])
    assert all(feature_maps.channel_correlation(layer) < 0.9 for layer in maps)
    assert maps[0].size > maps[1].size > maps[2].size
    active = [
        (layer > 0).mean() for layer in maps
    ]  # three seeds gave 0.64–0.75, 0.54–0.62, 0.39–0.50
    assert active[2] < active[1] < active[0]
    kernels = model.get_layer("layer_1").get_weights()[0][:, :, 0]
    random = np.random.default_rng(0).normal(size=(7, 7, 1000))
    assert feature_maps.orientation(kernels).mean() > 1.2 * feature_maps.orientation(random).mean()


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

"""Ascent on maps whose gradient is known; sizes; how coarse a change is."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.trained_networks import deep_dream as recipe

RNG = np.random.default_rng(0)


@pytest.fixture
def red():
    """A network with one map: how red the image is, from 0 to 1."""
    image = keras.Input((None, None, 3))
    return keras.Model(image, keras.layers.Rescaling(1 / 255)(image[..., :1]))


def test_only_what_the_map_sees_is_amplified(red):
    """The gradient is as large as the red value itself; green and blue have none."""
    image = tf.constant(RNG.uniform(100, 110, (32, 64, 3)), "float32")
    changed = recipe.deep_dream(red, image, octaves=(1.0,), steps=1)
    np.testing.assert_array_equal(changed[..., 1:], image[..., 1:])
    reds = image[..., 0].numpy()
    deviation = np.sqrt((reds**2).sum() / (3 * reds.size) - (reds.sum() / (3 * reds.size)) ** 2)
    np.testing.assert_allclose(changed[..., 0] - reds, 2 * reds / deviation, rtol=1e-3)
    assert recipe.activation(red, changed) > recipe.activation(red, image)


def test_values_stay_in_range_at_all_sizes(red):
    image = tf.constant(RNG.uniform(0, 255, (64, 96, 3)), "float32")
    changed = recipe.deep_dream(red, image, steps=60)
    assert changed.shape == image.shape
    assert float(tf.reduce_min(changed)) >= 0
    assert float(tf.reduce_max(changed)) <= 255
    assert recipe.activation(red, changed) > 2 * recipe.activation(red, image)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (1, 300)])
def test_small_pictures_are_enlarged(size, tmp_path):
    keras.utils.save_img(tmp_path / "small.png", np.full((*size, 3), 200), scale=False)
    found = recipe.read(str(tmp_path / "small.png"))
    assert found.shape == (*recipe.in_32s(320 * size[0] / size[1], 320), 3)
    np.testing.assert_allclose(found, 200, atol=0.1)


def test_sizes_are_multiples_of_32():
    assert recipe.in_32s(0.71 * 224, 0.71 * 320) == (160, 224)
    assert recipe.in_32s(5, 47) == (32, 32)


def test_a_picture_of_ones_own_keeps_its_shape(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "WIDTH", 64)
    pixels = np.zeros((300, 100, 3), "uint8")
    pixels[150:] = 255  # the lower half
    keras.utils.save_img(tmp_path / "mine.png", pixels, scale=False)
    found = recipe.read(str(tmp_path / "mine.png")).numpy()
    assert found.shape == (192, 64, 3)
    assert found[:90].max() < 1
    assert found[102:].min() > 254
    assert recipe.read("china").shape == (32, 64, 3)
    with pytest.raises(FileNotFoundError):
        recipe.read("yours.png")
    keras.utils.save_img(tmp_path / "long.png", np.zeros((45, 2, 3)))
    with pytest.raises(ValueError, match=r"long\.png is over 20 times as high as wide"):
        recipe.read(str(tmp_path / "long.png"))


def test_main_draws_the_dreams_of_the_picture(tmp_path, monkeypatch, red):
    """Named after the file; the network has one layer."""
    monkeypatch.setattr(recipe, "efficientnet_lite0", lambda *shape, **arguments: red)
    monkeypatch.setattr(recipe, "LAYERS", {red.layers[-1].name: "red"})
    monkeypatch.setattr(recipe, "WIDTH", 32)
    monkeypatch.setattr(recipe, "STEPS", 1)
    monkeypatch.chdir(tmp_path)
    keras.utils.save_img("mine.jpg", np.full((40, 40, 3), 99))
    recipe.main("mine.jpg")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.jpg", "mine.png"}


def test_noise_is_fine_and_a_slope_is_coarse():
    noise = tf.constant(RNG.normal(size=(64, 64, 3)), "float32")
    slope = tf.tile(tf.linspace(0.0, 1.0, 64)[:, None, None], (1, 64, 3))
    assert recipe.coarse_share(noise) < 0.05
    assert recipe.coarse_share(slope) > 0.9

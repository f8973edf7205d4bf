"""Gram matrices by hand; what descent on a small network changes; the paper's, from a file."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.trained_networks import style_transfer as recipe
from tests.recipes.common import test_imagenet

RNG = np.random.default_rng(0)


def image(low, high, size=(16, 24)):
    return RNG.uniform(low, high, (*size, 3)).astype("float32")


@pytest.fixture
def colors():
    """A network of two layers: the colors from 0 to 1, and how red a place is."""
    images = keras.Input((None, None, 3))
    scaled = keras.layers.Rescaling(1 / 255)(images)
    return keras.Model(images, {"colors": scaled, "red": scaled[..., :1]})


def test_gram_matrix_by_hand():
    maps = tf.constant([[[1.0, 2.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 0.0]]])
    np.testing.assert_allclose(recipe.gram(maps), [[10 / 4, 2 / 4], [2 / 4, 5 / 4]])


def test_a_gram_matrix_knows_no_places_and_activations_do():
    maps = tf.constant(RNG.normal(size=(4, 6, 5)), "float32")
    moved = tf.roll(maps, (1, 2), (0, 1))
    np.testing.assert_allclose(recipe.gram(moved), recipe.gram(maps), rtol=1e-4, atol=1e-6)
    found, wanted = recipe.activations(moved), recipe.activations(maps)
    assert recipe.relative_error(found, wanted) > 1


def test_error_is_a_part_of_what_is_wanted():
    one, two = tf.constant([1.0, 0.0]), tf.constant([3.0, 0.0])
    assert float(recipe.relative_error(one, two)) == pytest.approx(4 / 9)
    assert float(recipe.relative_error(two, one)) == pytest.approx(4)


def test_the_style_is_taken_on(colors, monkeypatch):
    photograph, style = image(0, 80), image(150, 255)
    monkeypatch.setattr(recipe, "CONTENT_WEIGHT", 0.0)
    changed, errors = recipe.transfer(colors, photograph, style, ["colors"], "red", steps=60)
    assert changed.min() >= 0
    assert changed.max() <= 255
    assert errors[-1] < 0.1 * errors[0]
    content, left = recipe.distances(colors, changed, photograph, style, ["colors"], "red")
    assert left < 0.1 * errors[0]
    assert content > 1


def test_content_that_weighs_much_is_kept(colors, monkeypatch):
    photograph, style = image(50, 80), image(150, 255)
    monkeypatch.setattr(recipe, "CONTENT_WEIGHT", 1e4)
    changed, errors = recipe.transfer(colors, photograph, style, ["colors"], "red", steps=60)
    # The red that is the content stays; green and blue are free to become those of the style.
    before, after = photograph.mean(axis=(0, 1)), changed.mean(axis=(0, 1))
    assert abs(after[0] - before[0]) < 10
    assert np.all(after[1:] > before[1:] + 50)
    assert errors[-1] < errors[0]


def test_activations_bring_the_places_along(colors):
    """A style that is dark on the left and light on the right becomes the image itself."""
    style = np.full((16, 24, 3), 20, "float32")
    style[:, 12:] = 230
    changed, _ = recipe.transfer(
        colors, image(100, 140), style, ["colors"], "red", recipe.activations, steps=80
    )
    assert changed[:, :12].mean() < 60
    assert changed[:, 12:].mean() > 180


def test_a_picture_of_ones_own_is_cut_to_the_shape(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "HEIGHT", 32)
    monkeypatch.setattr(recipe, "WIDTH", 64)
    pixels = np.zeros((100, 100, 3), "uint8")
    pixels[:20] = 255  # above the middle half: cut off
    keras.utils.save_img(tmp_path / "mine.png", pixels, scale=False)
    found = recipe.read(str(tmp_path / "mine.png"))
    assert found.shape == (32, 64, 3)
    assert found.max() == 0
    assert recipe.read("china").shape == recipe.read("mosaic").shape == (32, 64, 3)
    with pytest.raises(FileNotFoundError):
        recipe.read("yours.png")


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (1, 300), (300, 1)])
def test_small_pictures_are_enlarged(size, tmp_path):
    keras.utils.save_img(tmp_path / "small.png", np.full((*size, 3), 200), scale=False)
    found = recipe.read(str(tmp_path / "small.png"))
    assert found.shape == (recipe.HEIGHT, recipe.WIDTH, 3)
    np.testing.assert_allclose(found, 200, atol=0.1)


def test_the_network_of_the_paper_comes_from_a_published_file(tmp_path):
    """Up to the first pooling it is VGG-16 to the digit; then it takes averages."""
    keras.utils.set_random_seed(0)
    published = keras.applications.VGG16(include_top=False, weights=None)
    path = tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    test_imagenet.write(path, published)
    network = recipe.vgg16(str(path))
    assert {*recipe.VGG16_STYLE_LAYERS, recipe.VGG16_CONTENT_LAYER} <= {*network.output}
    photograph = image(0, 255, (32, 32))
    answers = network(photograph[None])
    first = keras.Model(published.inputs[0], published.get_layer("block1_conv2").output)
    prepared = keras.applications.vgg16.preprocess_input(photograph[None].copy())
    expected = keras.ops.convert_to_numpy(first(prepared))
    np.testing.assert_allclose(answers["block1_conv2"], expected, rtol=1e-4, atol=1e-3)
    average = expected.reshape(1, 16, 2, 16, 2, 64).mean(axis=(2, 4))
    np.testing.assert_allclose(answers["block1_pool"], average, rtol=1e-4, atol=1e-3)
    assert answers["block5_conv1"].shape == (1, 2, 2, 512)


def test_main_takes_the_file_of_weights(monkeypatch, colors):
    """It reads the file, and compares the layers of VGG-16."""
    calls = []

    def transfer(network, photograph, style, layers, content_layer):
        calls.append((network, layers, content_layer))
        raise InterruptedError

    monkeypatch.setattr(recipe, "vgg16", lambda path: calls.append(path) or colors)
    monkeypatch.setattr(recipe, "transfer", transfer)
    with pytest.raises(InterruptedError):
        recipe.main(style="mosaic", vgg16_weights="vgg16.h5")
    layers, content_layer = recipe.VGG16_STYLE_LAYERS, recipe.VGG16_CONTENT_LAYER
    assert calls == ["vgg16.h5", (colors, layers, content_layer)]


@pytest.mark.slides
def test_minutes_of_the_slides():
    """N94: how many times as fast the second machine is, the third (slide 35), and both."""
    first, second, third = recipe.SLIDE_MINUTES
    assert first / second == pytest.approx(5.35, abs=0.005)
    assert second / third == pytest.approx(33.96, abs=0.005)
    assert first / third == pytest.approx(181.7, abs=0.05)

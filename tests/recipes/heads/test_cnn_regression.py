"""The slide's network counted, the triangles measured in their images, the errors by hand."""

import keras
import numpy as np
import pytest

from recipes.heads import cnn_regression as recipe


def slide_network(pool_strides):
    """The network of «Ejemplo (API secuencial)» for 128 × 128 images; it pools with (1, 1)."""
    model = keras.Sequential([keras.Input((128, 128, 1))])
    for filters in (32, 64):
        model.add(keras.layers.Conv2D(filters, 3, activation="relu"))
        model.add(keras.layers.LayerNormalization())
        model.add(keras.layers.Conv2D(filters, 3, activation="relu"))
        model.add(keras.layers.MaxPooling2D(2, strides=pool_strides))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(64, activation="relu"))
    model.add(keras.layers.Dense(32, activation="relu"))
    model.add(keras.layers.Dense(2, activation="linear"))
    return model


@pytest.mark.slides
@pytest.mark.parametrize(("pool_strides", "flat"), [(1, 118 * 118 * 64), (2, 29 * 29 * 64)])
def test_the_docstring_counts_the_slides_network(pool_strides, flat):
    # Without values: 57 million numbers would take their time.
    with keras.StatelessScope(initialize_variables=False):
        model = slide_network(pool_strides)
    assert f"{model.count_params():,}" in recipe.__doc__
    flatten = next(layer for layer in model.layers if isinstance(layer, keras.layers.Flatten))
    assert flatten.output.shape == (None, flat)
    if pool_strides == 1:  # "99.9 % of them in one layer"
        assert round(100 * (flat * 64 + 64) / model.count_params(), 1) == 99.9


def bright_pixels(images):
    """Where the triangle is: nearer to the brightest pixel than to the background."""
    pixels = images[..., 0].astype("float32")
    background = np.median(pixels, axis=(1, 2), keepdims=True)
    brightest = pixels.max(axis=(1, 2), keepdims=True)
    return pixels > (background + brightest) / 2


def test_the_targets_are_what_is_rendered():
    """The centroid of a triangle lies a third of the way from the base to the tip."""
    images, targets = recipe.generate(64, seed=0)
    bright = bright_pixels(images)
    pixels = (np.arange(recipe.SIZE) + 0.5) * 2 / recipe.SIZE - 1
    count = bright.sum(axis=(1, 2))
    x = bright.sum(axis=1) @ pixels / count
    y = bright.sum(axis=2) @ pixels / count
    # The center is halfway up, and the length 0.3 to 0.4 either way: the centroid is a third of
    # that behind it.
    behind = 0.35 / 3
    assert x == pytest.approx(recipe.REACH * targets[:, 0] - behind * targets[:, 2], abs=0.05)
    assert y == pytest.approx(recipe.REACH * targets[:, 1] - behind * targets[:, 3], abs=0.05)
    assert np.hypot(targets[:, 2], targets[:, 3]) == pytest.approx(np.ones(64), abs=1e-5)


def test_a_triangle_by_hand():
    """Tip to the right at 0.4, base at −0.4 from −0.2 to 0.2, without noise; 32 pixels are 1."""

    class NoNoise:
        def normal(self, mean, deviation, shape):
            return np.zeros(shape)

    one = [np.array([value]) for value in (0.0, 0.0, 0.0, 0.4, 0.2, 50.0, 100.0)]
    image = recipe.render(*one, NoNoise())[0, :, :, 0]
    assert set(image[32, [18, 20, 31, 38, 46]]) == {50, 150}
    assert image[32].tolist().index(150) == 32 - 12  # the base: 0.4 is 12.8 pixels
    columns = (image > 100).sum(axis=0)
    assert columns[21] == pytest.approx(2 * 0.2 * 32, abs=2)  # as high as the base
    assert columns[32] == pytest.approx(0.2 * 32, abs=2)  # halfway up, half of it
    assert (columns[:19] == 0).all()
    assert (columns[45:] == 0).all()


def test_the_whole_triangle_is_in_the_image():
    images, _ = recipe.generate(200, seed=1)
    sides = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    border = np.concatenate(sides, axis=1)[..., 0]
    background = np.median(images, axis=(1, 2))
    assert np.abs(border - background).max() < 50  # noise of deviation 8 alone


def test_images_repeat_with_the_seed_and_splits_differ():
    first, again, other = (recipe.generate(5, seed)[0] for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_chunks_fill_all_images():
    images, targets = recipe.generate(501, seed=0)
    assert bright_pixels(images).any(axis=(1, 2)).all()
    assert np.hypot(targets[:, 2], targets[:, 3]) == pytest.approx(np.ones(501), abs=1e-5)


def answer(x, y, degrees, length=1):
    angle = np.radians(degrees)
    return np.array([[x, y, length * np.cos(angle), length * np.sin(angle)]], "float32")


def test_errors_by_hand():
    true, predicted = answer(0, 0.5, 359), answer(0.1, 0.2, 1, length=3)
    assert float(recipe.position_mae(true, predicted)[0]) == pytest.approx(0.2 / 2, abs=1e-6)
    assert float(recipe.angle_mae(true, predicted)[0]) == pytest.approx(2 / 360, abs=1e-6)
    opposite = recipe.angle_mae(answer(0, 0, 10), answer(0, 0, 190))
    assert float(opposite[0]) == pytest.approx(0.5, abs=1e-6)


def test_halved_images_by_hand():
    images = np.zeros((2, recipe.SIZE, recipe.SIZE, 1), "uint8")
    images[1, 2:4, 6:8, 0] = [[10, 20], [30, 40]]
    rows = recipe.halved(images).reshape(2, recipe.SIZE // 2, recipe.SIZE // 2)
    assert rows[1, 1, 3] == 25
    assert rows.sum() == 25

"""Each distortion does what its name says; both networks have one size."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from recipes.convolution import lenet_robustness as recipe

RNG = np.random.default_rng(0)


def blob():
    """A smooth image without symmetry, (1, 28, 28, 1)."""
    rows, columns = np.mgrid[:28, :28]
    image = np.exp(-((rows - 10) ** 2) / 8 - (columns - 17) ** 2 / 20)
    image += 0.5 * np.exp(-((rows - 18) ** 2) / 6 - (columns - 12) ** 2 / 6)
    return (255 * image)[None, :, :, None].astype("float32")


def center(image):
    """Row and column of the center of mass."""
    return np.array(ndimage.center_of_mass(image[:, :, 0]))


def test_networks_have_the_same_size():
    counts = [recipe.build_model(**given).count_params() for given in recipe.VARIANTS.values()]
    assert counts == [61_706, 62_020]


@pytest.mark.parametrize("kind", recipe.STRENGTHS)
def test_the_first_strength_changes_nothing(kind):
    image = blob()
    same = recipe.distort(image, kind, recipe.STRENGTHS[kind][0])
    np.testing.assert_allclose(same, image, atol=0.01)
    for strength in recipe.STRENGTHS[kind][1:]:
        other = recipe.distort(image, kind, strength)
        assert other.shape == image.shape
        assert np.abs(other - image).max() > 5


def test_noise_has_its_deviation():
    images = np.zeros((20, 28, 28, 1), "float32")
    noise = recipe.distort(images, "noise", 0.3)
    assert noise.std() == pytest.approx(0.3 * 255, rel=0.02)
    np.testing.assert_array_equal(noise, recipe.distort(images, "noise", 0.3))


@pytest.mark.parametrize("angle", [30, 90])
def test_rotation(angle):
    image = blob()
    found = recipe.distort(image, "rotation", angle)[0, :, :, 0]
    expected = ndimage.rotate(image[0, :, :, 0], angle, reshape=False, order=1)
    np.testing.assert_allclose(found, expected, atol=2)


@pytest.mark.parametrize("factor", [0.6, 1.2])
def test_scale_and_width_are_about_the_center(factor):
    image = blob()
    middle = np.array([13.5, 13.5])
    offset = center(image[0]) - middle
    scaled = recipe.distort(image, "scale", factor)[0]
    np.testing.assert_allclose(center(scaled) - middle, factor * offset, atol=0.1)
    assert scaled.sum() == pytest.approx(factor**2 * image.sum(), rel=0.02)
    wider = recipe.distort(image, "width", factor)[0]
    np.testing.assert_allclose(center(wider) - middle, offset * [1, factor], atol=0.1)
    assert wider.sum() == pytest.approx(factor * image.sum(), rel=0.02)


def test_shift_has_four_directions():
    images = np.repeat(blob(), 4, axis=0)
    moved = recipe.distort(images, "shift", 3)
    steps = [center(after) - center(before) for after, before in zip(moved, images, strict=True)]
    np.testing.assert_allclose(steps, [[0, 3], [3, 0], [0, -3], [-3, 0]], atol=0.1)


def test_stroke_grows_by_as_many_pixels():
    image = np.zeros((1, 28, 28, 1), "float32")
    image[0, 5:20, 10:14] = 200
    for strength in (-2, -1, 1, 3):
        found = recipe.distort(image, "stroke", strength)
        assert np.count_nonzero(found[0, 12]) == 4 + strength
        assert np.count_nonzero(found[0, :, 12]) == 15 + strength
        assert set(np.unique(found)) == {0, 200}


def test_robustness_is_accuracy_by_strength(monkeypatch):
    monkeypatch.setattr(recipe, "STRENGTHS", {"shift": [0, 1], "noise": [0.0]})

    def model(images, training):
        """Whether there is something at the upper left."""
        return np.stack([images[:, 0, 0, 0] < 1, images[:, 0, 0, 0] >= 1], axis=1)

    images = np.zeros((4, 28, 28, 1), "float32")
    images[:, 0, 0] = 255
    labels = np.array([1, 1, 1, 0])
    # Shifted by a pixel, the corner is empty in all four, right or wrong.
    found = recipe.robustness(model, images, labels)
    assert found == {"shift": [0.75, 0.25], "noise": [0.75]}
    test = tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)
    assert recipe.further_scores(model, test, None) == {"distorted_accuracy": 0.25}

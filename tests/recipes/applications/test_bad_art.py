"""The slide's network; pictures that only the hand tells apart; what the recipe's pictures show."""

import keras
import numpy as np
import pytest

from recipes.applications import bad_art as recipe
from recipes.applications.figures import bad_art as pictures
from recipes.common.network_cost import network_cost


@pytest.mark.slides
def test_network_of_the_slide():
    """N66: 33,638,306 parameters, of which one layer holds 99.75 %."""
    inputs = keras.Input((256, 256, 3))
    model = keras.Model(inputs, recipe.bad_art(inputs))
    counts = [layer.count_params() for layer in model.layers if layer.count_params()]
    assert counts == [2_432, 25_632, 18_496, 36_928, 33_554_560, 258]
    assert model.count_params() == 33_638_306
    assert round(100 * max(counts) / model.count_params(), 2) == 99.75


def test_two_pictures_by_a_steady_hand_are_equal():
    first, second = (recipe.draw(np.random.default_rng(3), 0.0) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (64, 64, 3)
    assert first.dtype == np.uint8
    # A house, a tree and the rest have colors of their own.
    assert len(np.unique(first.reshape(-1, 3), axis=0)) > 8


def outline_pixels(image):
    """The share of pixels that are nearly as dark as outlines."""
    return np.mean(np.all(image < 80, axis=-1))


def test_a_hand_that_shakes_moves_points_by_as_much_as_is_said():
    square = np.array([(10.0, 10.0), (40.0, 10.0), (40.0, 40.0), (10.0, 40.0)])
    straight = np.array(recipe.line(np.random.default_rng(0), square, 0.0)) / recipe.SCALE
    assert len(straight) == 24
    np.testing.assert_allclose(straight[[0, 6, 12, 18]], square)
    np.testing.assert_allclose(straight[3], (25, 10))
    off = [
        np.array(recipe.line(np.random.default_rng(seed), square, 2.0)) / recipe.SCALE - straight
        for seed in range(50)
    ]
    assert np.std(off) == pytest.approx(2.0, rel=0.05)


def test_colors_do_not_depend_on_the_hand():
    """Sky and meadow, where no outline comes: the mean color of many pictures."""
    means = []
    for shake in (0.0, 2.5):
        rng = np.random.default_rng(0)
        images = np.stack([recipe.draw(rng, shake) for _ in range(300)])
        means.append(images[:, [0, 63]][:, :, [0, 63]].mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(means[0], means[1], atol=8)


def test_labels_say_which_hand():
    images, labels, shake = recipe.sample_pictures(200, seed=0)
    assert images.shape == (200, 64, 64, 3)
    assert 60 < labels.sum() < 140
    assert shake[labels == 0].max() <= recipe.SHAKY[0] <= shake[labels == 1].min()
    # The paint misses outlines, so that bad pictures have more of their darkness spread.
    dark = np.array([outline_pixels(image) for image in images])
    assert dark[shake > 2].mean() > 1.2 * dark[shake < 0.3].mean()


def test_histograms():
    images = np.zeros((2, 2, 1, 3), "uint8")
    images[1] = [[[0, 16, 255]], [[15, 31, 255]]]
    found = recipe.color_histograms(images)
    assert found.shape == (2, 48)
    # Columns: range 0 of red, green, blue, then range 1 …
    np.testing.assert_array_equal(np.flatnonzero(found[0]), [0, 1, 2])
    np.testing.assert_array_equal(np.flatnonzero(found[1]), [0, 4, 47])
    np.testing.assert_allclose(found.sum(axis=1), 3)


def test_surest_mistakes():
    labels = np.array([0, 0, 1, 1, 1])
    badness = np.array([0.9, 0.6, 0.1, 0.8, 0.45])
    assert pictures.most_confident_mistakes(labels, badness, 3).tolist() == [0, 2, 1]


def test_judgment_by_shake():
    """A stand-in for the network that finds everything as bad as its share of dark pixels."""

    class Judge:
        def predict(self, images, verbose):
            dark = np.array([outline_pixels(image) for image in images])
            return np.stack([1 - dark, dark], axis=1)

    shakes, means = pictures.judged_by_shake(Judge(), hands=3, pictures=20)
    np.testing.assert_allclose(shakes, [0, 1.25, 2.5])
    rng = np.random.default_rng(4)
    expected = np.mean([outline_pixels(recipe.draw(rng, 1.25)) for _ in range(20)])
    assert means[1] == pytest.approx(expected)


def test_cost_of_the_small_network():
    model = recipe.build_model()
    products = network_cost(model)["multiply_accumulates"]
    by_hand = 64 * 64 * 25 * (3 * 8 + 8 * 8) + 32 * 32 * 9 * (8 * 16 + 16 * 16) + 4096 * 32 + 64
    assert products == by_hand

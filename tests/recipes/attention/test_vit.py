"""M35: patches of an image, and what the Transformer is told of where they are."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers.patch_embedding import images_to_patches
from recipes.attention import vit as recipe


@pytest.mark.slides
def test_patches_of_the_slide_and_ours():
    """16×16 patches make 14 · 14 = 196 of a photograph of 224×224; 4×4 make 64 of ours."""
    assert tuple(images_to_patches(np.zeros((1, 224, 224, 3)), 16).shape) == (1, 196, 768)
    assert tuple(images_to_patches(np.zeros((1, 32, 32, 3)), 4).shape) == (1, 64, 48)


def test_both_networks_have_about_as_many_parameters():
    vit, cnn = (recipe.build_model(network).count_params() for network in ("vit", "cnn"))
    assert cnn == pytest.approx(vit, rel=0.03)


@pytest.mark.parametrize(("height", "width"), [(9, 13), (12, 16)])
def test_images_of_ones_own_are_filled_up_to_whole_patches(height, width):
    arguments = {"embed_dim": 8, "depth": 1, "classes": 3, "input_shape": (height, width, 1)}
    model = recipe.build_model(**arguments)
    assert model.get_layer("patches").output.shape == (None, 1 + 3 * 4, 8)
    assert recipe.build_model("cnn", **arguments, filters=4).output_shape == (None, 3)
    # The last pixel is seen.
    images = np.zeros((2, height, width, 1))
    images[1, -1, -1] = 255
    one, other = model.predict_on_batch(images)
    assert np.abs(one - other).max() > 1e-5


def test_without_positional_embedding_the_order_of_patches_does_not_matter():
    keras.utils.set_random_seed(0)
    model = recipe.build_model()
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("float32")
    moved = np.roll(images, 8, axis=2)  # by two patches
    assert np.abs(model.predict_on_batch(images) - model.predict_on_batch(moved)).max() > 1e-4
    positions = model.get_layer("patches").positions
    positions.assign(np.zeros(positions.shape))
    np.testing.assert_allclose(
        model.predict_on_batch(images), model.predict_on_batch(moved), atol=1e-5
    )


def test_learning_rate_climbs_and_falls():
    schedule = recipe.build_model(steps=100).optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 10, 20, 60, 100)]
    assert rates == pytest.approx([0, 0.001, 0.002, 0.001, 0], abs=1e-6)


def test_baseline_learns_from_the_images_that_it_says_in_whatever_batches(monkeypatch):
    seen = []

    class Classifier:
        def __init__(self, **_):
            pass

        def fit(self, pixels, labels):
            seen.append(len(pixels))
            return self

        def score(self, pixels, labels):
            return 0.5

    monkeypatch.setattr(recipe, "LogisticRegression", Classifier)
    images = np.zeros((13_000, 1, 1, 1), "uint8")
    train = tf.data.Dataset.from_tensor_slices((images, images[:, 0, 0, 0])).batch(64)
    recipe.baseline(train, train)
    assert seen == [12_800]
    assert "12,800 images" in recipe.baseline.__doc__

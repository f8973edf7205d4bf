"""M35: patches are the image, equal sizes, what the class token can and cannot see, and a rollout that adds up."""

import keras
import numpy as np
import pytest

from layers.patch_embedding import images_to_patches
from recipes.attention import vit as recipe


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return recipe.build_model()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("float32")


def test_parameters(model):
    cnn = recipe.build_model(network="cnn")
    assert model.count_params() == 107_786
    assert cnn.count_params() == 104_842
    assert cnn.count_params() / model.count_params() == pytest.approx(1, abs=0.03)


def test_words_of_the_slide_and_ours():
    """16×16 patches make 14 · 14 = 196 words of a photograph of 224×224; 4×4 make 64 of ours."""
    assert tuple(images_to_patches(np.zeros((1, 224, 224, 3)), 16).shape) == (1, 196, 768)
    assert tuple(images_to_patches(np.zeros((1, 32, 32, 3)), 4).shape) == (1, 64, 48)


def test_without_places_the_order_of_patches_does_not_matter(model, images):
    """The transformer is told where a patch is by its code alone."""
    patches = model.get_layer("patches")
    moved = np.roll(images, 8, axis=2)
    kept = patches.positions.numpy()
    there, then = (model.predict_on_batch(x) for x in (images, moved))
    patches.positions.assign(np.zeros_like(kept))
    alike, same = (model.predict_on_batch(x) for x in (images, moved))
    patches.positions.assign(kept)
    np.testing.assert_allclose(alike, same, atol=1e-5)
    assert np.abs(there - then).max() > 1e-4


def test_attention_is_that_of_the_model(model, images):
    scores = recipe.attention(model, images)
    assert scores.shape == (3, 3, 4, 65, 65)
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)
    x = model.get_layer("patches")(images / 127.5 - 1)
    first = next(layer for layer in model.layers if isinstance(layer, recipe.TransformerEncoder))
    np.testing.assert_allclose(scores[0], first(x, return_attention_scores=True)[1], atol=1e-5)


def test_rollout_adds_up_and_follows_the_attention():
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(5), size=(3, 2, 4, 5))
    rolled = recipe.rollout(scores)
    np.testing.assert_allclose(rolled.sum(-1), 1)
    nobody_looks_around = np.broadcast_to(np.eye(5), (3, 2, 4, 5, 5))
    np.testing.assert_allclose(
        recipe.rollout(nobody_looks_around), np.broadcast_to(np.eye(5), (2, 5, 5))
    )
    back = np.zeros((2, 1, 1, 3, 3))
    back[0, ..., 2], back[1, ..., 1] = (
        1,
        1,
    )  # in the first block all look at the last, in the second at the middle
    np.testing.assert_allclose(recipe.rollout(back)[0, 0], [0.25, 0.25, 0.5])


def test_learning_rate_climbs_and_falls():
    schedule = recipe.build_model(steps=100).optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 10, 20, 60, 100)]
    assert rates == pytest.approx([0, 0.001, 0.002, 0.001, 0], abs=1e-6)

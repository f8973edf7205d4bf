"""Attention is that of the model, the rollout adds up, and pictures show the right images."""

import keras
import numpy as np
import pytest

from recipes.attention import vit as recipe
from recipes.attention.figures import vit as pictures


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return recipe.build_model()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("float32")


def test_attention_is_that_of_the_model(model, images):
    weights = pictures.attention_weights(model, images)
    assert weights.shape == (3, 3, 4, 65, 65)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    x = model.get_layer("patches")(images / 127.5 - 1)
    blocks = [layer for layer in model.layers if isinstance(layer, recipe.TransformerEncoder)]
    x, first = blocks[0](x, return_attention_scores=True)
    np.testing.assert_allclose(weights[0], first, atol=1e-5)
    np.testing.assert_allclose(weights[1], blocks[1](x, return_attention_scores=True)[1], atol=1e-5)


def test_rollout_of_attention_to_itself_is_the_identity():
    identity = np.broadcast_to(np.eye(5), (3, 2, 4, 5, 5))
    expected = np.broadcast_to(np.eye(5), (2, 5, 5))
    np.testing.assert_allclose(pictures.attention_rollout(identity), expected)


def test_rollout_adds_up_and_follows_the_attention():
    weights = np.random.default_rng(0).dirichlet(np.ones(5), size=(3, 2, 4, 5))
    np.testing.assert_allclose(pictures.attention_rollout(weights).sum(-1), 1)
    # In the first block all attend to the last token, in the second to the middle one.
    weights = np.zeros((2, 1, 1, 3, 3))
    weights[0, ..., 2] = 1
    weights[1, ..., 1] = 1
    rollout = pictures.attention_rollout(weights)
    np.testing.assert_allclose(rollout[0, 0], [0.25, 0.25, 0.5])


def test_maps_have_the_patches_of_the_class_tokens_row_in_their_places(model, images, monkeypatch):
    rollout = np.arange(3 * 65 * 65.0).reshape(3, 65, 65)
    monkeypatch.setattr(pictures, "attention_rollout", lambda weights: rollout)
    maps = pictures.attention_maps(model, images)
    assert maps.shape == (3, 8, 8)
    assert maps[0, 0, :3].tolist() == [1, 2, 3]
    assert maps[0, 1, 0] == 9
    assert maps[2, 7, 7] == 2 * 65 * 65 + 64


def test_the_first_correct_image_of_each_class():
    labels = np.array([3, 0, 0, 3, 1, 0])
    predictions = np.array([0, 2, 0, 3, 5, 0])
    assert pictures.first_correct(labels, predictions).tolist() == [2, 3]
    assert pictures.first_correct(labels, predictions * 0 + 9).tolist() == [0]


def test_recall_is_of_the_images_of_a_class():
    labels = np.array([0, 0, 0, 0, 2, 2, 5])
    predictions = np.array([0, 0, 0, 2, 2, 0, 0])
    expected = [0.75, 0, 0.5, 0, 0, 0, 0, 0, 0, 0]
    assert pictures.recall_by_class(labels, predictions) == expected


def test_cosine_maps_have_1_at_their_own_position():
    positions = np.random.default_rng(0).normal(size=(9, 20))
    maps = pictures.cosine_maps(positions)
    assert maps.shape == (9, 3, 3)
    np.testing.assert_allclose(maps.reshape(9, 9).diagonal(), 1)
    expected = positions[1] @ positions[5] / np.linalg.norm(positions[1])
    assert maps[1, 1, 2] == pytest.approx(expected / np.linalg.norm(positions[5]))


def test_principal_filters_of_a_kernel_of_two_directions():
    directions = np.eye(6)[[4, 1]]
    kernel = directions.T @ np.array([[3.0, 0, 0], [0, 4.0, 0]])
    components, share = pictures.principal_filters(kernel, count=1)
    np.testing.assert_allclose(np.abs(components), np.eye(6)[[1]], atol=1e-12)
    assert share == pytest.approx(16 / 25)

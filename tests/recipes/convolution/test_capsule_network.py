"""The margin loss, lengths, equal sizes, and transformations that grow with their strength."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.convolution import capsule_network as recipe


def test_margin_loss_equals_the_papers_formula():
    lengths = np.array([[0.95, 0.05, 0.3], [0.5, 0.2, 0.0]], "float32")
    labels = np.array([0, 1])
    expected = [0.5 * 0.2**2, 0.7**2 + 0.5 * 0.4**2]
    for shape in ((2,), (2, 1)):
        found = recipe.margin_loss(labels.reshape(shape), keras.ops.convert_to_tensor(lengths))
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_lengths():
    capsules = np.array([[[0.3, 0.4], [0.0, 0.0]]], "float32")
    np.testing.assert_allclose(recipe.capsule_lengths(capsules), [[0.5, 0.0]], atol=2e-3)


def test_networks_have_the_same_size():
    counts = [recipe.build_model(**given).count_params() for given in recipe.VARIANTS.values()]
    assert counts == [108_384, 108_585]


def test_primary_capsules_hold_the_maps_of_one_place():
    """Neighbors in a capsule are channels of the same place, not of different ones."""
    keras.utils.set_random_seed(0)
    model = recipe.build_capsules()
    convolution = model.layers[3]
    assert isinstance(convolution, keras.layers.Conv2D)
    images = np.random.default_rng(0).uniform(0, 255, (2, 28, 28, 1)).astype("float32")
    extractor = keras.Model(
        model.inputs, [convolution.output, model.get_layer("primary_capsules").output]
    )
    maps, capsules = map(np.asarray, extractor([images]))
    assert capsules.shape == (2, 64, 8)
    vector = maps[1, 2, 3, 8:16]  # the second capsule at row 2, column 3
    found = capsules[1, (2 * 4 + 3) * 4 + 1]
    np.testing.assert_allclose(
        found / np.linalg.norm(found), vector / np.linalg.norm(vector), atol=1e-4
    )
    assert np.linalg.norm(capsules, axis=-1).max() < 1


def test_transformations_grow_with_their_strength_and_repeat():
    images = np.zeros((3, 28, 28, 1), "float32")
    images[:, 8:20, 10:18] = 200
    changes = []
    for strength in recipe.STRENGTHS:
        found = recipe.transform(images, strength)
        np.testing.assert_array_equal(found, recipe.transform(images, strength))
        changes.append(np.abs(found - images).mean())
    assert changes[0] == 0
    assert np.all(np.diff(changes[:4]) > 0)
    assert np.abs(found[0] - found[1]).max() > 1  # each image has its own


def test_robustness_is_accuracy_by_strength():
    def model(images, training):
        """Whether the left edge is bright."""
        bright = keras.ops.convert_to_numpy(images)[:, :, 0, 0].mean(axis=1) > 100
        return np.stack([~bright, bright], axis=1).astype("float32")

    images = np.full((4, 28, 28, 1), 255, "float32")
    labels = np.array([1, 1, 1, 0])
    found = recipe.robustness(model, images, labels)
    assert found == pytest.approx([0.75] * 6)


def test_unchanged_images_are_no_part_of_the_further_score(monkeypatch):
    monkeypatch.setattr(recipe, "robustness", lambda *_: [1.0, 0.5, 0.5, 0.5, 0.5, 0.25])
    images = np.zeros((4, 28, 28, 1), "float32")
    test = tf.data.Dataset.from_tensor_slices((images, np.arange(4))).batch(4)
    assert recipe.further_scores(None, test, None) == {"transformed_accuracy": 0.45}

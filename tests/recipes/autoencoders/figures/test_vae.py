"""Codes and back, pairs, and the statistics of titles."""

import keras
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from recipes.autoencoders import vae as recipe
from recipes.autoencoders.figures import vae as pictures


def test_codes_and_images():
    keras.utils.set_random_seed(0)
    model = recipe.build_model(latent_dim=3, width=16)
    images = np.random.default_rng(0).random((5, 28, 28)).astype("float32")
    mean, log_variance = pictures.encode(model, images)
    found = model(images[..., None])
    np.testing.assert_allclose(mean, found["mean"], atol=1e-6)
    np.testing.assert_allclose(log_variance, found["log_variance"], atol=1e-6)
    grid = np.random.default_rng(1).normal(size=(2, 4, 3)).astype("float32")
    decoded = pictures.decode(model, grid)
    assert decoded.shape == (2, 4, 28, 28)
    logits = model.decoder(grid[1, 2:3])
    np.testing.assert_allclose(decoded[1, 2], keras.ops.sigmoid(logits)[0, ..., 0], atol=1e-6)


def test_pairs_are_of_different_digits():
    labels = np.array([0, 0, 0, 1, 2])
    start, end = pictures.pairs_of_digits(labels)
    assert np.all(labels[start] != labels[end])
    assert 100 < len(start) == len(end) < 300


def test_agreement_is_the_share_of_the_commonest_digit():
    images = np.zeros((10, 28, 28))
    neighbors = KNeighborsClassifier(10).fit(pictures.flatten(images), [4] * 7 + [1] * 3)
    assert pictures.agreement(neighbors, images[:2]) == pytest.approx(0.7)


def test_entropy_of_unequal_shares():
    assert pictures.entropy(np.array([0.5, 0.25, 0.25, 0])) == pytest.approx(1.5 * np.log(2))


def test_divergence_of_each_dimension():
    mean = np.array([[1.0, 0, 3], [1, 0, 1]])
    log_variance = np.zeros((2, 3))
    found = pictures.divergence_by_dimension(mean, log_variance)
    np.testing.assert_allclose(found, [2.5, 0.5, 0])

"""Diversity by digit; the training sets of the support vector machine."""

import numpy as np
import pytest

from recipes.gans.figures import conditional_gan as pictures


def test_diversity_is_that_of_the_same_digit():
    rng = np.random.default_rng(0)
    digits = np.arange(60) % 3 + 2
    features = rng.normal(size=(60, 4)).astype("float32")
    scale = np.array([0, 0, 1, 0.5, 0], "float32")[digits][:, None]
    found = pictures.class_diversity(features, features * scale, digits)
    assert found == pytest.approx({2: 1.0, 3: 0.5, 4: 0.0}, abs=1e-6)


def test_generated_digits_teach_only_where_they_should():
    """Generated images carry the label upside down: what they teach is wrong."""
    rng = np.random.default_rng(1)
    digits = rng.permutation(np.repeat([0, 1], 100))
    images = rng.normal(0, 0.1, (200, 28, 28, 1)) + digits[:, None, None, None]
    accuracies = pictures.augmentation_accuracies(images, 1 - images, digits)
    assert list(accuracies) == [(10, 0), (10, 40), (0, 50), (50, 0)]
    assert accuracies[10, 0] == accuracies[50, 0] == 1
    assert accuracies[0, 50] == 0

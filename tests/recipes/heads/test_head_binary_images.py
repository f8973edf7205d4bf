"""An undecided start, the baseline's features of an edge, photographs of any size."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.heads import head_binary_images as recipe

IMAGES = np.random.default_rng(0).integers(0, 256, (32, 32, 32, 3), "uint8")
LABELS = np.tile([[0.0], [1.0]], (16, 1))


def test_cats_and_dogs_are_kept_and_dogs_are_1():
    labels = tf.data.Dataset.from_tensor_slices([3, 4, 5, 0, 9, 5])
    data = tf.data.Dataset.zip(labels, labels).filter(recipe.is_cat_or_dog)
    found = list(data.map(recipe.with_binary_label).as_numpy_iterator())
    assert [(image, label.tolist()) for image, label in found] == [(3, [0]), (5, [1]), (5, [1])]


def test_an_untrained_net_is_about_undecided():
    keras.utils.set_random_seed(0)
    model = recipe.build_model()
    loss, _ = model.evaluate(IMAGES, LABELS, verbose=0)
    assert loss == pytest.approx(np.log(2), rel=0.1)


def test_histograms_of_a_vertical_edge():
    """The brightness changes to the right only: all the strength is in the first direction."""
    image = np.zeros((1, 32, 32, 3))
    image[:, :, 18:] = 200
    histograms = recipe.oriented_gradients(image).reshape(7, 7, 4, 8)
    assert histograms[..., 0].max() > 0.5
    assert histograms[..., 1:].max() == 0
    turned = recipe.oriented_gradients(image.transpose(0, 2, 1, 3)).reshape(7, 7, 4, 8)
    assert turned[..., 4].max() > 0.5


def test_deployed_takes_photographs_of_any_size():
    model = recipe.build_model()
    deployed = recipe.deployed(model)
    assert deployed.predict_on_batch(np.zeros((1, 90, 60, 3), "uint8")).shape == (1, 1)
    same = deployed.predict_on_batch(IMAGES[:4])
    assert same == pytest.approx(model.predict_on_batch(IMAGES[:4]), abs=1e-4)

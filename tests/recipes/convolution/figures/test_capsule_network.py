"""Couplings are of the network's own routing, angles are angles, the title has the difference."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.convolution import capsule_network as recipe
from recipes.convolution.figures import capsule_network as figures


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return recipe.build_model()


def test_couplings_give_the_networks_output(model):
    images = np.random.default_rng(0).uniform(0, 255, (2, 28, 28, 1)).astype("float32")
    coupling = figures.couplings(model, images)
    assert coupling.shape == (2, 64, 10)
    np.testing.assert_allclose(coupling.sum(axis=-1), 1, atol=1e-5)
    # Weighted sums of the predictions, squashed, are the digit capsules.
    primary = keras.Model(model.inputs, model.get_layer("primary_capsules").output)
    kernel = model.get_layer("digit_capsules").get_weights()[0]
    predictions = np.einsum("bid,ijdk->bijk", np.asarray(primary([images])), kernel)
    sums = np.einsum("bij,bijk->bjk", coupling, predictions)
    square = np.square(sums).sum(axis=-1)
    expected = square / (1 + square)
    np.testing.assert_allclose(np.asarray(model(images)), expected, atol=2e-3)


def test_angles():
    vectors = np.array([[2.0, 0.0], [0.0, 0.5], [-1.0, 0.0], [3.0, 3.0]])
    found = figures.angles_between(vectors, np.array([1.0, 0.0]))
    assert found == pytest.approx([0, 90, 180, 45])


def test_pose_is_that_of_the_digit_in_the_middle(model):
    images = np.random.default_rng(1).uniform(0, 255, (3, 28, 28, 1)).astype("float32")
    vectors = figures.poses(model, images)
    lengths = np.asarray(model(images))
    found = lengths[1].argmax()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), lengths[:, found], atol=2e-3)


def test_title_has_the_mean_difference_without_the_first_strength():
    accuracies = {
        "capsules": [0.0, 0.9, 0.8, 0.7, 0.6, 0.5],
        "cnn": [1.0, 0.88, 0.78, 0.7, 0.6, 0.5],
    }
    assert figures.mean_difference(accuracies) == pytest.approx(0.8)
    figure = figures.plot_affine(accuracies, np.zeros((28, 28, 1), "float32"))
    assert "+0.8 percentage points" in figure.get_suptitle()
    plt.close(figure)

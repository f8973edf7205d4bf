"""The attacks on a network whose gradient is known, their limits, and their order of strength."""

import pathlib

import keras
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from sklearn.datasets import load_digits

import recipes.convolution.cnn_mnist  # noqa: F401 (the layers that its file names)
from recipes.trained_networks import adversarial_attacks as recipe
from recipes.trained_networks import grad_cam

TRAINED = pathlib.Path(__file__).parents[3] / "saved_models" / "trained"

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (20, 28, 28, 1)).astype("float32")
LABELS = RNG.integers(0, 10, 20)


@pytest.fixture(scope="module")
def linear():
    """Logits that are sums of pixels: the gradient's signs follow from the weights alone."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )


def test_one_step_against_the_right_class(linear):
    kernel = linear.layers[-1].get_weights()[0]  # (784, 10)
    logits = linear.predict(IMAGES, verbose=0)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probabilities[np.arange(20), LABELS] -= 1
    signs = np.sign(probabilities @ kernel.T).reshape(IMAGES.shape)
    expected = np.clip(IMAGES + 0.1 * 255 * signs, 0, 255)
    np.testing.assert_allclose(recipe.fgsm(linear, IMAGES, LABELS, 0.1), expected, atol=1e-3)


def losses(model, images, labels):
    loss = keras.losses.sparse_categorical_crossentropy(labels, model(images), from_logits=True)
    return np.asarray(loss)


@pytest.mark.parametrize("targeted", [False, True])
def test_many_steps_stay_within_epsilon_and_the_gray_values(linear, targeted):
    changed = recipe.pgd(linear, IMAGES, LABELS, 0.1, targeted)
    difference = np.abs(changed - IMAGES)
    assert difference.max() == pytest.approx(25.5, abs=1e-3)
    assert 0 <= changed.min() < 1
    assert 254 < changed.max() <= 255
    before, after = losses(linear, IMAGES, LABELS), losses(linear, changed, LABELS)
    assert np.all(after < before) if targeted else np.all(after > before)


def test_pgd_is_at_least_as_strong_as_fgsm_and_both_than_chance():
    keras.utils.set_random_seed(0)
    model = recipe.build_model(filters=2, units=8)
    for weight in model.trainable_weights:
        weight.assign(2 * weight)
    changed = [
        recipe.random_signs(IMAGES, 0.05),
        recipe.fgsm(model, IMAGES, LABELS, 0.05),
        recipe.pgd(model, IMAGES, LABELS, 0.05),
    ]
    by_chance, one_step, many_steps = (losses(model, part, LABELS).mean() for part in changed)
    assert by_chance < one_step < many_steps
    assert np.abs(changed[0] - IMAGES).max() == pytest.approx(0.05 * 255, abs=1e-3)


def test_accuracy_by_epsilon_is_of_the_right_classes(linear, monkeypatch):
    """Of labels that are the network's own answers, random signs leave the most right."""
    monkeypatch.setattr(recipe, "EPSILONS", (0.0, 0.1))
    labels = linear.predict(IMAGES, verbose=0).argmax(axis=1)
    curves = recipe.accuracy_by_epsilon(linear, IMAGES, labels)
    assert [curve[0] for curve in curves.values()] == [1, 1, 1, 1]  # ε = 0 changes nothing
    assert curves["random signs"][1] > 0.5
    assert curves["FGSM"][1] == curves["PGD"][1] == curves["targeted"][1] == 0


def test_further_scores_are_of_the_same_images(linear, monkeypatch):
    labels = linear.predict(IMAGES, verbose=0).argmax(axis=1)
    labels[:10] = recipe.next_class(labels[:10])  # half of the answers are wrong from the start
    test = tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(5)
    monkeypatch.setattr(recipe, "WEAK", 0.0)
    untouched = recipe.further_scores(linear, test, None)
    assert list(untouched.values()) == [0.5, 0.5, 0.5]
    monkeypatch.setattr(recipe, "WEAK", 0.1)
    scores = recipe.further_scores(linear, test, None)
    assert scores["pgd_accuracy"] == scores["fgsm_accuracy"] == 0 < scores["random_signs_accuracy"]


def test_wanted_classes_are_others():
    assert recipe.next_class(np.array([0, 4, 9])).tolist() == [1, 5, 0]


def test_a_network_that_comes_with_the_collection_is_attacked_before_any_training():
    """On digits that it has not seen in any form: scikit-learn's, of 8 × 8 pixels."""
    trained = keras.saving.load_model(TRAINED / "cnn_mnist" / "model.keras")
    network = keras.Model(trained.inputs, grad_cam.logits_of(trained))
    digits = load_digits()
    images = np.stack([scipy.ndimage.zoom(image, 2.5, order=1) for image in digits.images[:200]])
    images = np.pad(images * 255 / 16, ((0, 0), (4, 4), (4, 4)))[..., None].astype("float32")
    labels = digits.target[:200]

    def accuracy(images):
        return np.mean(trained.predict(images, verbose=0).argmax(axis=-1) == labels)

    assert accuracy(images) > 0.9
    assert accuracy(recipe.random_signs(images, 0.04)) > 0.7
    assert accuracy(recipe.fgsm(network, images, labels, 0.04)) < 0.1

"""E2, E3, E16: a linear autoencoder spans the principal components of the 8 × 8 digits."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from recipes.autoencoders import autoencoder_mnist as recipe
from recipes.autoencoders.figures import autoencoder_mnist as pictures


@pytest.fixture(scope="module")
def digits():
    return (load_digits().images[..., None] / 16).astype("float32")


@pytest.fixture(scope="module")
def linear(digits):
    """Four units, trained on all digits at once."""
    keras.utils.set_random_seed(0)
    model = recipe.build_model(
        latent_dim=4, depth=0, learning_rate=0.03, steps=1500, shape=(8, 8, 1)
    )
    data = tf.data.Dataset.from_tensors((digits, digits)).repeat(1500)
    model.fit(data, epochs=1, shuffle=False, verbose=0)
    return model


def test_layers_shrink_and_grow():
    encoder, decoder = recipe.build_model(latent_dim=7, depth=3, width=200).layers
    sizes = [
        layer.units
        for network in (encoder, decoder)
        for layer in network.layers
        if hasattr(layer, "units")
    ]
    assert sizes == [200, 100, 50, 7, 50, 100, 200, 784]
    assert encoder.output_shape == (None, 7)
    assert decoder.output_shape == (None, 28, 28, 1)


def test_principal_components_are_those_of_scikit_learn(digits):
    mean, directions, variances = recipe.principal_components(digits)
    expected = PCA(5, svd_solver="full").fit(digits.reshape(-1, 64))
    np.testing.assert_allclose(mean, expected.mean_, atol=1e-5)
    np.testing.assert_allclose(variances[:5], expected.explained_variance_, rtol=1e-3)
    np.testing.assert_allclose(
        np.abs(expected.components_ @ directions[:, :5]), np.eye(5), atol=1e-3
    )
    back = expected.inverse_transform(expected.transform(digits.reshape(-1, 64)))
    np.testing.assert_allclose(
        recipe.project(digits, mean, directions[:, :5]).reshape(-1, 64), back, atol=1e-3
    )


def test_linear_autoencoder_spans_the_principal_components(linear, digits):
    mean, directions, _ = recipe.principal_components(digits)
    degrees = pictures.subspace_angles(linear, directions[:, :4])
    assert degrees.shape == (4,)
    assert degrees.max() < 1
    assert (
        pictures.subspace_angles(linear, directions[:, 1:5]).max() > 80
    )  # the first is missing there
    best = np.mean((recipe.project(digits, mean, directions[:, :4]) - digits) ** 2)
    assert linear.evaluate(digits, digits, verbose=0, return_dict=True)["mse"] == pytest.approx(
        best, rel=1e-3
    )


def test_but_its_axes_are_not_the_components(linear, digits):
    _, directions, _ = recipe.principal_components(digits)
    own = linear.layers[1].get_weights()[0]
    cosine = np.abs(own / np.linalg.norm(own, axis=1, keepdims=True) @ directions[:, :4])
    assert cosine.max(1).min() < 0.95


def test_errors_and_first_of_each_class():
    images = np.zeros((2, 2, 2, 1))
    left = np.array([[[1.0], [0]]])
    errors = pictures.squared_errors({"a": images + 3, "b": images + left}, images)
    assert errors == {"a": 9, "b": 0.5}
    assert pictures.first_of_each(np.array([2, 0, 2, 5, 0])) == [1, 0, 3]


def test_what_the_titles_say_by_hand():
    errors = {"32 principal\ncomponents": 0.02, "32 units,\nlinear": 0.03, "32 units,\ndeep": 0.01}
    assert pictures.relative_error(errors, "linear") == pytest.approx(1.5)
    assert pictures.relative_error(errors, "deep") == pytest.approx(0.5)
    assert pictures.parallel_directions(np.array([0.1, 0.9, 1.0, 30.0])) == 2
    assert pictures.variance_gap(np.array([9.0, 6.0, 4.0, 1.0]), count=2) == pytest.approx(0.5)


def test_neighbor_accuracy_of_two_clusters():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(200) % 2)
    codes = rng.normal(size=(200, 2))
    assert pictures.neighbor_accuracy(codes + 9 * labels[:, None], labels) == 1
    assert pictures.neighbor_accuracy(codes, labels) < 0.7

"""The dictionary and the encoder beside what they are made of."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

from recipes.cnn_architectures import omp1
from recipes.cnn_architectures.figures import omp1 as figures
from tests.layers.conformance import check_layer


def test_whitened_values_are_uncorrelated():
    rng = np.random.default_rng(0)
    patches = rng.normal(size=(5000, 4)) @ rng.normal(size=(4, 4)) * 10
    matrix = omp1.whitening(patches)
    covariance = np.cov(patches @ matrix, rowvar=False)
    np.testing.assert_allclose(covariance, np.eye(4), atol=0.02)
    # Zero-phase: symmetric, so each value remains nearest to the one it was.
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-9)


def test_dictionary_finds_the_atoms_that_made_the_patches():
    rng = np.random.default_rng(1)
    atoms = np.linalg.qr(rng.normal(size=(12, 12)))[0][:, :3]
    which = rng.integers(0, 3, 2000)
    sizes = rng.uniform(1, 3, 2000) * rng.choice([-1, 1], 2000)
    patches = atoms[:, which].T * sizes[:, None] + 0.05 * rng.normal(size=(2000, 12))
    found = omp1.omp1_dictionary(patches.astype("float32"), 8, rng)
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), 1, atol=1e-5)
    likeness = np.abs(atoms.T @ found).max(axis=1)
    assert (likeness > 0.99).all()


def test_dictionary_of_empty_patches_is_finite():
    found = omp1.omp1_dictionary(np.zeros((20, 12), "float32"), 3, np.random.default_rng(0))
    np.testing.assert_array_equal(found, 0)


def codes_by_loops(images, weights):
    """Those of 3 × 2 patches of images (2, 10, 8, 3)."""
    kernel, mean = weights
    codes = np.zeros((2, 3, 2, 10))
    for number, row, column in np.ndindex(2, 3, 2):
        patch = images[number, 2 * row : 2 * row + 6, 2 * column : 2 * column + 6].astype(float)
        patch = (patch - patch.mean()) / np.sqrt(patch.var() + 10)
        products = (patch.ravel() - mean) @ kernel
        codes[number, row, column] = np.concatenate([products, -products])
    return np.maximum(codes - 0.3, 0)


def test_encoder():
    images = np.random.default_rng(0).integers(0, 256, (2, 10, 8, 3)).astype("float32")
    check_layer(
        omp1.PatchEncoder,
        {"features": 5, "threshold": 0.3, "strides": 2, "trainable": True},
        inputs=images,
        reference=codes_by_loops,
        parameters=108 * 5 + 108,
        bad_arguments=[{"features": 0}, {"threshold": -0.1}, {"strides": 0}],
        bad_shapes=[(10, 8, 3), (2, 10, 8, 3, 1), (2, 5, 8, 3), (2, 10, 5, 3)],
        tolerance=1e-4,
    )


def test_the_network_holds_whitening_and_atoms_in_one():
    """Each column of the whitened dictionary has length 1, and only the classifier trains."""
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3)).astype("uint8")
    train = tf.data.Dataset.from_tensor_slices((images, np.arange(40) % 10)).batch(20)
    keras.utils.set_random_seed(0)
    kernel, mean = omp1.learn_encoder(train, 7)
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(int(keras.random.randint((), 0, 2**31 - 1)))
    patches = omp1.sample_patches(train, rng)
    np.testing.assert_allclose(mean, patches.mean(axis=0), atol=1e-5)
    atoms = np.linalg.solve(omp1.whitening(patches), kernel)
    np.testing.assert_allclose(np.linalg.norm(atoms, axis=0), 1, atol=1e-3)
    model = omp1.build_model(features=7, train=train)
    assert figures.encoder(model).get_weights()[0].shape == (108, 7)
    assert [weight.shape for weight in model.trainable_weights] == [(8 * 7, 10), (10,)]
    # Codes of the four quarters of an image.
    assert model.layers[2].output.shape == (None, 2, 2, 14)


def test_points_per_doubling():
    assert figures.per_doubling({25: 0.5, 50: 0.52, 100: 0.54}) == pytest.approx(0.02)


def test_encoder_is_saved_and_stays_frozen(tmp_path):
    model = omp1.build_model(features=3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(loaded(images), model(images), atol=1e-6)
    assert not figures.encoder(loaded).trainable_weights


def test_title_counts_all_filters_and_those_drawn():
    figure = figures.plot_filters(omp1.build_model(features=12), count=9)
    assert figure.axes[0].get_title().startswith("9 of 12 filters")
    plt.close(figure)

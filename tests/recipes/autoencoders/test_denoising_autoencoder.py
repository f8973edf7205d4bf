"""E23: kinds of noise, the same in each test; the linear filter; the network removes noise."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression

from recipes.autoencoders import denoising_autoencoder as recipe
from recipes.common.arrays import to_numpy


@pytest.fixture
def digits(monkeypatch):
    """The 8 × 8 digits, enlarged, in place of MNIST."""
    images = load_digits().images
    images = np.pad(np.kron(images, np.ones((3, 3))), ((0, 0), (2, 2), (2, 2)))[..., None] * 15.9375
    parts = np.split(images.astype("uint8"), [1200, 1400])
    sets = [tf.data.Dataset.from_tensor_slices((part, np.zeros(len(part), int))) for part in parts]
    monkeypatch.setattr(recipe.tfds, "load", lambda name, split, as_supervised: sets)
    return parts[0] / np.float32(255)


def test_three_kinds_of_noise():
    images = tf.random.stateless_uniform((100, 28, 28, 1), (1, 2), 0.25, 0.75)
    added = (recipe.add_noise(images, "gaussian", 0.5, (0, 0)) - images).numpy()
    assert added.mean() == pytest.approx(0, abs=0.01)
    assert added.std() == pytest.approx(0.5, rel=0.01)
    masked = recipe.add_noise(images, "masking", 0.3, (0, 0)).numpy()
    assert np.mean(masked == 0) == pytest.approx(0.3, abs=0.01)
    assert np.all((masked == 0) | (masked == images.numpy()))
    peppered = recipe.add_noise(images, "salt_and_pepper", 0.3, (0, 0)).numpy()
    assert np.mean(peppered == 0) == pytest.approx(0.15, abs=0.01)
    assert np.mean(peppered == 1) == pytest.approx(0.15, abs=0.01)
    assert np.all((peppered == 0) | (peppered == 1) | (peppered == images.numpy()))


@pytest.mark.parametrize("noise", ["gaussian", "masking", "salt_and_pepper"])
def test_noise_is_new_in_training_and_the_same_in_every_test(digits, noise):
    train, validation, test = recipe.load_data(noise=noise)
    for data, same in ((validation, True), (test, True), (train, False)):
        (first, clean), (second, _) = (next(data.as_numpy_iterator()) for _ in range(2))
        assert np.array_equal(first, second) == same
        assert not np.array_equal(first, clean)
        assert clean.min() == 0
        assert 0.9 < clean.max() <= 1
    assert np.array_equal(
        next(test.as_numpy_iterator())[0],
        next(recipe.load_data(noise=noise)[2].as_numpy_iterator())[0],
    )


def test_validation_and_test_have_noise_of_their_own(digits):
    _, validation, test = recipe.load_data()
    noise = [np.subtract(*next(data.as_numpy_iterator()))[:50] for data in (validation, test)]
    assert np.abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.02


def test_trained_without_noise_but_tested_with_it(digits):
    train, _, test = recipe.load_data(noisy_training=False)
    for images, clean in train.as_numpy_iterator():
        np.testing.assert_array_equal(images, clean)
    np.testing.assert_array_equal(
        next(test.as_numpy_iterator())[0], next(recipe.load_data()[2].as_numpy_iterator())[0]
    )


def test_the_third_epoch_is_the_same_after_a_restart(digits):
    def third(passed_over):
        keras.utils.set_random_seed(5)
        train = recipe.load_data(batch_size=600)[0]
        for _ in range(2):
            batches = iter(train)
            if not passed_over:
                list(batches)
        return next(train.as_numpy_iterator())

    for one, other in zip(third(passed_over=True), third(passed_over=False), strict=True):
        np.testing.assert_array_equal(one, other)


def test_psnr():
    clean = np.zeros((2, 28, 28, 1), "float32")
    off = np.stack([np.full((28, 28, 1), 0.1), np.full((28, 28, 1), 1.0)]).astype("float32")
    np.testing.assert_allclose(recipe.psnr(clean, off), [20, 0], atol=1e-4)


def test_linear_filter_is_least_squares():
    rng = np.random.default_rng(0)
    clean = rng.random((500, 3, 3, 1)).astype("float32")
    noisy = clean + rng.normal(size=clean.shape).astype("float32")
    regression = LinearRegression().fit(noisy.reshape(500, 9), clean.reshape(500, 9))
    expected = regression.predict(noisy.reshape(500, 9))
    found = recipe.LinearFilter(noisy, clean)(noisy)
    assert found.shape == noisy.shape
    np.testing.assert_allclose(found.reshape(500, 9), expected, atol=1e-4)


def test_it_takes_noise_away(digits):
    """After a few steps more than 5 dB above the noisy images."""
    keras.utils.set_random_seed(0)
    train, _, test = recipe.load_data(batch_size=64)
    model = recipe.build_model(units=100, learning_rate=0.003, steps=200)
    model.fit(train.repeat().take(200), epochs=1, shuffle=False, verbose=0)
    noisy, clean = to_numpy(test)
    before = float(np.mean(recipe.psnr(clean, np.clip(noisy, 0, 1))))
    assert model.evaluate(test, return_dict=True, verbose=0)["psnr"] > before + 5
    assert set(recipe.baseline(train, test)) < {"loss", "mse", "psnr"}

"""E14, E15: the evidence lower bound in nats per image, of sampled codes; saved and loaded."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.autoencoders import vae as recipe
from recipes.autoencoders.figures import vae as pictures


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return np.round(rng.random((12, 28, 28, 1)) * (rng.random((12, 1, 1, 1)) > 0.3), 2).astype(
        "float32"
    )


@pytest.fixture
def model(images):
    keras.utils.set_random_seed(0)
    model = recipe.build_model(latent_dim=3, width=16)
    model(images)
    return model


def scores(model, images):
    return model.evaluate(
        tf.data.Dataset.from_tensor_slices((images, images)).batch(5), return_dict=True, verbose=0
    )


def test_bound_of_a_decoder_that_does_not_listen(model, images):
    """All weights 0: no divergence, and each of 784 pixels costs log 2, whatever its value."""
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    found = scores(model, images)
    assert found["kl"] == pytest.approx(0, abs=1e-5)
    assert found["elbo"] == pytest.approx(-784 * np.log(2), rel=1e-5)


def test_bound_against_numpy(model, images):
    """In the encoder, biases alone: μ and log σ² are known and σ tiny, so that z is μ."""
    mean, log_variance = np.array([1.0, -2.0, 0.5]), np.full(3, -20.0)
    weights = model.encoder.get_weights()
    model.encoder.set_weights([*weights[:2], 0 * weights[2], np.concatenate([mean, log_variance])])
    pixels = pictures.decode(model, mean[None].astype("float32"))[0].astype("float64")
    x = images[..., 0].astype("float64")
    log_likelihood = np.sum(x * np.log(pixels) + (1 - x) * np.log(1 - pixels), axis=(1, 2))
    kl = -0.5 * np.sum(1 + log_variance - mean**2 - np.exp(log_variance))
    found = scores(model, images)
    assert found["kl"] == pytest.approx(kl, rel=1e-5)
    assert found["elbo"] == pytest.approx(log_likelihood.mean() - kl, rel=1e-4)
    assert set(found) == {"loss", "elbo", "kl"}


def test_divergence_of_the_standard_normal_is_zero():
    """N50: −½ Σ (1 + log σ² − μ² − σ²) is 0 at μ = 0, log σ² = 0, and nowhere else."""
    zeros = np.zeros((2, 3))
    assert np.asarray(recipe.kl_divergence(zeros, zeros)).tolist() == [0, 0]
    shifted = float(recipe.kl_divergence(np.array([2.0]), np.array([0.0])))
    assert shifted == pytest.approx(2)  # μ²/2
    wide = float(recipe.kl_divergence(np.array([0.0]), np.log([4.0])))
    assert wide == pytest.approx(-0.5 * (1 + np.log(4) - 4), abs=1e-6)
    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(size=(2, 100, 2))
    assert np.all(np.asarray(recipe.kl_divergence(mean, log_variance)) > 0)


def test_divergence_against_monte_carlo():
    """The closed form is the mean of log q(z) − log p(z) for z from q = N(μ, σ²), p = N(0, 1)."""
    mean = np.array([[0.7, -1.2, 0.1]])
    log_variance = np.array([[-1.0, 0.4, -3.0]])
    draws = 200_000
    noise = np.random.default_rng(2).normal(size=(draws, 3))
    z = mean + np.exp(log_variance / 2) * noise
    log_q = -0.5 * ((z - mean) ** 2 / np.exp(log_variance) + log_variance)
    log_p = -0.5 * z**2  # both without −½ log 2π, which cancels
    difference = (log_q - log_p).sum(axis=1)
    error = difference.std() / np.sqrt(draws)
    closed = float(recipe.kl_divergence(mean, log_variance)[0])
    assert closed == pytest.approx(difference.mean(), abs=4 * error)
    assert error < 0.01 < closed


def test_testing_draws_codes(model, images):
    """Codes are sampled, so that the score differs from one test to the next."""
    first, second = (scores(model, images)["elbo"] for _ in range(2))
    assert first != second
    assert first == pytest.approx(second, rel=0.05)


def test_training_raises_the_bound_and_the_loss_is_its_negative(model, images):
    data = tf.data.Dataset.from_tensors((images, images)).repeat(100)
    model.compile(keras.optimizers.Adam(0.01))
    before = scores(model, images)
    history = model.fit(data, epochs=1, shuffle=False, verbose=0).history
    assert history["loss"][0] == pytest.approx(-history["elbo"][0], rel=1e-5)
    assert scores(model, images)["elbo"] > before["elbo"] + 30


def test_save_and_load(model, images, tmp_path):
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    z = np.ones((2, 3), "float32")
    np.testing.assert_allclose(again.encoder(images), model.encoder(images), atol=1e-6)
    np.testing.assert_allclose(again.decoder(z), model.decoder(z), atol=1e-6)


def test_baseline_is_the_bound_of_pixels_by_themselves(images):
    data = tf.data.Dataset.from_tensor_slices((images, images)).batch(5)
    mean = images.mean(0)
    expected = np.mean(
        np.sum(images * np.log(mean) + (1 - images) * np.log(1 - mean), axis=(1, 2, 3))
    )
    assert recipe.baseline(data, data)["elbo"] == pytest.approx(expected, rel=1e-4)

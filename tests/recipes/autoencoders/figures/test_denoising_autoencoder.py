"""Filters at their best, roughness, and which hidden units are shown."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from recipes.autoencoders import denoising_autoencoder as recipe
from recipes.autoencoders.figures import denoising_autoencoder as pictures


def test_filters_at_their_best_width():
    clean = np.kron(load_digits().images[:60] / 16, np.ones((3, 3)))[..., None]
    noisy = clean + np.random.default_rng(0).normal(0, 0.5, clean.shape)
    widths = [0.3, 1, 3, 9]
    scores = [pictures.mean_psnr(clean, pictures.gaussian(noisy, width)) for width in widths]
    best = pictures.best_width(pictures.gaussian, widths, noisy, clean)
    assert best == widths[np.argmax(scores)]
    assert best in (1, 3)
    flat = np.ones((1, 5, 5, 1))
    flat[0, 2, 2] = 0
    assert pictures.median(flat, 3).min() == 1


def test_psnr_of_clipped_images():
    clean = np.zeros((2, 28, 28, 1), "float32")
    off = np.stack([np.full((28, 28, 1), 0.1), np.full((28, 28, 1), 5.0)]).astype("float32")
    assert pictures.mean_psnr(clean, off) == pytest.approx((20 + 0) / 2, abs=1e-4)


def test_roughness_of_noise_and_of_a_slope():
    noise = np.random.default_rng(0).normal(size=(28, 28, 50))
    slope = np.linspace(0, 1, 28)[:, None, None] * np.ones((1, 28, 1))
    assert pictures.roughness(noise).mean() == pytest.approx(1, rel=0.02)
    assert pictures.roughness(slope).max() < 0.01


def test_filters_of_the_largest_outgoing_weights():
    model = recipe.build_model(units=3)
    kernel = np.arange(784 * 3, dtype="float32").reshape(784, 3)
    outgoing = np.ones((3, 784), "float32") * [[2], [3], [1]]
    model.set_weights([kernel, np.zeros(3), outgoing, np.zeros(784)])
    shown = pictures.strongest_filters(model, count=2)
    np.testing.assert_array_equal(shown, kernel.reshape(28, 28, 3)[..., [1, 0]])

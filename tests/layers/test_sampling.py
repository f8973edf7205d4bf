import keras
import numpy as np
import pytest
from keras import ops

from layers.sampling import Sampling, kl_divergence
from tests.layers.conformance import check_layer


def drawn(layer, mean, log_variance):
    return ops.convert_to_numpy(layer([mean, log_variance], training=True))


def test_conformance():
    check_layer(
        Sampling,
        {"seed": 3},
        [(3, 5), (3, 5)],
        reference=lambda inputs, weights: inputs[0],
        parameters=0,
        random=True,
        bad_shapes=[(2, 5), [(2, 5), (2, 4)], [(2, 5), (2, 5), (2, 5)]],
    )


def test_conformance_of_maps():
    check_layer(
        Sampling,
        {"seed": 1},
        [(2, 4, 4, 3)] * 2,
        reference=lambda inputs, weights: inputs[0],
        random=True,
    )


def test_draws_have_the_mean_and_the_variance():
    mean = np.array([-1.5, 0.0, 2.0], "float32")
    log_variance = np.array([-2.0, 0.0, 1.0], "float32")
    z = drawn(Sampling(seed=0), np.tile(mean, (40_000, 1)), np.tile(log_variance, (40_000, 1)))
    np.testing.assert_allclose(z.mean(0), mean, atol=0.03)
    np.testing.assert_allclose(z.var(0), np.exp(log_variance), rtol=0.03)
    noise = (z - mean) / np.exp(log_variance / 2)
    np.testing.assert_allclose(np.corrcoef(noise.T), np.eye(3), atol=0.03)


def test_the_draw_is_differentiable_in_mean_and_log_variance():
    """∂z/∂μ = 1 and ∂z/∂log σ² = σ ε / 2, by differences with the same ε."""
    mean, log_variance = np.full((1, 4), 0.3, "float32"), np.full((1, 4), -0.8, "float32")
    step = np.float32(0.01)
    z = drawn(Sampling(seed=5), mean, log_variance)
    np.testing.assert_allclose(
        drawn(Sampling(seed=5), mean + step, log_variance) - z, step, atol=1e-6
    )
    slope = (drawn(Sampling(seed=5), mean, log_variance + step) - z) / step
    np.testing.assert_allclose(slope, (z - mean) / 2, atol=0.01)
    assert np.abs(z - mean).max() > 0.1


def test_divergence_of_the_standard_normal_is_zero():
    """N50: −½ Σ (1 + log σ² − μ² − σ²) is 0 at μ = 0, log σ² = 0, and nowhere else."""
    assert ops.convert_to_numpy(kl_divergence(np.zeros((2, 3)), np.zeros((2, 3)))).tolist() == [
        0,
        0,
    ]
    assert float(kl_divergence(np.array([2.0]), np.array([0.0]))) == pytest.approx(2)  # μ²/2
    assert float(kl_divergence(np.array([0.0]), np.log([4.0]))) == pytest.approx(
        -0.5 * (1 + np.log(4) - 4), abs=1e-6
    )
    rng = np.random.default_rng(0)
    assert (
        ops.convert_to_numpy(kl_divergence(rng.normal(size=(100, 2)), rng.normal(size=(100, 2))))
        > 0
    ).all()


def test_divergence_against_monte_carlo():
    """The closed form is the mean of log q(z) − log p(z) for z from q = N(μ, σ²), p = N(0, 1)."""
    mean, log_variance = (
        np.array([[0.7, -1.2, 0.1]], "float32"),
        np.array([[-1.0, 0.4, -3.0]], "float32"),
    )
    draws = 200_000
    z = drawn(
        Sampling(seed=2), np.repeat(mean, draws, 0), np.repeat(log_variance, draws, 0)
    ).astype("float64")
    log_q = -0.5 * ((z - mean) ** 2 / np.exp(log_variance) + log_variance)
    log_p = -0.5 * z**2  # both without −½ log 2π, which cancels
    difference = (log_q - log_p).sum(1)
    error = difference.std() / np.sqrt(draws)
    closed = float(kl_divergence(mean, log_variance)[0])
    assert closed == pytest.approx(difference.mean(), abs=4 * error)
    assert error < 0.01 < closed


def test_divergence_in_half_precision_is_computed_in_float32():
    mean = ops.cast(np.full((1, 1000), 0.01), "float16")
    kl = kl_divergence(mean, ops.zeros_like(mean))
    assert keras.backend.standardize_dtype(kl.dtype) == "float32"
    assert float(kl[0]) == pytest.approx(0.05, rel=1e-2)

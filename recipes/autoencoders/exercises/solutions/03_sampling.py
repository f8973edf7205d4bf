"""Sampling with a gradient: the reparameterization trick.

Slides: 001 «Variational Autoencoders», 001 «VAE (transición continua)».
Recipe: vae.

A variational autoencoder decodes a random z ~ N(μ, σ²). Sampling has no derivative; but with
ε ~ N(0, 1), sampled beforehand,

    z = μ + σ ε,   σ = exp(½ log σ²),

is a differentiable formula: ∂z/∂μ = 1, and ∂z/∂(log σ²) is for you to find. Averaged over many ε,
the gradient of any loss of z is that of its mean. For the loss z² the mean is known: μ² + σ². Write
the sample, its derivative, and both gradients.
"""

import numpy as np

from recipes.common.exercise import check, finish


def sample(mean, log_variance, epsilon):
    """z (n,) for random numbers ε (n,)."""
    # Your code: the formula.
    return mean + np.exp(0.5 * log_variance) * epsilon


def sample_gradient(log_variance, epsilon):
    """∂z/∂(log σ²) (n,)."""
    # Your code: the derivative of exp(½ log σ²) ε with respect to log σ².
    return 0.5 * np.exp(0.5 * log_variance) * epsilon


def loss_gradients(mean, log_variance, epsilon):
    """Means over ε (n,) of the derivatives of z² with respect to μ and to log σ²."""
    z = sample(mean, log_variance, epsilon)
    # Your code: the chain rule for each of the two; np.mean; return both.
    by_mean = 2 * z
    by_log_variance = 2 * z * sample_gradient(log_variance, epsilon)
    return np.mean(by_mean), np.mean(by_log_variance)


def between(first, second, steps):
    """Codes (steps, dimensions) on the straight line from one code (dimensions,) to another."""
    # Your code: (1 − t) · first + t · second for t from 0 to 1; np.linspace(0, 1, steps)[:, None].
    t = np.linspace(0, 1, steps)[:, None]
    return (1 - t) * first + t * second


def main():
    epsilon = np.random.default_rng(0).normal(size=200_000)
    log_variance = np.log(4.0)
    codes = [[0, 2], [1, 1], [2, 0]]
    return [
        check(
            "μ = 3, σ = 2, ε = −1, 0, 1",
            lambda: sample(3.0, log_variance, np.array([-1, 0, 1])),
            [1, 3, 5],
        ),
        check("spread of many", lambda: np.std(sample(3.0, log_variance, epsilon)), 2, 0.02),
        check(
            "∂z/∂(log σ²) at σ = 2, ε = −1, 0, 1",
            lambda: sample_gradient(log_variance, np.array([-1, 0, 1])),
            [-1, 0, 1],
        ),
        # d/dμ (μ² + σ²) = 2 μ
        check(
            "mean gradient of z² by μ",
            lambda: loss_gradients(3.0, log_variance, epsilon)[0],
            6,
            tolerance=0.05,
        ),
        # σ² = exp(log σ²), whose derivative is itself.
        check(
            "mean gradient of z² by log σ²",
            lambda: loss_gradients(3.0, log_variance, epsilon)[1],
            4,
            tolerance=0.05,
        ),
        check(
            "from one code to another",
            lambda: between(np.array([0, 2]), np.array([2, 0]), 3),
            codes,
        ),
    ]


if __name__ == "__main__":
    finish(main())

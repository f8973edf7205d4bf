"""The Kullback–Leibler divergence in a variational autoencoder's loss.

Slides: 001 «Variational Autoencoders».
Recipe: vae.

The encoder outputs a mean μ and a log-variance log σ² for each latent dimension. So that codes
sampled from N(0, 1) can be decoded, the loss has a penalty for deviations from N(0, 1), which the
slide does not print:

    KL = −½ Σ (1 + log σ² − μ² − σ²).

It is the mean of log q(z) − log p(z) over the encoder's distribution q, with p = N(0, 1). The
log-variance may be any number, so a layer without activation can compute it. Write it and its
gradient, and find the best σ.
"""

import numpy as np
from scipy.stats import norm

from recipes.common.exercise import check, finish


def divergence(mean, log_variance):
    """KL of the latent dimensions (…, dimensions) of each example, summed over the dimensions."""
    # Your code: the formula; np.exp(log_variance) is σ².
    raise NotImplementedError


def gradient(mean, log_variance):
    """∂KL/∂μ and ∂KL/∂(log σ²), both of the shape (dimensions,)."""
    # Your code: differentiate term by term; return both.
    raise NotImplementedError


def best_deviation(mean):
    """The σ that minimizes KL for a given mean."""
    # Your code: where is ∂KL/∂(log σ²) = 0?
    raise NotImplementedError


def integrated(mean, deviation):
    """KL of one dimension by numerical integration."""
    z, width = np.linspace(mean - 12 * deviation, mean + 12 * deviation, 200_001, retstep=True)
    q = norm.pdf(z, mean, deviation)
    return np.sum(q * (norm.logpdf(z, mean, deviation) - norm.logpdf(z))) * width


def main():
    mean, log_variance = np.array([0.0, 1.0, -2.0]), np.log([1.0, 1.0, 0.25])
    means = np.full((4, 2), [1.0, 3.0])
    return [
        check("N(0, 1) itself", lambda: divergence(np.zeros(2), np.zeros(2)), 0),
        check("μ = 1, σ = 1", lambda: divergence(np.ones(1), np.zeros(1)), 0.5),
        check(
            "μ = −2, σ = ½, against the integral",
            lambda: divergence(mean[2:], log_variance[2:]),
            integrated(-2, 0.5),
        ),
        check(
            "three dimensions",
            lambda: divergence(mean, log_variance),
            0 + 0.5 + integrated(-2, 0.5),
        ),
        check("one for each example", lambda: divergence(means, np.zeros((4, 2))), np.full(4, 5.0)),
        check("gradient of μ", lambda: gradient(mean, log_variance)[0], [0, 1, -2]),
        check("gradient of log σ²", lambda: gradient(mean, log_variance)[1], [0, 0, -0.375]),
        check("best σ for μ = 3", lambda: best_deviation(3.0), 1),
    ]


if __name__ == "__main__":
    finish(main())

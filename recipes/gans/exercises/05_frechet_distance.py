"""The Fréchet distance from the real distribution to a generator's.

Slides: 001 «Problemas: loss y accuracy no sirven».
Recipes: gan_failures, gan_mnist.

The losses of a GAN compare two networks with each other, and do not measure the images. The Fréchet
inception distance compares features of real and of generated images as if both were normal,

    d² = ‖μ − μ'‖² + tr(C + C' − 2 (C C')^½),

with the means μ and covariance matrices C. In one dimension that is (μ − μ')² + (σ − σ')². The
covariance of a collapsed generator reveals it, however good each image is. Write the moments and
the distance.
"""

import numpy as np
from scipy.linalg import sqrtm

from recipes.common.exercise import check, finish


def moments(features):
    """Mean (d,) and covariance (d, d) of features (n, d); divide by n."""
    # Your code: np.cov(…, bias=True) expects the features in rows: transpose.
    raise NotImplementedError


def frechet(mean, covariance, other_mean, other_covariance):
    """d² of two normal distributions."""
    # Your code: the formula; sqrtm is the root of a matrix; take its real part, np.real.
    raise NotImplementedError


def always_the_mean(covariance):
    """d² of a generator that always returns the real mean."""
    # Your code: what remains of the formula?
    raise NotImplementedError


def main():
    features = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]])
    zero, one = np.zeros(2), np.ones(2)
    C = np.array([[2.0, 1.0], [1.0, 2.0]])
    # Same axes as C, eigenvalues 12 and 4 instead of 3 and 1: twice as wide in all directions.
    wide = 4 * C
    return [
        check("mean", lambda: moments(features)[0], [1, 2]),
        check("covariance", lambda: moments(features)[1], [[1, 0], [0, 4]]),
        check("the same distribution", lambda: frechet(one, C, one, C), 0),
        check("shifted by (1, 1)", lambda: frechet(zero, C, one, C), 2),
        check(
            "σ = 3 and σ = 5, means 1 apart",
            lambda: frechet(zero[:1], np.array([[9.0]]), one[:1], np.array([[25.0]])),
            1 + 4,
        ),
        # (√12 − √3)² + (√4 − √1)²
        check("twice as wide", lambda: frechet(zero, C, zero, wide), 4),
        check("always the mean", lambda: always_the_mean(C), 4),
    ]


if __name__ == "__main__":
    finish(main())

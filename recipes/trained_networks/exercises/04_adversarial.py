"""Adversarial examples: small changes of pixels, a large one of the score.

Slides: 000 «Limitaciones: ejemplos diseñados por un adversario (dirección del gradiente)».
Recipe: adversarial_attacks.

A linear network's score is w · x + b. If no pixel may change by more than ε, the largest change of
the score is not ε times the norm of w, but ε times the sum of its absolute weights: each pixel
changes by the sign of its gradient (FGSM). With many pixels that sum is large, though no pixel's
change is visible. Changes with random signs mostly cancel out.

For a nonlinear network, PGD takes many smaller steps of that kind, and after each projects the
image to within ε of the original, and to pixels between 0 and 1.
"""

import math

import numpy as np

from recipes.common.exercise import check, finish


def fgsm(x, gradient, epsilon):
    """The image with the largest score, to first order, if no pixel changes by over epsilon."""
    # Your code: the sign of the gradient.
    raise NotImplementedError


def largest_change(weights, epsilon):
    """The change of a linear network's score under that attack."""
    # Your code: the sum of absolute weights.
    raise NotImplementedError


def expected_random_change(weights, epsilon):
    """The root of the mean squared change of the score, if signs are drawn at random."""
    # Your code: the squares of independent changes add up.
    raise NotImplementedError


def project(x, image, epsilon):
    """The pixels nearest to x that lie within epsilon of the image, and between 0 and 1."""
    # Your code: np.clip, twice.
    raise NotImplementedError


def pgd(image, gradient_at, epsilon, step, steps):
    """The image after some steps of `step`, each projected.

    Args:
        image: Array of pixels.
        gradient_at: A function: the gradient of the score at an image.
        epsilon: The largest change of a pixel.
        step: The change of each pixel in one step.
        steps: Number of steps.
    """
    # Your code: start at the image; in each step, FGSM and the projection.
    raise NotImplementedError


def main():
    weights = np.array([2.0, -1.0, 0.5, -0.25])
    image = np.array([0.5, 0.05, 0.95, 0.5])
    many = np.full(784, 0.1)

    def gradient_at(x):
        """Of −(x − 0.62)²: the score is best where each pixel is 0.62."""
        return -2 * (x - 0.62)

    return [
        check("one step", lambda: fgsm(image, weights, 0.1), [0.6, -0.05, 1.05, 0.4]),
        check("… and its change of score", lambda: largest_change(weights, 0.1), 0.375),
        check("784 pixels", lambda: largest_change(many, 0.1), 7.84),
        check("… with random signs", lambda: expected_random_change(many, 0.1), 0.28),
        check(
            "back to what is allowed", lambda: project(image + 0.3, image, 0.1), [0.6, 0.15, 1, 0.6]
        ),
        check("ten steps", lambda: pgd(image, gradient_at, 0.1, 0.05, 10)[1:3], [0.15, 0.85]),
        check(
            "… where one step goes too far",
            lambda: abs(pgd(image, gradient_at, 0.3, 0.01, 40)[0] - 0.62) < 0.011,
            True,
        ),
    ]


if __name__ == "__main__":
    finish(main())

"""Losses of a GAN, and why the generator's is not the one of the game.

Slides: 000 «GANs (Discriminador / Generador)», 001 «Problemas: el generador no aprende».
Recipes: gan_mnist, gan_failures.

The discriminator outputs a score z, positive for real, with D = σ(z). Its loss is a binary
cross-entropy, −ln D(x) − ln(1 − D(G(noise))), that is, ln(1 + e^−z) for real examples and
ln(1 + e^z) for generated ones. In the minimax game the generator's loss is the opposite:

    minimax          ln(1 − D)      its slope in z is −D
    non-saturating   −ln D          its slope in z is D − 1

Both increase the score of generated examples. At first the discriminator is confident, D ≈ 0: how
large are the two slopes then?
"""

import numpy as np

from recipes.common.exercise import check, finish


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def discriminator_loss(real, generated):
    """The mean loss over a batch, from the scores (n,) of real and of generated examples."""
    # Your code: np.logaddexp(0, z) is ln(1 + e^z) without overflow.
    raise NotImplementedError


def minimax_slope(z):
    """Derivative of ln(1 − D) with respect to the score of a generated example."""
    # Your code: see above.
    raise NotImplementedError


def non_saturating_slope(z):
    """Derivative of −ln D with respect to the score of a generated example."""
    # Your code: see above.
    raise NotImplementedError


def ratio(probability):
    """The slope of the non-saturating loss divided by the minimax slope, at this value of D."""
    # Your code: solve D = σ(z) for z, or divide the slopes by hand.
    raise NotImplementedError


def main():
    zeros = np.zeros(3)
    sure = np.array([1000.0, 1000.0])
    return [
        check("D = ½ for all: ln 4", lambda: discriminator_loss(zeros, zeros), 1.386294),
        check("sure and right", lambda: discriminator_loss(sure, -sure), 0),
        check("sure and wrong", lambda: discriminator_loss(-sure, sure), 2000),
        check(
            "scores 1, −1 and 2, 0",
            lambda: discriminator_loss(np.array([1.0, -1.0]), np.array([2.0, 0.0])),
            0.813262 + 1.410038,
        ),
        check("minimax at z = −10", lambda: minimax_slope(-10.0), -4.5398e-05, tolerance=1e-8),
        check("non-saturating at z = −10", lambda: non_saturating_slope(-10.0), -0.999955),
        check("at z = 0", lambda: [minimax_slope(0.0), non_saturating_slope(0.0)], [-0.5, -0.5]),
        check("ratio at D = 0.01", lambda: ratio(0.01), 99),
    ]


if __name__ == "__main__":
    finish(main())

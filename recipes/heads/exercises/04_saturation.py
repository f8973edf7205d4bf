"""Cross-entropy or squared error where a sigmoid is sure and wrong?

Slides: 001 «Novedades (cross entropy en lugar del error RMS)».
Recipe: wrong_heads.

A unit with the sigmoid s = 1 / (1 + e^−z), whose derivative is s (1 − s), has the score z and the
target t. Training moves z along the slope of the loss:

    binary cross-entropy   −t ln s − (1 − t) ln(1 − s)
    squared error          (s − t)²

At z = −10 and t = 1 the unit is confident and wrong. Which loss has the larger gradient? Find the
two slopes by the chain rule; in one of them a factor cancels.
"""

import numpy as np

from recipes.common.exercise import check, finish


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cross_entropy_slope(z, t):
    """d/dz of the binary cross-entropy."""
    # Your code: d/ds of the loss times s (1 − s), simplified.
    raise NotImplementedError


def squared_error_slope(z, t):
    """d/dz of the squared error."""
    # Your code: d/ds of the loss times s (1 − s).
    raise NotImplementedError


def steepest(scores):
    """The score, one of (n,), at which the squared error of t = 1 is steepest."""
    # Your code: np.abs, np.argmax.
    raise NotImplementedError


def numerically(loss, z, step=1e-5):
    """The slope of a loss, from its values on both sides of z."""
    return (loss(z + step) - loss(z - step)) / (2 * step)


def cross_entropy(z):
    return -0.2 * np.log(sigmoid(z)) - 0.8 * np.log(1 - sigmoid(z))


def squared_error(z):
    return (sigmoid(z) - 0.2) ** 2


def main():
    z = np.array([-3.0, 0.0, 1.0, 4.0])
    return [
        check(
            "cross-entropy, t = 0.2, four scores",
            lambda: cross_entropy_slope(z, 0.2),
            numerically(cross_entropy, z),
        ),
        check(
            "squared error, t = 0.2, four scores",
            lambda: squared_error_slope(z, 0.2),
            numerically(squared_error, z),
        ),
        check("cross-entropy at z = −10, t = 1", lambda: cross_entropy_slope(-10, 1), -0.999955),
        check(
            "squared error at z = −10, t = 1",
            lambda: squared_error_slope(-10, 1),
            -9.0791e-05,
            tolerance=1e-8,
        ),
        # s (1 − s)² is greatest at s = 1/3: z = −ln 2.
        check(
            "where squared error is steepest",
            lambda: steepest(np.linspace(-10, 10, 20_001)),
            -np.log(2),
            tolerance=1e-3,
        ),
    ]


if __name__ == "__main__":
    finish(main())

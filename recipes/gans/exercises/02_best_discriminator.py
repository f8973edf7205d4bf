"""The best discriminator, and what is left for the generator to do.

Slides: 000 «GANs (Discriminador / Generador)».
Recipe: gan_toy.

Let examples have only a few possible values, with probabilities p for real ones and q for generated
ones. For each value the best discriminator is D = p / (p + q), and the value of the game is

    V = Σ p ln D + Σ q ln(1 − D).

The generator minimizes V; the minimum is −ln 4 at q = p and D = ½. In general V is 2 JS − ln 4,
with the Jensen–Shannon divergence JS = ½ KL(p, m) + ½ KL(q, m) from the mean m = (p + q) / 2. If p
and q do not overlap, JS is the same at any distance between them. Write D and V, and compute JS
from V.
"""

import numpy as np
from scipy.special import xlogy

from recipes.common.exercise import check, finish


def best_discriminator(p, q):
    """D (values,) for probabilities p and q (values,); ½ where both are 0."""
    # Your code: np.divide(…, …, out=np.full(len(p), 0.5), where=p + q > 0).
    raise NotImplementedError


def game_value(p, q, D):
    """V of a discriminator D (values,)."""
    # Your code: the two sums; xlogy(p, D) is p ln D, and 0 where p is.
    raise NotImplementedError


def jensen_shannon(p, q):
    """JS of p and q (values,), from V of the best discriminator."""
    # Your code: solve V = 2 JS − ln 4.
    raise NotImplementedError


def kl(p, m):
    """Σ p ln(p / m)."""
    return np.sum(xlogy(p, p) - xlogy(p, m))


def at(place, values=8):
    """A distribution with all probability at one value."""
    return np.eye(values)[place]


def main():
    p, q = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.1, 0.3, 0.2, 0.4])
    m = (p + q) / 2
    half = np.full(4, 0.5)
    left, right = np.array([0.5, 0.5, 0, 0]), np.array([0, 0.5, 0.5, 0])
    return [
        check("best discriminator", lambda: best_discriminator(p, q), [5 / 6, 0.5, 0.5, 0]),
        check("q = p, D = ½: −ln 4", lambda: game_value(p, p, half), -1.386294),
        check("p against q, D = ½", lambda: game_value(p, q, half), -1.386294),
        check("JS by its definition", lambda: jensen_shannon(p, q), (kl(p, m) + kl(q, m)) / 2),
        check("JS where half is in common", lambda: jensen_shannon(left, right), np.log(2) / 2),
        check(
            "places 0 and 1: ln 2",
            lambda: jensen_shannon(at(0), at(1)),
            np.log(2),
        ),
        check(
            "places 0 and 7: the same",
            lambda: jensen_shannon(at(0), at(7)),
            np.log(2),
        ),
    ]


if __name__ == "__main__":
    finish(main())

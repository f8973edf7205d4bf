"""Spurious memories: a mixture of three patterns is a fixed point, too.

Slides: 000 «Redes de Hopfield (memoria)».
Recipe: hopfield.

A Hopfield network also recalls patterns that were not stored. Let each unit take the majority sign
of three stored patterns: this mixture is a fixed point, as long as few patterns are stored. With
three independent patterns, each agrees with the mixture in three units of four. Mixtures of two
patterns are not fixed points: where the two differ there is no majority.

The energy of mixtures is higher than that of the patterns, so noise, as in a Boltzmann machine,
helps to leave them. Write the mixture, the test for a fixed point, and the energy.
"""

import numpy as np

from recipes.common.exercise import check, finish

# Every combination of three signs once, so that the patterns are orthogonal.
PATTERNS = np.array(
    [
        [1, 1, 1, 1, -1, -1, -1, -1],
        [1, 1, -1, -1, 1, 1, -1, -1],
        [1, -1, 1, -1, 1, -1, 1, -1],
    ]
)


def mixture(patterns):
    """The majority (n,) of an odd number of patterns (count, n)."""
    # Your code: np.sign of a sum.
    raise NotImplementedError


def agreement(state, pattern):
    """Share of units that have the same sign in both."""
    # Your code: compare, np.mean.
    raise NotImplementedError


def scaled_energy(state, patterns):
    """E / n² of a state (n,), E = −½ Σ w_ij s_i s_j, w = Σ x xᵀ, from its overlaps."""
    overlaps = patterns @ state / len(state)  # (count,), from −1 to 1
    # Your code: Σ_ij x_i x_j s_i s_j is (n · overlap)²; sum over the patterns, keep the diagonal.
    raise NotImplementedError


def is_fixed(state, patterns):
    """Whether every unit of a state (n,) has the sign of its weighted sum of the others."""
    weights = patterns.T @ patterns
    np.fill_diagonal(weights, 0)
    # Your code: s_i times its weighted sum is positive, for all i.
    raise NotImplementedError


def main():
    many = np.repeat(PATTERNS, 25, axis=1)  # 200 units
    mixed = np.where(many.sum(axis=0) > 0, 1, -1)
    of_two = np.where(many[0] + many[1] >= 0, 1, -1)
    return [
        check("majority", lambda: mixture(PATTERNS), [1, 1, 1, -1, 1, -1, -1, -1]),
        check("agreement with each", lambda: [agreement(mixed, x) for x in many], [0.75] * 3),
        check("the patterns are fixed", lambda: [is_fixed(x, many) for x in many], [True] * 3),
        check("so is the mixture", lambda: is_fixed(mixed, many), True),
        check("a mixture of two is none", lambda: is_fixed(of_two, many), False),
        check("energy of a pattern", lambda: scaled_energy(many[0], many), -0.5),
        # Three overlaps of ½.
        check("energy of the mixture", lambda: scaled_energy(mixed, many), -0.375),
    ]


if __name__ == "__main__":
    finish(main())

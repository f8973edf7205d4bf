"""Hebb's rule: store patterns in a Hopfield network.

Slides: 000 «Redes de Hopfield (1982)», 000 «Redes de Hopfield (memoria)».
Recipe: hopfield.

A Hopfield network has n units with the states −1 and 1, and a weight between each two. Hebb's rule
strengthens connections between units that are active together: with the patterns x in the rows of a
matrix, the weights are w_ij = Σ x_i x_j over the patterns, symmetric, and 0 from a unit to itself.

A pattern is a fixed point if every unit has the sign of its weighted sum of the others. Storing a
pattern stores its opposite as well. The cost of the memory is its number of weights. Write the
rule, the test for a fixed point, and the overlap of two states.
"""

import numpy as np

from recipes.common.exercise import check, finish


def store(patterns):
    """Weights (n, n) by Hebb's rule, for patterns (count, n) of −1 and 1."""
    # Your code: a product of matrices; np.fill_diagonal changes its argument.
    raise NotImplementedError


def is_fixed(state, weights):
    """Whether no unit of a state (n,) would change; a sum of 0 leaves a unit unchanged."""
    # Your code: is s_i times its weighted sum ≥ 0 for all i?
    raise NotImplementedError


def overlap(state, pattern):
    """Similarity of a state (n,) and a pattern (n,), from −1 to 1."""
    # Your code: the mean of the products.
    raise NotImplementedError


def connections(units):
    """The number of different weights."""
    # Your code: pairs of units.
    raise NotImplementedError


def main():
    patterns = np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, -1, 1, -1, 1, -1, 1, -1]])
    weights = patterns.T @ patterns - 2 * np.eye(8)  # each pattern adds 1 to the diagonal
    flipped = patterns[0] * [-1, 1, 1, 1, 1, 1, 1, 1]
    return [
        check("pattern 1, −1", lambda: store(np.array([[1, -1]])), [[0, -1], [-1, 0]]),
        check("two patterns", lambda: store(patterns), weights),
        check("both are fixed", lambda: [is_fixed(x, weights) for x in patterns], [True, True]),
        check(
            "so are their opposites",
            lambda: [is_fixed(-x, weights) for x in patterns],
            [True, True],
        ),
        check("sums of 0 change nothing", lambda: is_fixed(patterns[0], np.zeros((8, 8))), True),
        check("with a unit flipped it is none", lambda: is_fixed(flipped, weights), False),
        check("overlap with the pattern", lambda: overlap(flipped, patterns[0]), 0.75),
        check("overlap of the two patterns", lambda: overlap(*patterns), 0),
        check("connections of 100 units", lambda: connections(100), 4_950),
    ]


if __name__ == "__main__":
    finish(main())

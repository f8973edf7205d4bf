"""Recall: a corrupted pattern finds its way back, unit by unit.

Slides: 000 «Redes de Hopfield (memoria)», 001 «zoo HN».
Recipe: hopfield.

Recall starts from an incomplete or corrupted pattern. Then the units are updated, one at a time:
each takes the sign of its weighted sum of the others, and keeps its state if that sum is 0. A pass
over all units is a sweep; recall ends when a sweep changes nothing.

An initial state nearer to another pattern, or to a pattern's opposite, converges to that one. Write
an update, a sweep, and the recall.
"""

import numpy as np

from recipes.common.exercise import check, finish


def update(state, weights, unit):
    """The new state, −1 or 1, of one unit; `state` (n,) itself is not changed."""
    # Your code: the sign of its sum; what if that is 0?
    raise NotImplementedError


def sweep(state, weights):
    """The state (n,) after each unit has been updated once, in order."""
    # Your code: copy the state, then change it; each update uses the new states of earlier units.
    raise NotImplementedError


def recall(state, weights):
    """The fixed point (n,) reached from a state, and how many sweeps changed something."""
    # Your code: sweep until nothing changes; np.array_equal.
    raise NotImplementedError


def hebbian(patterns):
    """Weights (n, n) for patterns (count, n)."""
    weights = patterns.T @ patterns
    np.fill_diagonal(weights, 0)
    return weights


def main():
    weights = np.array([[0, 2, -1], [2, 0, 0], [-1, 0, 0]])
    pair, nothing = np.array([1, -1]), np.zeros((2, 2))
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1, 1], (5, 100))
    stored = hebbian(patterns)
    corrupted = patterns[2].copy()
    corrupted[rng.permutation(100)[:10]] *= -1
    return [
        check("sum 3 of unit 0", lambda: update(np.array([-1, 1, -1]), weights, 0), 1),
        check("sum −1 of unit 2", lambda: update(np.array([1, 1, 1]), weights, 2), -1),
        check(
            "sum 0: as it was",
            lambda: [update(pair, nothing, 0), update(pair, nothing, 1)],
            [1, -1],
        ),
        # Unit 0 turns to 1 first, then unit 1 follows it.
        check("a sweep", lambda: sweep(np.array([-1, 1, -1]), weights), [1, 1, -1]),
        check(
            "each unit sees those before it",
            lambda: sweep(np.array([1, -1, 1]), weights),
            [-1, -1, 1],
        ),
        check("100 units, 10 flipped", lambda: recall(corrupted, stored)[0], patterns[2]),
        check("… in one sweep", lambda: recall(corrupted, stored)[1], 1),
        check("90 flipped: the opposite", lambda: recall(-corrupted, stored)[0], -patterns[2]),
    ]


if __name__ == "__main__":
    finish(main())

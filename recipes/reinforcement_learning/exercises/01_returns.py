"""Returns: what a reward is worth before it comes.

Slides: 001 «Aprendizaje por refuerzo».
Recipe: q_learning.

An agent acts and gets rewards r₁, r₂, … The return after step t is the sum of the future rewards,
discounted by a factor γ per step:

    G_t = r_{t+1} + γ r_{t+2} + γ² r_{t+3} + … = r_{t+1} + γ G_{t+1}.

The discount γ < 1 keeps the sum finite, makes the agent prefer short paths, and limits its horizon.
Compute returns, and choose a path by them.
"""

import numpy as np

from recipes.common.exercise import check, finish


def returns(rewards, discount):
    """The return (steps,) before each of the rewards (steps,) of an episode."""
    result = np.zeros(len(rewards))
    # Your code: from the last reward to the first.
    raise NotImplementedError


def forever(reward, discount):
    """The return of the same reward in every step, without end."""
    # Your code: a geometric series.
    raise NotImplementedError


def horizon(discount, share):
    """The number of steps after which a reward is discounted to less than this share."""
    # Your code: γᵗ < share; np.log, and whole steps.
    raise NotImplementedError


def best_path(rewards_by_path, discount):
    """The index of the path with the greatest return at its start; paths differ in length."""
    # Your code: returns(…)[0] of each.
    raise NotImplementedError


def main():
    paths = [[0, 0, 0, 0, 10], [-1, 1, 8], [4]]
    return [
        check("0, 0, 1 with γ = 0.9", lambda: returns([0, 0, 1], 0.9), [0.81, 0.9, 1]),
        check("1, 2, 3 with γ = ½", lambda: returns([1, 2, 3], 0.5), [2.75, 3.5, 3]),
        check("1, 2, 3 with γ = 1", lambda: returns([1, 2, 3], 1.0), [6, 5, 3]),
        check("1 for ever, γ = 0.9", lambda: forever(1, 0.9), 10),
        check("below 1 %, γ = 0.9", lambda: horizon(0.9, 0.01), 44),
        check("below 1 %, γ = 0.99", lambda: horizon(0.99, 0.01), 459),
        check("best path, γ = 0.95", lambda: best_path(paths, 0.95), 0),
        check("best path, γ = 0.8", lambda: best_path(paths, 0.8), 1),
        check("best path, γ = 0.5", lambda: best_path(paths, 0.5), 2),
    ]


if __name__ == "__main__":
    finish(main())

"""Energy: why recall ends, and why it may not if all units move at once.

Slides: 000 «Redes de Hopfield (1982)».
Recipe: hopfield.

The energy of a state is E = −½ Σ w_ij s_i s_j over all i and j. If unit i changes its sign, E
changes by

    ΔE = 2 s_i Σ_j w_ij s_j,

with s_i the old state, as the weights are symmetric and w_ii = 0. A unit is changed only if its sum
has the other sign: then ΔE < 0. So no state occurs twice, and with 2ⁿ states recall must end.
If all units are updated at the same time, this no longer holds. Write E and ΔE, and find a cycle of
two units.
"""

import numpy as np

from recipes.common.exercise import check, finish


def energy(state, weights):
    """E of a state (n,)."""
    # Your code: a product of vector, matrix, vector.
    return -0.5 * state @ weights @ state


def change(state, weights, unit):
    """ΔE if this unit changed its sign, without computing E."""
    # Your code: the formula above.
    return 2 * state[unit] * (weights[unit] @ state)


def all_at_once(state, weights):
    """The state (n,) after all units have been updated together; a sum of 0 counts as positive."""
    # Your code: np.where.
    return np.where(weights @ state >= 0, 1, -1)


def period(state, weights):
    """The length of the cycle that simultaneous updates reach: 1 for a fixed point."""
    seen = []
    # Your code: keep every state as a tuple in `seen`, until one is in it already.
    while tuple(state) not in seen:
        seen.append(tuple(state))
        state = all_at_once(state, weights)
    return len(seen) - seen.index(tuple(state))


def energies(state, weights, sweeps=3):
    """E after each update of one unit after the other."""
    state, values = state.copy(), [energy(state, weights)]
    for unit in list(range(len(state))) * sweeps:
        if change(state, weights, unit) < 0:
            state[unit] *= -1
        values.append(energy(state, weights))
    return np.array(values)


def main():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(20, 20))
    weights = np.tril(weights, -1) + np.tril(weights, -1).T
    state = rng.choice([-1, 1], 20)
    after = state.copy()
    after[7] *= -1
    expected = (state @ weights @ state - after @ weights @ after) / 2
    pair = np.array([[0, 1], [1, 0]])
    return [
        check("two units that agree", lambda: energy(np.array([1, 1]), pair), -1),
        check("two that do not", lambda: energy(np.array([1, -1]), pair), 1),
        check("ΔE when they come to agree", lambda: change(np.array([1, -1]), pair, 1), -2),
        check("ΔE of unit 7 of 20", lambda: change(state, weights, 7), expected),
        check(
            "one after the other: E never rises",
            lambda: bool(np.all(np.diff(energies(state, weights)) <= 1e-9)),
            True,
        ),
        check("1, −1 all at once", lambda: all_at_once(np.array([1, -1]), pair), [-1, 1]),
        check("sums of 0", lambda: all_at_once(np.array([1, -1]), 0 * pair), [1, 1]),
        check("period of 1, −1", lambda: period(np.array([1, -1]), pair), 2),
        check("period of 1, 1", lambda: period(np.array([1, 1]), pair), 1),
        # From (1, 1, −1) to (1, 1, 1), where it stays.
        check("period of 1, 1, −1", lambda: period(np.array([1, 1, -1]), 1 - np.eye(3)), 1),
    ]


if __name__ == "__main__":
    finish(main())

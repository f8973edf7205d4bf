"""Capacity: how many patterns until the first units err?

Slides: 000 «Redes de Hopfield (memoria)».
Recipe: hopfield.

Let m random patterns of n units be stored by Hebb's rule, and consider unit i of one of them. Its
weighted sum, times its correct state, is n − 1 from the pattern itself, plus noise from the others:
a sum of (n − 1)(m − 1) random signs. It is nearly normally distributed with mean 0 and standard
deviation √((n − 1)(m − 1)), so the unit is unstable with probability

    P = Φ(−√((n − 1) / (m − 1))),

where Φ is the standard normal's distribution function. At m = 0.138 n this is only 0.4 %, but each
wrong unit disturbs the others: with more patterns, recall fails. Compute P, and measure it.
"""

import numpy as np
from scipy.stats import norm

from recipes.common.exercise import check, finish


def error_probability(n, m):
    """P for m patterns of n units."""
    # Your code: norm.cdf is Φ.
    raise NotImplementedError


def measured(patterns):
    """Share of unstable units in all patterns (m, n)."""
    # Your code: Hebb's weights, the sum of each unit in each pattern, then where the signs differ.
    raise NotImplementedError


def errors_in_a_pattern(n, m):
    """The mean number of unstable units in a pattern."""
    # Your code: n units, each with probability P.
    raise NotImplementedError


def most_patterns(n, probability):
    """The largest m for which P is at most this."""
    # Your code: solve for m; norm.ppf is the inverse of Φ; int rounds down.
    raise NotImplementedError


def main():
    patterns = np.random.default_rng(0).choice([-1, 1], (400, 400))
    return [
        check("401 units, 101 patterns: Φ(−2)", lambda: error_probability(401, 101), 0.022750),
        check("1000 units, 138 patterns", lambda: error_probability(1000, 138), 0.0035, 1e-4),
        check("5 of 100: units that err", lambda: errors_in_a_pattern(100, 5), 3.3e-5, 1e-6),
        check("400 patterns of 400, measured", lambda: measured(patterns), 0.158655, 5e-3),
        check("400 of 400, computed", lambda: error_probability(400, 400), 0.158655),
        check("two patterns: none errs", lambda: measured(patterns[:2]), 0),
        # Φ(−2.326348) = 0.01
        check("P ≤ 1 %, 1000 units", lambda: most_patterns(1000, 0.01), 185),
    ]


if __name__ == "__main__":
    finish(main())

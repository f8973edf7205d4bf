"""Autonomy: what "drives by itself" means in numbers.

Slides: 000 «DAVE-2 (NVIDIA 2016)», 003 «Vehículos autónomos».
Recipe: pilotnet.

The slide says that the car drives fully autonomously. The paper has a measure for it: each time
that a human takes over counts as six seconds, the time it takes to bring the car back and start
again, and

    autonomy = 1 − interventions · 6 s / time driven.

With it the authors report 98 % for a typical drive. How often does somebody have to reach for the
wheel, then? And how long must one drive without any intervention to be able to say so of a car?
"""

import numpy as np

from recipes.common.exercise import check, finish

INTERVENTION = 6.0  # seconds


def autonomy(interventions, seconds):
    """From 0 to 1."""
    # Your code: the formula.
    return 1 - interventions * INTERVENTION / seconds


def interventions_per_hour(share):
    """How many there are at this autonomy."""
    # Your code: solve the formula for them.
    return (1 - share) * 3600 / INTERVENTION


def takeovers(offsets, limit):
    """How often a human takes over, given the distances (steps,) from the middle of the lane.

    A take-over begins when the distance, to either side, gets beyond the limit; it is one take-over
    for as long as it stays there.
    """
    # Your code: np.abs; count where it is beyond the limit and was not the step before.
    beyond = np.abs(offsets) > limit
    begins = beyond[1:] & ~beyond[:-1]
    return int(beyond[0]) + np.count_nonzero(begins)


def hours_without(rate, confidence):
    """Hours without an intervention that show, at this confidence, fewer than `rate` an hour.

    If interventions happen at random, `rate` per hour, none come in t hours with the probability
    e^(−rate · t); `confidence` is 1 minus that.
    """
    # Your code: solve 1 − e^(−rate · t) = confidence for t.
    return -np.log(1 - confidence) / rate


def main():
    offsets = np.array([0.1, 0.9, 1.2, 1.4, 0.3, -1.1, -0.2, 1.0, 0.5])
    return [
        check("10 interventions in 10 minutes", lambda: autonomy(10, 600), 0.9),
        check("none", lambda: autonomy(0, 600), 1),
        check("at 98 %, per hour", lambda: interventions_per_hour(0.98), 12),
        check("at 99.9 %, per hour", lambda: interventions_per_hour(0.999), 0.6),
        check("take-overs beyond 1 m", lambda: takeovers(offsets, 1.0), 2),
        check("one of them in the first step", lambda: takeovers(offsets[3:], 1.0), 2),
        # The rule of three: −ln 0.05 ≈ 3.
        check("hours for 95 %, one an hour", lambda: hours_without(1.0, 0.95), 2.995732),
        check(
            "hours for 95 %, one in 1000 hours",
            lambda: hours_without(0.001, 0.95),
            2995.732274,
            1e-3,
        ),
    ]


if __name__ == "__main__":
    finish(main())

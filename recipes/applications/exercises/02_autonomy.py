"""Autonomy: what "drives by itself" means in numbers.

Slides: 000 «DAVE-2 (NVIDIA 2016)», 003 «Vehículos autónomos».
Recipe: pilotnet.

The slide says that the car drives fully autonomously. The paper has a measure for it: each human
intervention counts as six seconds, the time to bring the car back and start again, and

    autonomy = 1 − interventions · 6 s / time driven.

By this measure the authors report 98 % for a typical drive. How many interventions per hour is
that? And how long must a car drive without intervention to support a claim about its rate?
"""

import numpy as np

from recipes.common.exercise import check, finish

INTERVENTION = 6.0  # seconds


def autonomy(interventions, seconds):
    """From 0 to 1."""
    # Your code: the formula.
    raise NotImplementedError


def interventions_per_hour(share):
    """The number of interventions per hour at this autonomy."""
    # Your code: solve the formula for them.
    raise NotImplementedError


def takeovers(offsets, limit):
    """The number of take-overs, given the distances (steps,) from the center of the lane.

    A take-over begins when the distance, to either side, exceeds the limit, and lasts as long as it
    does.
    """
    # Your code: np.abs; count where it is beyond the limit and was not the step before.
    raise NotImplementedError


def hours_without(rate, confidence):
    """Hours without an intervention that show, at this confidence, fewer than `rate` per hour.

    If interventions happen at random, `rate` per hour, the probability of none in t hours is
    e^(−rate · t); `confidence` is 1 minus that.
    """
    # Your code: solve 1 − e^(−rate · t) = confidence for t.
    raise NotImplementedError


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

"""Dropout: mask, scaling, and the ensemble of all thinned networks.

Slides: 001 «Dropout (Hinton 2012)», 001 «¿Cuántas neuronas desactivar?», 001 «Dropout fig. (a)(b)».
Recipe: dropout.

In training each unit is set to 0 with probability p, the rate. The other units are divided by
1 − p, so that the mean input of the next layer is the same as without dropout, and no scaling is
needed at inference.

A layer of n units has 2ⁿ thinned networks. For a linear output their mean, weighted with their
probabilities, is the output of the whole network: verify this for all masks of four units. For a
nonlinear network it is only an approximation.
"""

import itertools

import numpy as np

from recipes.common.exercise import check, finish

UNITS = np.array([3.0, -1.0, 2.0, 0.5])
WEIGHTS = np.array([1.0, 2.0, -0.5, 4.0])


def dropout(x, kept, rate):
    """Activations (units,) in training, from those without dropout and a mask of zeros and ones."""
    # Your code: drop units, and scale the others.
    return x * kept / (1 - rate)


def mean_kept(units, rate):
    """The mean number of units of a layer that are kept."""
    # Your code: each is kept with probability 1 − p.
    return units * (1 - rate)


def probability(kept, rate):
    """The probability of a mask (units,) of zeros and ones."""
    # Your code: a factor 1 − p for each unit that is kept, p for each other.
    ones = np.sum(kept)
    return (1 - rate) ** ones * rate ** (len(kept) - ones)


def ensemble(x, rate, network):
    """The mean output of all thinned networks, weighted with their probabilities."""
    total = 0.0
    for mask in itertools.product([0, 1], repeat=len(x)):
        kept = np.array(mask)
        total += probability(kept, rate) * network(dropout(x, kept, rate))
    return total


def linear(x):
    return WEIGHTS @ x


def main():
    return [
        check("rate ½", lambda: dropout(UNITS, np.array([1, 0, 0, 1]), 0.5), [6, 0, 0, 1]),
        check(
            "rate 0.2", lambda: dropout(UNITS, np.array([1, 1, 1, 0]), 0.2), [3.75, -1.25, 2.5, 0]
        ),
        # The example of deck 001 has layers of 64 and 32 units and a rate of 0.9.
        check("of 64 units, rate 0.9", lambda: mean_kept(64, 0.9), 6.4),
        check("of 32 units, rate 0.9", lambda: mean_kept(32, 0.9), 3.2),
        check("probability of 1 0 0 1", lambda: probability(np.array([1, 0, 0, 1]), 0.9), 0.0081),
        check("mean of the linear ensemble", lambda: ensemble(UNITS, 0.9, linear), WEIGHTS @ UNITS),
        check("the same at rate 0.3", lambda: ensemble(UNITS, 0.3, linear), WEIGHTS @ UNITS),
    ]


if __name__ == "__main__":
    finish(main())

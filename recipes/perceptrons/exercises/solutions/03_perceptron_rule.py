"""Rosenblatt's rule: learn AND, and bound the number of mistakes.

Slides: 000 «El perceptrón (1957)».
Recipe: perceptron_rule.

The rule changes nothing after a correct output. After a mistake it adds the input to the weights if
the neuron should have fired, or subtracts it; the bias is the weight of an input that is always 1:

    w ← w + (d − y) x,    b ← b + (d − y),    with the label d and the output y, both 0 or 1.

Novikoff (1962): if some w, b separate the classes, it makes at most (R/γ)² mistakes, with R the
largest norm of an input and γ the least distance of an input from that separation, both with the 1
as a further coordinate. Write the rule, learn AND with it, and compute the bound.
"""

import numpy as np

from recipes.common.exercise import check, finish

PAIRS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
AND = np.array([0, 0, 0, 1])


def fires(x, weights, bias):
    """Output, 0 or 1, for one input (d,)."""
    return int(np.dot(weights, x) + bias >= 0)


def update(weights, bias, x, label):
    """Weights (d,) and bias after the update for one input (d,) and its label."""
    # Your code: the two equations above; `fires` gives y.
    mistake = label - fires(x, weights, bias)
    return weights + mistake * x, bias + mistake


def train(inputs, labels):
    """Weights (d,), bias and number of mistakes, from zeros to the first pass without mistakes."""
    weights, bias, mistakes = np.zeros(inputs.shape[1]), 0, 0
    # Your code: repeat passes over the inputs, in their order, until there is no mistake.
    finished = False
    while not finished:
        finished = True
        for x, label in zip(inputs, labels, strict=True):
            if fires(x, weights, bias) != label:
                weights, bias = update(weights, bias, x, label)
                mistakes += 1
                finished = False
    return weights, bias, mistakes


def bound(inputs, labels, weights, bias):
    """Novikoff's (R/γ)² for a separation by weights (d,) and bias."""
    x = np.c_[inputs, np.ones(len(inputs))]  # (n, d + 1)
    w = np.append(weights, bias)  # (d + 1,)
    # Your code: R = max ‖x‖, γ = min ±(x·w)/‖w‖, with + where the label is 1 and − where it is 0.
    sign = 2 * labels - 1
    radius = np.linalg.norm(x, axis=1).max()
    gamma = (sign * (x @ w)).min() / np.linalg.norm(w)
    return (radius / gamma) ** 2


def main():
    weights, x = np.array([1.0, -1.0]), np.array([2.0, 1.0])
    return [
        # z = 2 − 1 = 1: the neuron fires.
        check("right answer: as before", lambda: update(weights, 0.0, x, 1)[0], [1, -1]),
        check("mistake: new weights", lambda: update(weights, 0.0, x, 0)[0], [-1, -2]),
        check("mistake: new bias", lambda: update(weights, 0.0, x, 0)[1], -1),
        # By hand: (w₁, w₂, b) goes from (0, 0, 0) to (2, 1, −3) in eleven corrections.
        check(
            "AND learned: weights and bias", lambda: np.append(*train(PAIRS, AND)[:2]), [2, 1, -3]
        ),
        check("mistakes until then", lambda: train(PAIRS, AND)[2], 11),
        # R² = 3 and γ = ½ / √4.25.
        check("bound for w = (1, 1), b = −1.5", lambda: bound(PAIRS, AND, [1, 1], -1.5), 51),
    ]


if __name__ == "__main__":
    finish(main())

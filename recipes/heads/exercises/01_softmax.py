"""Softmax: probabilities without overflow, at any temperature.

Slides: 001 «Softmax», 001 «Softmax (exagera la salida)», 001 «Museum of Bad Art CNN».
Recipe: head_multiclass.

softmax(x)ᵢ = exp(xᵢ) / Σⱼ exp(xⱼ) turns any scores into probabilities and exaggerates the largest.
Adding the same number to all scores changes nothing. This avoids overflow: exp(1000) is infinite
for a computer, but the largest score may be subtracted first.

Dividing the scores by a temperature T first sharpens the probabilities for T < 1 and flattens them
for T > 1. With two classes softmax is a sigmoid, so one sigmoid unit is equivalent to two units.
Write softmax, with and without temperature, and find the equivalent single score of two units.
"""

import numpy as np

from recipes.common.exercise import check, finish


def softmax(scores):
    """Probabilities (…, classes) of scores (…, classes), however large."""
    # Your code: subtract the largest score of each row (keepdims=True), then the formula.
    raise NotImplementedError


def softmax_at(scores, temperature):
    """Probabilities of scores at a temperature T > 0."""
    # Your code: softmax of the scores divided by T.
    raise NotImplementedError


def sigmoid_score(scores):
    """The one score z (n,) whose sigmoid is the second of two softmax probabilities (n, 2)."""
    # Your code: compare exp(x₂) / (exp(x₁) + exp(x₂)) with 1 / (1 + exp(−z)).
    raise NotImplementedError


def main():
    scores = [1, 2, 3]
    return [
        check("scores 1, 2, 3", lambda: softmax(scores), [0.09003, 0.24473, 0.66524], 1e-5),
        check("scores 1001, 1002, 1003", lambda: softmax([1001, 1002, 1003])[2], 0.66524, 1e-5),
        check("scores 0, 1000", lambda: softmax([0, 1000]), [0, 1]),
        check("each row sums to 1", lambda: softmax([[0, 5, 1], [9, 9, 9]]).sum(axis=-1), [1, 1]),
        check("a single unit", lambda: softmax([[7.0]]), [[1]]),
        check("T = 0.01: the largest", lambda: softmax_at(scores, 0.01), [0, 0, 1]),
        check("T = 10⁶: all alike", lambda: softmax_at(scores, 1e6), [1 / 3] * 3),
        # exp(1.5 / 0.5) = e³ to 1.
        check("T = ½ of scores 0, 1.5", lambda: softmax_at([0, 1.5], 0.5)[1], 0.952574),
        check("two units as one", lambda: sigmoid_score([[0, 2], [3, 1]]), [2, -2]),
    ]


if __name__ == "__main__":
    finish(main())

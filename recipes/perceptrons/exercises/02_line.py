"""The line of a neuron: from its weights, back to them, and distances.

Slides: 003 «Perceptrón: 2 dimensiones».
Recipe: perceptron_rule.

With two inputs a perceptron computes y = f(s), s = w₁ x₁ + w₂ x₂ + b, where f(s) = 1 if s > 0 and
−1 otherwise. The points with s = 0 are a straight line, x₂ = −(w₁/w₂) x₁ − b/w₂: the weights
determine its slope, and the bias shifts it in parallel. The vector (w₁, w₂) is perpendicular to it
and points to the side where y = 1, and s / ‖w‖ is a point's distance from it, negative on the other
side.

Compute the line from the weights, the weights from the line, and distances.
"""

import numpy as np

from recipes.common.exercise import check, finish


def line(weights, bias):
    """Slope and intercept of the line s = 0 of a neuron with weights (w₁, w₂), w₂ ≠ 0."""
    # Your code: return the slope and the value of x₂ at x₁ = 0.
    raise NotImplementedError


def neuron_above(slope, intercept):
    """Weights [w₁, w₂] and bias of a neuron with y = 1 above x₂ = slope · x₁ + intercept."""
    # Your code: return [w₁, w₂], b, such that s > 0 is the same as x₂ > slope · x₁ + intercept.
    raise NotImplementedError


def distance(points, weights, bias):
    """Signed distances (n,) of the points (n, 2) from the line s = 0: positive where y = 1."""
    # Your code: s / ‖w‖; np.linalg.norm is the norm of a vector.
    raise NotImplementedError


def signs(points, weights, bias):
    """Outputs (n,) of the neuron for points (n, 2), as on the slide: 1 if s > 0, else −1."""
    s = np.asarray(points) @ np.asarray(weights) + bias
    return np.where(s > 0, 1, -1)


def main():
    above_and_below = [[0, 0], [0, -2], [3, 5.5], [3, 4.5]]
    on_the_line = [[0, -1], [3, 5]]
    return [
        check("line of w = (3, 4), b = −2", lambda: line([3, 4], -2), [-0.75, 0.5]),
        check("the same, b = −6: parallel", lambda: line([3, 4], -6), [-0.75, 1.5]),
        check(
            "neuron above x₂ = 2 x₁ − 1",
            lambda: signs(above_and_below, *neuron_above(2, -1)),
            [1, -1, 1, -1],
        ),
        check(
            "and s = 0 on that line",
            lambda: np.dot(on_the_line, neuron_above(2, -1)[0]) + neuron_above(2, -1)[1],
            [0, 0],
        ),
        check(
            "distances from 3 x₁ + 4 x₂ = 10",
            lambda: distance([[0, 0], [2, 1], [5, 5]], [3, 4], -10),
            [-2, 0, 5],
        ),
    ]


if __name__ == "__main__":
    finish(main())

"""Backpropagation through a hidden layer, and what a slide leaves out.

Slides: 003 «Backpropagation», 003 «Backpropagation: regla de la cadena».
Recipe: backprop_by_hand.

A layer of tanh units and one linear output: s = W x + b, h = tanh(s), y = v·h + c, with the error
E = ½ (y − d)². Backpropagation starts with δ = ∂E/∂y at the output and propagates it from layer to
layer by the chain rule; a weight's gradient is the δ of its unit times the weight's input.

The slide prints δⱼ = Σᵢ wᵢⱼ δᵢ for a hidden unit. That is ∂E/∂hⱼ; the gradients of the weights
below require ∂E/∂sⱼ, and for a nonlinear unit these differ by a factor. Find it: your gradients are
compared with finite differences.
"""

import numpy as np

from recipes.common.exercise import check, finish


def chain(x, y, z):
    """The value of f = (x + y) z and its three derivatives."""
    # Your code: with q = x + y, ∂f/∂x = ∂f/∂q · ∂q/∂x; return f, ∂f/∂x, ∂f/∂y, ∂f/∂z.
    raise NotImplementedError


def forward(x, W, b, v, c):
    """Hidden outputs h (units,) and the output y for an input (d,), W (units, d), v (units,)."""
    h = np.tanh(W @ x + b)
    return h, v @ h + c


def output_delta(y, d):
    """δ = ∂E/∂y of the output unit."""
    # Your code: the derivative of E = ½ (y − d)² with respect to y.
    raise NotImplementedError


def hidden_deltas(h, v, delta):
    """δ (units,) = ∂E/∂s of the hidden units, from their outputs h (units,) and the output's δ."""
    # Your code: what the slide prints times the derivative of tanh, which is 1 − h².
    raise NotImplementedError


def gradients(x, W, b, v, c, d):
    """∂E/∂W (units, d), ∂E/∂b (units,), ∂E/∂v (units,) and ∂E/∂c."""
    h, y = forward(x, W, b, v, c)
    # Your code: each weight's δ times its input; np.outer makes a matrix of two vectors.
    raise NotImplementedError


def finite_differences(weight, error, step=1e-5):
    """The same gradient by central differences, (E(w + step) − E(w − step)) / 2 step."""
    gradient = np.zeros_like(weight)
    for index in np.ndindex(weight.shape):
        value = weight[index]
        weight[index] = value + step
        above = error()
        weight[index] = value - step
        gradient[index] = (above - error()) / (2 * step)
        weight[index] = value
    return gradient


def main():
    rng = np.random.default_rng(0)
    x, W, b, v = rng.normal(size=3), rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=4)
    c, d = np.array(0.5), 1.0

    def error():
        return 0.5 * (forward(x, W, b, v, c)[1] - d) ** 2

    numbers = [finite_differences(weight, error) for weight in (W, b, v, c)]
    return [
        check("(x + y) z at −2, 5, −4", lambda: chain(-2, 5, -4), [-12, -4, -4, 3]),
        check("δ of the output for y = 3, d = 1", lambda: output_delta(3.0, 1.0), 2),
        check(
            "δ of hidden units with h = 0 and ½",
            lambda: hidden_deltas(np.array([0, 0.5]), np.array([2.0, 2.0]), 1.0),
            [2, 1.5],
        ),
        check("∂E/∂W", lambda: gradients(x, W, b, v, c, d)[0], numbers[0]),
        check("∂E/∂b", lambda: gradients(x, W, b, v, c, d)[1], numbers[1]),
        check("∂E/∂v", lambda: gradients(x, W, b, v, c, d)[2], numbers[2]),
        check("∂E/∂c", lambda: gradients(x, W, b, v, c, d)[3], numbers[3]),
    ]


if __name__ == "__main__":
    finish(main())

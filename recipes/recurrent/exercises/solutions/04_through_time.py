"""Backpropagation through time: a shared weight, decay and clipping.

Slides: 002 «RNN – BPTT», 002 «Limitaciones: explosión de gradientes → truncado».
Recipe: rnn_by_hand.

For h_t = tanh(W h_{t−1} + x_t) and an error at the last step, the gradient propagates back:

    δ_t = ∂E/∂s_t = (1 − h_t²) ∘ ∂E/∂h_t,    ∂E/∂h_{t−1} = Wᵀ δ_t,

with s_t the argument of tanh. As W is used at every step, its gradient is a sum over the steps,
Σ_t δ_t h_{t−1}ᵀ. Each step contributes a factor: gradients vanish if it is below 1, and explode if
it is above 1. Clipping limits a gradient's norm without changing its direction. Write the backward
pass and the clipping, and find how soon a gradient vanishes.
"""

import numpy as np

from recipes.common.exercise import check, finish


def forward(xs, W):
    """States (steps + 1, units), the first of them zeros, for inputs (steps, units)."""
    states = [np.zeros(len(W))]
    for x in xs:
        states.append(np.tanh(W @ states[-1] + x))
    return np.array(states)


def gradient(xs, W, target):
    """∂E/∂W (units, units) of E = ½ ‖h_T − target‖²."""
    states = forward(xs, W)
    total = np.zeros_like(W)
    slope = states[-1] - target  # ∂E/∂h_T
    # Your code: from the last step to the first: δ, its term of the sum, the slope one step back.
    for t in range(len(xs), 0, -1):
        delta = (1 - states[t] ** 2) * slope
        total += np.outer(delta, states[t - 1])
        slope = W.T @ delta
    return total


def clip(vector, longest):
    """The vector (n,), scaled to norm `longest` if its norm is larger."""
    # Your code: np.linalg.norm.
    length = np.linalg.norm(vector)
    if length <= longest:
        return vector
    return vector * longest / length


def steps_until(factor, share):
    """Number of steps, each a multiplication by `factor` < 1, until a gradient is below `share`."""
    # Your code: logarithms, np.ceil.
    return np.ceil(np.log(share) / np.log(factor))


def by_differences(xs, W, target, step=1e-5):
    """The same gradient by finite differences."""
    result = np.zeros_like(W)
    for index in np.ndindex(W.shape):
        change = np.zeros_like(W)
        change[index] = step
        above = np.sum((forward(xs, W + change)[-1] - target) ** 2) / 2
        below = np.sum((forward(xs, W - change)[-1] - target) ** 2) / 2
        result[index] = (above - below) / (2 * step)
    return result


def main():
    rng = np.random.default_rng(0)
    xs, W, target = rng.normal(size=(6, 3)), rng.normal(size=(3, 3)), np.ones(3)
    return [
        check("six steps", lambda: gradient(xs, W, target), by_differences(xs, W, target)),
        check("two steps", lambda: gradient(xs[:2], W, target), by_differences(xs[:2], W, target)),
        check("one step: h_0 = 0", lambda: gradient(xs[:1], W, target), np.zeros((3, 3))),
        check("(30, 40) cut to 5", lambda: clip(np.array([30.0, 40.0]), 5), [3, 4]),
        check("(0.3, 0.4) is short enough", lambda: clip(np.array([0.3, 0.4]), 5), [0.3, 0.4]),
        check("factor 0.9, below a millionth", lambda: steps_until(0.9, 1e-6), 132),
        # The greatest slope of a sigmoid.
        check("factor ¼, below a millionth", lambda: steps_until(0.25, 1e-6), 10),
    ]


if __name__ == "__main__":
    finish(main())

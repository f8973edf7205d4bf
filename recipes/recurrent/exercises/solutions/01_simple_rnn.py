"""A simple RNN, step by step: the same weights at every step.

Slides: 002 «Redes neuronales recurrentes (RNN): relación de recurrencia», 002 «RNN – desplegado».
Recipes: rnn_by_hand, irnn.

The state of a recurrent network is a function of the input and of the previous state:

    h_t = tanh(W_hhᵀ h_{t−1} + W_xhᵀ x_t),   h_0 = 0,

in the slides' notation and without biases. However long the sequence, there are only these two
matrices. With W_hh = I and ReLU instead of tanh, the state does not change while inputs are 0: this
is the initialization that the slides recommend. Write a step, a whole sequence, and the step with
ReLU.
"""

import keras
import numpy as np

from recipes.common.exercise import check, finish


def step(x, h, W_xh, W_hh):
    """State (units,) after one more input (features,), from the previous state (units,)."""
    # Your code: the formula; W_xh is (features, units), W_hh (units, units).
    return np.tanh(W_hh.T @ h + W_xh.T @ x)


def unroll(sequence, W_xh, W_hh):
    """All states (steps, units) for a sequence (steps, features)."""
    # Your code: start at zeros, call `step` for each input, keep every state.
    h = np.zeros(len(W_hh))
    states = []
    for x in sequence:
        h = step(x, h, W_xh, W_hh)
        states.append(h)
    return np.array(states)


def parameters(features, units, bias=True):
    """Number of weights, and of biases if there are any."""
    # Your code: how large are W_xh, W_hh and one bias for each unit?
    return features * units + units * units + bias * units


def relu_step(x, h, W_xh, W_hh):
    """The same step with ReLU instead of tanh."""
    # Your code: np.maximum.
    return np.maximum(W_hh.T @ h + W_xh.T @ x, 0)


def main():
    rng = np.random.default_rng(0)
    W_xh = rng.normal(size=(3, 4)).astype("float32")
    W_hh = rng.normal(size=(4, 4)).astype("float32")
    sequence = rng.normal(size=(5, 3)).astype("float32")
    layer = keras.layers.SimpleRNN(4, use_bias=False, return_sequences=True)
    layer.build((None, None, 3))
    layer.set_weights([W_xh, W_hh])
    states = keras.ops.convert_to_numpy(layer(sequence[None]))[0]
    h = np.array([0.5, 0.0, 2.0])
    return [
        # W_hh has 1 and −1 beside its diagonal: transposed or not makes a difference.
        check(
            "x = 0, h = (1, 2)",
            lambda: step(
                np.zeros(1), np.array([1, 2]), np.ones((1, 2)), np.array([[0, 1], [-1, 0]])
            ),
            np.tanh([-2, 1]),
        ),
        check("five steps, as in Keras", lambda: unroll(sequence, W_xh, W_hh), states, 1e-5),
        check("32 inputs, 64 units", lambda: parameters(32, 64), 6_208),
        check("… without biases", lambda: parameters(32, 64, bias=False), 6_144),
        check(
            "ReLU, W_hh = I, nothing comes in",
            lambda: relu_step(np.zeros(2), h, np.ones((2, 3)), np.eye(3)),
            h,
        ),
        check(
            "ReLU, W_hh = I, −1 comes in",
            lambda: relu_step(np.array([-1.0]), h, np.ones((1, 3)), np.eye(3)),
            [0, 0, 1],
        ),
    ]


if __name__ == "__main__":
    finish(main())

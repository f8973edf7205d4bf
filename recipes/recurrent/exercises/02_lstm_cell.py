"""An LSTM cell: forget, store, update, put out; and how long it remembers.

Slides: 002 «LSTM (olvido, almacenamiento, actualización, salida)», 001 «Redes LSTM».
Recipe: lstm.

An LSTM has a cell state c besides its output h. With z = W x + U h + b for each of four maps,

    i = σ(z_i), f = σ(z_f), g = tanh(z_g), o = σ(z_o),
    c ← f ∘ c + i ∘ g,    h ← o ∘ tanh(c).

Keras concatenates the four in one kernel (features, 4 · units), in the order i, f, g, o. The slide
says that gates mean fewer parameters: compare their number with that of a simple RNN.

A value stored T steps ago has been multiplied by the forget gate T times: to keep most of it, the
gate has to be very near to 1, which is why its bias starts above 0. Write a step, count, and find
the bias for a given memory.
"""

import keras
import numpy as np

from recipes.common.exercise import check, finish


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_step(x, h, c, W, U, b):
    """New h and c (units,), from x (features,), W (features, 4 units), U (units, 4 units), b."""
    # Your code: z = x W + h U + b, np.split(z, 4), then the equations; return h, c.
    raise NotImplementedError


def parameters(features, units):
    """Weights and biases of an LSTM."""
    # Your code: four maps, each of a simple RNN's size.
    raise NotImplementedError


def forget_bias(share, steps):
    """Bias of the forget gate, if z_f is only the bias, that keeps `share` of c for `steps`."""
    # Your code: solve fᵀ = share for f, with T = steps, then σ(bias) = f for the bias.
    raise NotImplementedError


def run(sequence, W, U, b):
    """The last h (units,) for a sequence (steps, features)."""
    h = c = np.zeros(len(U))
    for x in sequence:
        h, c = lstm_step(x, h, c, W, U, b)
    return h


def main():
    rng = np.random.default_rng(0)
    W, U = rng.normal(size=(3, 16)), rng.normal(size=(4, 16))
    b, sequence = rng.normal(size=16), rng.normal(size=(6, 3))
    layer = keras.layers.LSTM(4)
    layer.build((None, None, 3))
    layer.set_weights([W, U, b])
    last = keras.ops.convert_to_numpy(layer(sequence[None].astype("float32")))[0]
    # z_i = −20, z_f = 20: the cell keeps its value, and nothing is added.
    shut = np.array([-20.0, 20.0, 5.0, 20.0])
    nothing = np.zeros((1, 4))
    return [
        check("six steps, as in Keras", lambda: run(sequence, W, U, b), last, 1e-5),
        check(
            "input gate shut: c stays",
            lambda: lstm_step(np.ones(1), np.ones(1), np.array([0.7]), nothing, nothing, shut)[1],
            [0.7],
        ),
        check("parameters, 32 inputs, 64 units", lambda: parameters(32, 64), 24_832),
        check("… as often as a simple RNN's", lambda: parameters(32, 64) / 6_208, 4),
        check("bias that keeps half for 1 step", lambda: forget_bias(0.5, 1), 0),
        check("bias that keeps 90 % for 100 steps", lambda: forget_bias(0.9, 100), 6.855011),
    ]


if __name__ == "__main__":
    finish(main())

"""Whose equations do the slides print under LSTM?

Slides: 001 «Redes LSTM: ecuaciones z, r, h̃, h».
Recipe: gru.

Under the heading LSTM a slide prints these equations, where [h, x] is the concatenation of h and x:

    z = σ(W_z [h, x]),   r = σ(W_r [h, x]),   h̃ = tanh(W [r ∘ h, x]),   h ← (1 − z) ∘ h + z ∘ h̃

There is no cell state, and there are three maps instead of four. Compute them, and name the layer.
Keras' layer has z and 1 − z the other way round: it computes h ← z ∘ h + (1 − z) ∘ h̃. Since
1 − σ(a) = σ(−a), the same network needs other weights there, of which only some change.
"""

import keras
import numpy as np

from recipes.common.exercise import check, finish


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def slide_step(x, h, W_z, W_r, W):
    """New state (units,) by the slide's equations; all matrices are (units, units + features)."""
    # Your code: np.concatenate makes [h, x].
    both = np.concatenate([h, x])
    z = sigmoid(W_z @ both)
    r = sigmoid(W_r @ both)
    candidate = np.tanh(W @ np.concatenate([r * h, x]))
    return (1 - z) * h + z * candidate


def layer_name():
    """The name of the Keras layer that has these equations: "SimpleRNN", "LSTM" or "GRU"."""
    # Your code: return one of the three.
    return "GRU"


def for_keras(W_z, W_r, W):
    """The three matrices with which Keras' layer computes the same."""
    # Your code: change signs where necessary; return all three.
    return -W_z, W_r, W


def parameters(features, units):
    """Weights of the three matrices; there are no biases."""
    # Your code: see their shapes above.
    return 3 * units * (units + features)


def with_keras(sequence, matrices):
    """The last state (units,) of Keras' layer, whose kernels are transposed and concatenated."""
    units = len(matrices[0])
    layer = keras.layers.GRU(units, use_bias=False, reset_after=False)
    layer.build((None, None, sequence.shape[1]))
    recurrent_kernel = np.concatenate([matrix[:, :units].T for matrix in matrices], axis=1)
    kernel = np.concatenate([matrix[:, units:].T for matrix in matrices], axis=1)
    layer.set_weights([kernel, recurrent_kernel])
    return keras.ops.convert_to_numpy(layer(sequence[None].astype("float32")))[0]


def by_the_slide(sequence, matrices):
    """The last state (units,) by the slide's equations."""
    h = np.zeros(len(matrices[0]))
    for x in sequence:
        h = slide_step(x, h, *matrices)
    return h


def main():
    rng = np.random.default_rng(0)
    matrices = rng.normal(size=(3, 4, 7))
    sequence = rng.normal(size=(5, 3))
    negated = [-matrices[0], matrices[1], matrices[2]]
    h, zeros = np.array([0.5, -1.0]), np.zeros((2, 3))
    return [
        # z = ½, h̃ = 0
        check(
            "all weights 0", lambda: slide_step(np.ones(1), h, zeros, zeros, zeros), [0.25, -0.5]
        ),
        check("which layer", layer_name, "GRU"),
        check(
            "five steps, against Keras",
            lambda: by_the_slide(sequence, matrices),
            with_keras(sequence, negated),
            tolerance=1e-5,
        ),
        check("weights for Keras", lambda: for_keras(*matrices), negated),
        check("32 inputs, 64 units", lambda: parameters(32, 64), 18_432),
    ]


if __name__ == "__main__":
    finish(main())

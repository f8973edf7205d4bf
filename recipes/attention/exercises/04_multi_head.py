"""Multi-head attention: split, attend, join, as Keras' layer does it.

Slides: 002 «Multi-Head Attention», 001 «query, key, value con W^q, W^k, W^v».
Recipe: attention_by_hand.

Each head has its own queries, keys and values, of d / heads numbers each: linear maps of the
inputs. In practice one matrix computes them for all heads at once, and its result (steps, d) is
split into heads: (heads, steps, d / heads). Each head computes attention separately; the results
are concatenated and multiplied by a last matrix. More heads therefore cost nothing: the matrices
have the same sizes. Write the split, the join, and the attention between them.
"""

import keras
import numpy as np

from recipes.common.exercise import check, finish


def softmax(scores):
    """Probabilities (…, n) of scores (…, n)."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def split(x, heads):
    """(steps, d) as (heads, steps, d / heads): the first head gets the first numbers."""
    # Your code: reshape to (steps, heads, d / heads), np.swapaxes.
    raise NotImplementedError


def join(x):
    """(heads, steps, size) as (steps, heads · size), the reverse."""
    # Your code: swap first, then reshape.
    raise NotImplementedError


def multi_head(x, W_q, W_k, W_v, W_o, heads):
    """Self-attention (steps, d) of x (steps, d); all matrices are (d, d)."""
    q, k, v = split(x @ W_q, heads), split(x @ W_k, heads), split(x @ W_v, heads)
    # Your code: softmax(q kᵀ / √size) v in all heads at once (@ takes the last axes), join, W_o.
    raise NotImplementedError


def parameters(d, heads):
    """Weights and biases of the four maps, each with a bias."""
    # Your code: does it depend on the number of heads?
    raise NotImplementedError


def with_keras(x, matrices, heads):
    """The same from keras.layers.MultiHeadAttention."""
    d = x.shape[1]
    layer = keras.layers.MultiHeadAttention(heads, d // heads, use_bias=False)
    layer.build((None, None, d), (None, None, d))
    W_q, W_k, W_v, W_o = matrices
    kernels = [W.reshape(d, heads, d // heads) for W in (W_q, W_k, W_v)]
    layer.set_weights([*kernels, W_o.reshape(heads, d // heads, d)])
    x = x[None].astype("float32")
    return keras.ops.convert_to_numpy(layer(x, x))[0]


def main():
    rng = np.random.default_rng(0)
    x, matrices = rng.normal(size=(5, 6)), rng.normal(size=(4, 6, 6))
    rows = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
    halves = [[[1, 2], [5, 6]], [[3, 4], [7, 8]]]
    return [
        check("two steps, two heads", lambda: split(rows, 2), halves),
        check("and back", lambda: join(np.array(halves)), rows),
        check(
            "2 heads, as in Keras",
            lambda: multi_head(x, *matrices, 2),
            with_keras(x, matrices, 2),
            1e-4,
        ),
        check(
            "3 heads, as in Keras",
            lambda: multi_head(x, *matrices, 3),
            with_keras(x, matrices, 3),
            1e-4,
        ),
        # The layer of the paper.
        check("parameters, d = 512, 8 heads", lambda: parameters(512, 8), 1_050_624),
        check("… with 16 heads", lambda: parameters(512, 16), 1_050_624),
    ]


if __name__ == "__main__":
    finish(main())

"""Scaled dot-product attention: the slide's two words, and any number.

Slides: 001 «Attention Layers: tabla Thinking / Machines», 002 «Paso 4: softmax(QKᵀ/√d_k)V = Z».
Recipe: attention_by_hand.

The query of each word is compared with the keys of all words. The query of "Thinking" has the dot
products 112 and 96 with the keys of "Thinking" and "Machines". Divided by √d_k = 8 they are 14 and
12, and softmax turns them into weights; z is the weighted sum of the values. For all words at once:
Z = softmax(Q Kᵀ / √d_k) V.

Another slide calls the similarity a cosine. The formula has the dot product, which favors longer
keys. Write weights and outputs, and both similarities.
"""

import keras
import numpy as np

from recipes.common.exercise import check, finish


def softmax(scores):
    """Probabilities (…, n) of scores (…, n)."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def weights(Q, K):
    """Attention weights (queries, keys) for Q (queries, d_k) and K (keys, d_k)."""
    # Your code: softmax(Q Kᵀ / √d_k); where does d_k stand?
    return softmax(Q @ K.T / np.sqrt(Q.shape[1]))


def attention(Q, K, V):
    """Outputs Z (queries, d_v) for values V (keys, d_v)."""
    # Your code: the weighted sum of the values, for all queries at once.
    return weights(Q, K) @ V


def nearest(query, K, cosine):
    """The index of the key most similar to the query (d_k,), by cosine or by dot product."""
    # Your code: a cosine is the dot product divided by both lengths; np.linalg.norm(K, axis=1).
    similarities = K @ query
    if cosine:
        similarities = similarities / np.linalg.norm(K, axis=1)
    return np.argmax(similarities)


def main():
    # With 64 numbers each: dot products of 112 and 96.
    query = np.full((1, 64), 1.0)
    keys = np.stack([np.full(64, 112 / 64), np.full(64, 96 / 64)])
    values = np.array([[1.0, 0.0], [0.0, 1.0]])
    rng = np.random.default_rng(0)
    Q, K, V = rng.normal(size=(3, 8)), rng.normal(size=(5, 8)), rng.normal(size=(5, 4))
    inputs = [each[None].astype("float32") for each in (Q, V, K)]
    scaled = [inputs[0] / np.sqrt(8).astype("float32"), *inputs[1:]]  # Keras' layer does not scale
    expected = keras.ops.convert_to_numpy(keras.layers.Attention()(scaled))[0]
    short_and_long = np.array([[1.0, 0.0], [3.0, 3.0]])
    return [
        check("112 and 96", lambda: weights(query, keys), [[0.880797, 0.119203]]),
        check(
            "z = 0.88 v₁ + 0.12 v₂",
            lambda: attention(query, keys, 10 * values),
            [[8.80797, 1.19203]],
        ),
        check("equal keys", lambda: weights(Q, np.ones((4, 8))), np.full((3, 4), 0.25)),
        check("three queries, five keys, as in Keras", lambda: attention(Q, K, V), expected, 1e-5),
        check(
            "nearest to (1, 0): dot product",
            lambda: nearest(np.array([1.0, 0.0]), short_and_long, cosine=False),
            1,
        ),
        check(
            "nearest to (1, 0): cosine",
            lambda: nearest(np.array([1.0, 0.0]), short_and_long, cosine=True),
            0,
        ),
    ]


if __name__ == "__main__":
    finish(main())

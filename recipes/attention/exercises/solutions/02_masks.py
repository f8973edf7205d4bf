"""Masked attention: nobody looks ahead, and who asks whom in a decoder.

Slides: 001 «Fase decoder: masked attention», 001 «Fase decoder: keys y values del encoder».
Recipes: transformer_translation, gpt.

A decoder generates one word after the other, so no word may attend to a later one. Before the
softmax their scores are set to −∞, and exp(−∞) = 0. Padding, which fills up short sentences, is
masked in the same way, for every query.

The slide takes keys and values from the encoder both in the masked attention of the decoder and in
the attention that follows it. For one of the two this cannot be right: what would there be to mask?
Write both masks and the weights, and correct the slide.
"""

import numpy as np

from recipes.common.exercise import check, finish


def softmax(scores):
    """Probabilities (…, n) of scores (…, n), of which some may be −∞."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def causal_mask(length):
    """Truth values (length, length): may the query of this row attend to the key of this column?"""
    # Your code: itself and earlier ones; np.tril, or compare np.arange with itself.
    return np.tril(np.ones((length, length), dtype=bool))


def masked_weights(scores, mask):
    """Attention weights (queries, keys) of scores, 0 where the mask (queries, keys) is false."""
    # Your code: np.where puts −np.inf in, then softmax.
    return softmax(np.where(mask, scores, -np.inf))


def padding_mask(lengths, longest):
    """Truth values (sentences, longest): the positions of words in sentences of these lengths."""
    # Your code: compare np.arange(longest) with each length.
    return np.arange(longest) < np.asarray(lengths)[:, None]


def sources():
    """The sources of queries, keys and values, in the masked attention and in the one after it."""
    # Your code: two lists of three words each, "encoder" or "decoder".
    return [["decoder", "decoder", "decoder"], ["decoder", "encoder", "encoder"]]


def outputs(x, mask):
    """Self-attention (steps, features) of x (steps, features) with itself as Q, K and V."""
    return masked_weights(x @ x.T / np.sqrt(x.shape[1]), mask) @ x


def change(mask_of):
    """The change of each of five outputs when the fourth input changes."""
    x = np.random.default_rng(0).normal(size=(5, 8))
    other = x.copy()
    other[3] += 1
    differences = outputs(x, mask_of(5)) - outputs(other, mask_of(5))
    return np.abs(differences).max(axis=1)


def main():
    scores = np.log([[1.0, 2.0, 5.0], [1.0, 3.0, 4.0], [2.0, 2.0, 4.0]])
    return [
        check("three words", lambda: causal_mask(3), [[1, 0, 0], [1, 1, 0], [1, 1, 1]]),
        check(
            "weights",
            lambda: masked_weights(scores, np.tril(np.ones((3, 3))) == 1),
            [[1, 0, 0], [0.25, 0.75, 0], [0.25, 0.25, 0.5]],
        ),
        check(
            "another word 4: outputs 1 to 3 stay, 4 and 5 change",
            lambda: change(causal_mask) > 1e-9,
            [False, False, False, True, True],
        ),
        check(
            "sentences of 3, 1 and 4 words",
            lambda: padding_mask([3, 1, 4], 4),
            [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1]],
        ),
        check("masked attention: q, k, v", lambda: sources()[0], ["decoder"] * 3),
        check("the next one: q, k, v", lambda: sources()[1], ["decoder", "encoder", "encoder"]),
    ]


if __name__ == "__main__":
    finish(main())

"""Masked attention: nobody looks ahead, and who asks whom in a decoder.

Slides: 001 «Fase decoder: masked attention», 001 «Fase decoder: keys y values del encoder».
Recipes: transformer_translation, gpt.

A decoder writes one word after the other, so that no word may attend to a later one. Before the
softmax their scores become −∞, and exp(−∞) = 0. Words that only fill up a short sentence (padding)
are masked in the same way, for every query.

The slide takes keys and values from the encoder both in the masked attention of the decoder and in
the attention that follows it. For one of the two this cannot be: what would there be to mask? Write
both masks and the weights, and put the slide right.
"""

import numpy as np

from recipes.common.exercise import check, finish


def softmax(scores):
    """Probabilities (…, n) of scores (…, n), of which some may be −∞."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def causal_mask(length):
    """Truth values (length, length): may the query of this row look at the key of this column?"""
    # Your code: itself and what came before; np.tril, or compare np.arange with itself.
    raise NotImplementedError


def masked_weights(scores, mask):
    """Attention weights (queries, keys) of scores, 0 where the mask (queries, keys) is false."""
    # Your code: np.where puts −np.inf in, then softmax.
    raise NotImplementedError


def padding_mask(lengths, longest):
    """Truth values (sentences, longest): which places hold words, in sentences of these lengths."""
    # Your code: compare np.arange(longest) with each length.
    raise NotImplementedError


def sources():
    """Where queries, keys, values come from, in the masked attention and in the one after it."""
    # Your code: two lists of three words each, "encoder" or "decoder".
    raise NotImplementedError


def outputs(x, mask):
    """Self-attention (steps, features) of x (steps, features) with itself as Q, K and V."""
    return masked_weights(x @ x.T / np.sqrt(x.shape[1]), mask) @ x


def change(mask_of):
    """By how much each of five outputs changes when the fourth input does."""
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

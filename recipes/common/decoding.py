"""Decoding: from a language model's probabilities to the next token."""

import numpy as np


def sample(probabilities, temperature, rng, top_k=None):
    """Draw one token for each row, with probability ∝ p^(1 / temperature).

    Args:
        probabilities: Array (..., tokens); need not sum to 1. A token of probability 0 is never
            drawn.
        temperature: At least 0. A temperature of 1 keeps the probabilities, a lower one sharpens
            them, 0 takes the likeliest token (greedy decoding), a higher one flattens them. A
            number, or an array that broadcasts to (..., 1): one for each row.
        rng: A `numpy.random.Generator`.
        top_k: If given, only the `top_k` likeliest tokens of each row can be drawn (and others as
            likely as the last of them).

    Returns:
        Integer array (...).

    Reference: the Gumbel-max trick, Gumbel (1954); top-k sampling, Fan et al. (2018),
    https://arxiv.org/abs/1805.04833.

    >>> sample([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]], 0.0, np.random.default_rng(0))
    array([1, 0])
    """
    with np.errstate(divide="ignore"):
        scores = np.log(probabilities)  # −inf for impossible tokens
    if top_k is not None:
        last = np.sort(scores, axis=-1)[..., -top_k, None]  # (..., 1)
        scores = np.where(scores < last, -np.inf, scores)
    # The argmax of log p + Gumbel noise is distributed as p; scaling the noise by the temperature
    # gives p^(1 / temperature).
    return np.argmax(scores + temperature * rng.gumbel(size=scores.shape), axis=-1)

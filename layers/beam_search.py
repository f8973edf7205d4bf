"""Beam search: the likeliest sequences that an autoregressive model could generate."""

import numpy as np


def beam_search(step, start, stop, max_length, beam_width=4, length_penalty=0.0):
    """The likeliest sequences of a model that predicts the next token after each prefix.

    Greedy search takes the likeliest token at each step; beam search keeps the `beam_width`
    likeliest prefixes, so a token that is only second best now may still win later. With a width
    of 1 it is greedy search; with a width of at least the number of prefixes it is exhaustive.

    Args:
        step: Function that maps prefixes, integers `(batch * beam_width, t)` grouped by example,
            to the log-probabilities of the next token, `(batch * beam_width, tokens)`. −inf
            forbids a token.
        start: Integers `(batch, t)`: the first tokens of each sequence.
        stop: The token that ends a sequence; shorter sequences are padded with it.
        max_length: Maximum number of tokens to generate, including the stop token.
        beam_width: Number of prefixes kept for each example.
        length_penalty: α in the final score, the sum of log-probabilities divided by
            (generated tokens)^α. With 0, short sequences have an advantage, since each token
            lowers the sum; with 1, the score is the mean log-probability per token.

    Returns:
        The sequences, integers `(batch, beam_width, t + generated)`, likeliest first, and their
        scores, `(batch, beam_width)`; −inf where there are fewer sequences than `beam_width`.

    Raises:
        ValueError: If `beam_width` or `max_length` is below 1.

    Reference:
        Wu et al. (2016), https://arxiv.org/abs/1609.08144, section 7; without a length penalty:
        Sutskever et al. (2014), https://arxiv.org/abs/1409.3215.

    Example:

    >>> def step(tokens):  # after 0: 1 (60 %) or 2; after 1 anything, after 2 the stop (3)
    ...     table = [[0, 0.6, 0.4, 0], [0.4, 0.3, 0, 0.3], [0, 0, 0, 1], [0, 0, 0, 1]]
    ...     return np.log(np.maximum(table, 1e-9))[tokens[:, -1]]
    >>> for beam_width in (1, 2):
    ...     sequences, _ = beam_search(step, [[0]], 3, max_length=2, beam_width=beam_width)
    ...     print(sequences[0, 0])
    [0 1 0]
    [0 2 3]
    """
    if beam_width < 1 or max_length < 1:
        raise ValueError(
            "`beam_width` and `max_length` must be at least 1. "
            f"Received: {beam_width=}, {max_length=}"
        )
    start = np.asarray(start)
    batch, start_length = start.shape
    tokens = np.repeat(start, beam_width, axis=0)  # (batch * beam_width, t)
    done = np.zeros(batch * beam_width, "bool")
    # At first all prefixes of an example are identical: only one of them may be extended.
    scores = np.full((batch, beam_width), -np.inf)
    scores[:, 0] = 0

    for _ in range(max_length):
        log_probabilities = np.array(step(tokens))  # (batch * beam_width, tokens)
        # A finished sequence is extended with stop tokens, which cost nothing.
        log_probabilities[done] = -np.inf
        log_probabilities[done, stop] = 0

        # The best tokens after each prefix: no other can be among the best of its example.
        count = min(beam_width, log_probabilities.shape[-1])
        candidates = np.argpartition(-log_probabilities, count - 1, axis=1)[:, :count]
        gains = np.take_along_axis(log_probabilities, candidates, axis=1)
        totals = (scores.reshape(-1, 1) + gains).reshape(batch, -1)  # (batch, beam_width * count)

        # The best of all prefixes of an example.
        best = np.argpartition(-totals, beam_width - 1, axis=1)[:, :beam_width]
        scores = np.take_along_axis(totals, best, axis=1)  # (batch, beam_width)
        first_rows = beam_width * np.arange(batch)[:, None]
        prefixes = tokens[(first_rows + best // count).ravel()]
        following = np.take_along_axis(candidates.reshape(batch, -1), best, axis=1)
        tokens = np.concatenate([prefixes, following.reshape(-1, 1)], axis=1)
        done = tokens[:, -1] == stop
        if done.all():
            break

    # Tokens before the first stop, and the stop, unless the sequence was cut off before it.
    generated = tokens[:, start_length:]
    lengths = np.minimum((generated != stop).sum(1) + 1, generated.shape[1])
    scores = scores / lengths.reshape(batch, beam_width) ** length_penalty
    order = np.argsort(-scores, axis=1, kind="stable")
    tokens = np.take_along_axis(tokens.reshape(batch, beam_width, -1), order[:, :, None], axis=1)
    return tokens, np.take_along_axis(scores, order, axis=1)

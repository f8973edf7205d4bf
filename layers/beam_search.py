"""Beam search: of all sequences that a network could write, token by token, those it thinks likeliest."""

import numpy as np


def beam_search(step, start, stop, length, width=4, penalty=0.0):
    """The likeliest sequences by a network that gives, after each beginning, the probabilities of the next token.

    Greedy search takes the likeliest token at each step and never looks back; a beam keeps the `width` likeliest
    beginnings, so that a token which is only second now may win later. A width of 1 is greedy search; if as wide as
    there are beginnings, it is exhaustive.

    Args:
        step: function of integers `(batch * width, t)`, the beginnings (those of the first example first), that returns
            the logarithms of the next token's probabilities, `(batch * width, tokens)`. −inf forbids a token.
        start: integers `(batch, t)`, what each sequence begins with.
        stop: the token that ends a sequence; where one is shorter than the others, what follows is filled with it.
        length: most tokens to write, the stop included.
        width: beginnings kept for each example.
        penalty: α in the final score, the sum of logarithms divided by the number of tokens written to the power of α.
            With 0 short sequences win, as each token costs; with 1 the mean decides.

    Returns:
        The sequences, `(batch, width, t + written)`, likeliest first, and their scores, `(batch, width)`; −inf where
        there are fewer sequences than `width`.

    Reference:
        Wu et al. (2016), https://arxiv.org/abs/1609.08144, section 7; the penalty of Sutskever et al. (2014),
        https://arxiv.org/abs/1409.3215, is 0.

    Example:

    >>> def step(tokens):  # after 0: 1 (60 %) or 2; after 1 anything may come, after 2 the end (3) does
    ...     table = [[0, 0.6, 0.4, 0], [0.4, 0.3, 0, 0.3], [0, 0, 0, 1], [0, 0, 0, 1]]
    ...     return np.log(np.maximum(table, 1e-9))[tokens[:, -1]]
    >>> [beam_search(step, [[0]], stop=3, length=2, width=width)[0][0, 0].tolist() for width in (1, 2)]
    [[0, 1, 0], [0, 2, 3]]
    """
    if width < 1 or length < 1:
        raise ValueError(f"`width` and `length` must be at least 1. Received: {width=}, {length=}")
    start = np.asarray(start)
    batch, begun = start.shape
    tokens = np.repeat(start, width, axis=0)
    scores = np.full((batch, width), -np.inf)
    scores[:, 0] = 0  # at first all beginnings of an example are the same one
    done = np.zeros(batch * width, "bool")
    for _ in range(length):
        logs = np.array(step(tokens))
        logs[done] = -np.inf
        logs[done, stop] = 0  # what has ended stays as it is
        count = min(
            width, logs.shape[-1]
        )  # no more ways to go on from one beginning can be among the best
        following = np.argpartition(-logs, count - 1, axis=1)[:, :count]
        totals = scores.reshape(-1, 1) + np.take_along_axis(logs, following, axis=1)
        totals, following = totals.reshape(batch, -1), following.reshape(batch, -1)
        best = np.argpartition(-totals, width - 1, axis=1)[:, :width]
        scores = np.take_along_axis(totals, best, axis=1)
        rows = (best // count + width * np.arange(batch)[:, None]).ravel()
        tokens = np.concatenate(
            [tokens[rows], np.take_along_axis(following, best, axis=1).reshape(-1, 1)], axis=1
        )
        done = tokens[:, -1] == stop
        if done.all():
            break
    written = np.minimum((tokens[:, begun:] != stop).sum(1) + 1, tokens.shape[1] - begun).reshape(
        batch, width
    )
    scores = scores / written**penalty
    order = np.argsort(-scores, axis=1, kind="stable")
    tokens = np.take_along_axis(tokens.reshape(batch, width, -1), order[:, :, None], axis=1)
    return tokens, np.take_along_axis(scores, order, axis=1)

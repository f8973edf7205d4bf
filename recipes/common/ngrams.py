"""N-gram language models: predict the next token from counts of what followed the last few.

An n-gram is a sequence of n tokens: a context of n − 1 tokens and the next one. Sources:
Chen & Goodman (1998), An empirical study of smoothing techniques for language modeling,
https://nrs.harvard.edu/urn-3:HUL.InstRepos:25104739; Witten & Bell (1991),
https://doi.org/10.1109/18.87000; Kneser & Ney (1995),
https://doi.org/10.1109/ICASSP.1995.479394.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass
class Table:
    """Counts of all n-grams of one length; an n-gram is encoded as one number in base `size`."""

    ngrams: np.ndarray  # the n-grams seen, sorted
    counts: np.ndarray  # count of each n-gram, minus the discount
    contexts: np.ndarray  # the contexts seen, sorted
    weights: np.ndarray  # for each context, the weight of the shorter context's distribution
    totals: np.ndarray  # for each context, the denominator of counts and weight


class NGramModel:
    """An interpolated n-gram language model.

    The probability of a token after a context of k tokens interpolates between its relative
    frequency there and its probability p(k−1) after the last k − 1 of them. With n the count of the
    token after the context, N the count of all tokens after it, and T the number of different ones:

        Witten–Bell:  p(k) = (n + T p(k−1)) / (N + T)
        Kneser–Ney:   p(k) = (max(n − discount, 0) + discount T p(k−1)) / N
        none:         p(k) = n / N

    p(k) = p(k−1) where the context was never seen; the empty context is interpolated with the
    uniform distribution. Kneser–Ney counts occurrences only for n-grams of full length; for shorter
    ones, n is the number of different tokens that preceded them ("Francisco" is frequent, but
    follows only "San"). It ignores n-grams at the start of a sequence that are not full, so it
    suits long texts.

    Args:
        sequences: List of integer arrays (tokens,), each from 0 to size − 1. The first token of a
            sequence is only context; no n-gram spans two sequences.
        size: Size of the vocabulary.
        order: Length of the longest n-grams: 3 for trigrams, with contexts of up to two tokens.
        smoothing: "witten_bell", "kneser_ney" or None (only the longest context seen is used).
        discount: From 0 to 1; for Kneser–Ney only.

    Raises:
        ValueError: if smoothing is unknown, if order is not positive, if no sequence has `order`
            tokens (and at least two), or if size ** order is too large for 64 bits.

    >>> model = NGramModel([[0, 1, 0, 1, 0, 2]], size=3, order=2)
    >>> model.predict([[0], [1]]).round(2)
    array([[0.  , 0.67, 0.33],
           [1.  , 0.  , 0.  ]])
    >>> model.score([[1, 0, 1]]).round(2)
    array([1.  , 0.67])
    """

    def __init__(self, sequences, size, order, smoothing=None, discount=0.75):
        if smoothing not in ("witten_bell", "kneser_ney", None):
            raise ValueError(
                f'smoothing is "witten_bell", "kneser_ney" or None, and not {smoothing!r}'
            )
        if order < 1:
            raise ValueError(f"order must be at least 1, and not {order}")
        if size**order > np.iinfo("int64").max:
            raise ValueError(f"{order} of {size} tokens in a row are too many for 64 bits")
        if max(map(len, sequences), default=0) < max(order, 2):
            raise ValueError(f"no sequence has {max(order, 2)} tokens")
        self.size = size
        self.order = order
        windows = self.windows(sequences)
        self.tables = {}
        for length in range(order, 0, -1):
            if smoothing == "kneser_ney" and length < order:
                # Count each distinct longer n-gram once, without its first token.
                found = self.tables[length + 1].ngrams % size**length
            else:
                complete = windows[:, -length] >= 0
                found = self.numbers(windows[complete], length)
            ngrams, counts = np.unique(found, return_counts=True)
            contexts, index = np.unique(ngrams // size, return_inverse=True)
            totals = np.bincount(index, counts)
            different = np.bincount(index)
            if smoothing == "witten_bell":
                weights = different
                totals = totals + different
            elif smoothing == "kneser_ney":
                counts = np.maximum(counts - discount, 0)
                weights = discount * different
            else:
                weights = np.zeros(len(contexts))
            self.tables[length] = Table(ngrams, counts, contexts, weights, totals)

    def windows(self, sequences):
        """Each token but the first of each sequence, with the tokens before it: (tokens, order).

        Positions before the start of the sequence are −1.
        """
        windows = []
        for sequence in sequences:
            padded = np.pad(sequence, (self.order - 1, 0), constant_values=-1).astype("int64")
            windows.append(np.lib.stride_tricks.sliding_window_view(padded, self.order)[1:])
        return np.concatenate(windows)

    def numbers(self, windows, length):
        """The last `length` tokens of each window as one number in base `size`."""
        return windows[:, -length:] @ self.size ** np.arange(length - 1, -1, -1)

    def probabilities(self, windows):
        """The probability of the last token of each window given the others, (windows,)."""
        p = np.full(len(windows), 1 / self.size)
        # From the empty context to the longest, each interpolated with the previous one.
        for length in range(1, self.order + 1):
            table = self.tables[length]
            ngrams = self.numbers(windows, length)
            ngram, seen = find(ngrams, table.ngrams)
            context, context_seen = find(ngrams // self.size, table.contexts)
            count = np.where(seen, table.counts[ngram], 0)
            mixed = (count + table.weights[context] * p) / table.totals[context]
            complete = windows[:, -length] >= 0
            p = np.where(complete & context_seen, mixed, p)
        return p

    def score(self, sequences):
        """The probability of each token but the first of each sequence, given those before it.

        Args:
            sequences: List of integer arrays (tokens,).

        Returns:
            Array (tokens − sequences,), sequence by sequence.
        """
        return self.probabilities(self.windows(sequences))

    def predict(self, contexts):
        """The distribution of the next token.

        Args:
            contexts: Integer array (batch, tokens); only the last order − 1 tokens are used.

        Returns:
            Array (batch, size) of probabilities.
        """
        contexts = np.asarray(contexts, "int64")
        before = self.order - 1
        padded = np.pad(contexts, ((0, 0), (before, 0)), constant_values=-1)
        contexts = padded[:, padded.shape[1] - before :]  # (batch, order - 1)
        # Each context, followed by each token.
        contexts = np.repeat(contexts, self.size, axis=0)
        tokens = np.tile(np.arange(self.size), len(padded))
        windows = np.column_stack([contexts, tokens])  # (batch * size, order)
        return self.probabilities(windows).reshape(-1, self.size)


def find(values, table):
    """Look values up in a sorted table: their indices, and whether they are in it."""
    index = np.minimum(np.searchsorted(table, values), len(table) - 1)
    return index, table[index] == values

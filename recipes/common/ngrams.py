"""N-gram language models: the next token by counts of what followed the last few.

An n-gram is n tokens in a row: a context of n − 1 and the token that followed it. Sources:
Chen & Goodman (1998), An empirical study of smoothing techniques for language modeling,
https://nrs.harvard.edu/urn-3:HUL.InstRepos:25104739; Witten & Bell (1991),
https://doi.org/10.1109/18.87000; Kneser & Ney (1995),
https://doi.org/10.1109/ICASSP.1995.479394.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass
class Table:
    """Counts of all n-grams of one length; an n-gram is one number in base `size`."""

    ngrams: np.ndarray  # those seen, sorted
    counts: np.ndarray  # of each of them, less the discount
    contexts: np.ndarray  # those seen, sorted
    weights: np.ndarray  # for each context, what goes to the distribution of the shorter one
    totals: np.ndarray  # for each context, what counts and weight are divided by


class NGramModel:
    """An interpolated n-gram language model.

    The probability of a token after a context of k tokens mixes its count there with its
    probability p(k−1) after the last k − 1 of them. With n the count of the token after the
    context, N that of all tokens after it, and T how many different ones there are:

        Witten–Bell:  p(k) = (n + T p(k−1)) / (N + T)
        Kneser–Ney:   p(k) = (max(n − discount, 0) + discount T p(k−1)) / N
        none:         p(k) = n / N

    p(k) = p(k−1) where the context was never seen; below the empty context, all tokens are
    equally likely. Kneser–Ney counts occurrences in n-grams of full length only; in shorter ones,
    n is the number of different tokens that preceded them ("Francisco" is frequent, but follows
    "San" alone). It begins where the first full n-gram of a sequence ends, so it is for long texts.

    Args:
        sequences: List of integer arrays (tokens,), each from 0 to size − 1. The first token of a
            sequence is only context; no n-gram reaches over from one sequence to the next.
        size: Number of different tokens (of the vocabulary).
        order: Longest n-grams: 3 for trigrams, which have contexts of up to two tokens.
        smoothing: "witten_bell", "kneser_ney" or None: the longest context seen decides alone.
        discount: From 0 to 1; of Kneser–Ney only.

    Raises:
        ValueError: if smoothing is another one, if order is no positive number, if no sequence has
            `order` tokens (and at least two), or if size ** order is too large for 64 bits.

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
                # One for each different longer n-gram, without its first token.
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
        """Each token but the first of each sequence, after those before it: (tokens, order).

        −1 stands where the sequence had not begun.
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
        """The probability of the last token of each window after the others, (windows,)."""
        p = np.full(len(windows), 1 / self.size)
        # From the empty context to the longest, each mixed with the one before.
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
        """The probability of each token but the first of each sequence, after those before it.

        Args:
            sequences: List of integer arrays (tokens,).

        Returns:
            Array (tokens − sequences,), one sequence after the other.
        """
        return self.probabilities(self.windows(sequences))

    def predict(self, contexts):
        """The distribution of the next token.

        Args:
            contexts: Integer array (batch, tokens); the last order − 1 tokens are looked at.

        Returns:
            Array (batch, size) of probabilities.
        """
        contexts = np.asarray(contexts, "int64")
        before = self.order - 1
        padded = np.pad(contexts, ((0, 0), (before, 0)), constant_values=-1)
        contexts = padded[:, padded.shape[1] - before :]  # (batch, order - 1)
        # Each context with each token behind it.
        contexts = np.repeat(contexts, self.size, axis=0)
        tokens = np.tile(np.arange(self.size), len(padded))
        windows = np.column_stack([contexts, tokens])  # (batch * size, order)
        return self.probabilities(windows).reshape(-1, self.size)


def find(values, table):
    """Look values up in a sorted table: their indices, and whether they are in it."""
    index = np.minimum(np.searchsorted(table, values), len(table) - 1)
    return index, table[index] == values

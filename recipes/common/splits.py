"""Splits of a data set into training, validation and test set."""

import numpy as np


def split_by_class(labels, share=0.15, seed=0):
    """Row numbers of a stratified split into training, validation and test set.

    Args:
        labels: The class of each example, an array (examples,) of integers or strings; all equal
            for a purely random split.
        share: Share of each class in the validation set, and in the test set; at least one example.
        seed: Of the random choice of examples.

    Returns:
        Three sorted arrays of row numbers that together contain each row once.

    Example:

    >>> train, validation, test = split_by_class(np.array(["cat", "dog"] * 3 + ["cat"] * 14))
    >>> len(train), len(validation), len(test)
    (12, 4, 4)
    """
    labels = np.asarray(labels)
    random = np.random.default_rng(seed)
    train, validation, test = [], [], []
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        count = max(1, round(share * len(rows)))
        validation.extend(rows[:count])
        test.extend(rows[count : 2 * count])
        train.extend(rows[2 * count :])
    return tuple(np.sort(np.array(part, int)) for part in (train, validation, test))

"""Convert batches to arrays, for scikit-learn or for plots."""

import keras
import numpy as np


def to_numpy(dataset):
    """All batches of a data set, joined along their first axis.

    Args:
        dataset: A finite `tf.data.Dataset` of batches: arrays or (nested) tuples, lists and
            dictionaries of them. Strings become arrays of `bytes`.

    Returns:
        The same structure with one NumPy array in place of each batched one, for example
        `(images, labels)`.

    Raises:
        ValueError: if there are no batches, or if they differ in more than their first axis.

    >>> import tensorflow as tf
    >>> inputs, labels = to_numpy(tf.data.Dataset.range(5).map(lambda n: (n, n % 2)).batch(2))
    >>> inputs, labels
    (array([0, 1, 2, 3, 4]), array([0, 1, 0, 1, 0]))
    """
    batches = list(dataset.as_numpy_iterator())
    if not batches:
        raise ValueError("the data set has no batches")
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *batches)

"""Bits stand at their positions, and a bin holds the mean of what is in it."""

import numpy as np
import tensorflow as tf

from recipes.attention.figures import gpt as pictures


class Model:
    """After a character, the same one again with probability 1/2 at even positions, 1/8 at odd."""

    def predict_on_batch(self, inputs):
        same = np.where(np.arange(inputs.shape[1]) % 2, 1 / 8, 1 / 2)[:, None]
        one_hot = np.eye(4)[np.asarray(inputs)]
        return one_hot * same + (1 - one_hot) * (1 - same) / 3


def test_bits_by_position_are_means_over_the_windows():
    inputs = np.array([[0, 1, 2], [3, 3, 0], [1, 0, 2]])
    targets = np.array([[0, 1, 0], [3, 0, 0], [1, 0, 2]])  # one miss at position 1, one at 2
    data = tf.data.Dataset.from_tensor_slices((inputs, targets, np.ones((3, 3)))).batch(2)
    missed = (-np.log2(7 / 24), -np.log2(1 / 6))
    expected = [1, (3 + missed[0] + 3) / 3, (missed[1] + 1 + 1) / 3]
    np.testing.assert_allclose(pictures.bits_by_position(Model(), data), expected)


def test_bins_grow_with_the_positions_and_cover_each_once():
    values = np.arange(1.0, 65.0) ** 2
    middles, means = pictures.logarithmic_bins(values, bins=15)
    assert middles[:4].tolist() == [1, 2, 3, 4]
    assert means[:4].tolist() == [1, 4, 9, 16]
    assert (middles[-1], means[-1]) == (64, 64**2)
    first = middles.tolist().index(4) + 1  # the bins after 4 hold several positions each
    assert middles[first] == (5 + 6) / 2
    assert means[first] == (5**2 + 6**2) / 2

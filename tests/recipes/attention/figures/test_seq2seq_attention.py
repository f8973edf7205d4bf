"""Shares by length and weights of attention, of networks whose answers are known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.attention import seq2seq_attention as recipe
from recipes.attention.figures import seq2seq_attention as figures


def test_shares_by_length_of_who_repeats_four_digits_only():
    digits = keras.Input((recipe.LENGTH,), dtype="int32")
    known = keras.ops.one_hot(digits, 11) * keras.ops.reshape(keras.ops.arange(16) < 4, (1, 16, 1))
    zeros = keras.ops.one_hot(keras.ops.zeros_like(digits), 11)
    model = keras.Model(digits, known + 0.5 * zeros)
    rows = np.zeros((3, recipe.LENGTH), "int32")
    rows[0, :4] = rows[1, :4] = 7
    rows[2, :6] = 7
    test = tf.data.Dataset.from_tensors((rows, rows))
    lengths, shares = figures.exact_by_length(model, test)
    assert lengths.tolist() == [4, 6]
    assert shares.tolist() == [1, 0]


@pytest.mark.parametrize("attention", ["additive", "dot"])
def test_weights_are_shares(attention):
    model = recipe.build_model(attention, embed_dim=4, units=5)
    weights = figures.weights(model, figures.SHOWN)
    assert weights.shape == (12, 12)
    assert weights.sum(axis=1) == pytest.approx(np.ones(12), abs=1e-5), "none is on the padding"

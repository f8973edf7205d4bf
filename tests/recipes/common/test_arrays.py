"""`to_numpy` joins batches in their order, whatever their structure."""

import doctest

import numpy as np
import pytest
import tensorflow as tf

from recipes.common import arrays
from recipes.common.arrays import to_numpy


def test_pairs_keep_their_order_and_the_last_batch_may_be_smaller():
    images = np.arange(5 * 2 * 2).reshape(5, 2, 2)
    labels = np.array([3, 1, 4, 1, 5])
    found = to_numpy(tf.data.Dataset.from_tensor_slices((images, labels)).batch(2))
    assert isinstance(found, tuple)
    np.testing.assert_array_equal(found[0], images)
    np.testing.assert_array_equal(found[1], labels)


def test_nested_structures_stay_what_they_are():
    rows = {"left": np.arange(3.0), "pair": (np.arange(3), np.array(["a", "ñ", "c"]))}
    found = to_numpy(tf.data.Dataset.from_tensor_slices(rows).batch(2))
    np.testing.assert_array_equal(found["left"], [0, 1, 2])
    np.testing.assert_array_equal(found["pair"][0], [0, 1, 2])
    assert [text.decode() for text in found["pair"][1]] == ["a", "ñ", "c"]


def test_one_array_alone_and_dtypes():
    found = to_numpy(tf.data.Dataset.from_tensor_slices(np.ones((4, 3), "uint8")).batch(3))
    assert found.shape == (4, 3)
    assert found.dtype == "uint8"


def test_nothing_to_join_is_said():
    with pytest.raises(ValueError, match="no batches"):
        to_numpy(tf.data.Dataset.range(0).batch(2))


def test_the_example_of_the_docstring_holds():
    results = doctest.testmod(arrays)
    assert results.attempted == 3
    assert results.failed == 0

"""Each row once, each class in the same shares, the same split again."""

import doctest

import numpy as np
import pytest

from recipes.common import splits
from recipes.common.splits import split_by_class


def test_docstring():
    results = doctest.testmod(splits)
    assert results.attempted
    assert not results.failed


def test_each_row_once_and_each_class_in_its_share():
    labels = np.array([7] * 100 + [3] * 40 + [5] * 3)
    parts = split_by_class(labels, share=0.2)
    assert sorted(np.concatenate(parts)) == list(range(143))
    counts = [[int(np.sum(labels[part] == label)) for label in (7, 3, 5)] for part in parts]
    assert counts == [[60, 24, 1], [20, 8, 1], [20, 8, 1]]
    assert all((np.diff(part) > 0).all() for part in parts)


def test_the_seed_decides():
    labels = np.arange(60) % 2
    first, again, other = (split_by_class(labels, seed=seed)[2] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


@pytest.mark.parametrize("labels", [["b", "a", "b", "a", "a", "b"], np.zeros(6)])
def test_strings_and_one_class(labels):
    assert sum(len(part) for part in split_by_class(labels)) == 6

"""Samples follow p^(1 / temperature), of the likeliest only where that is asked for."""

import doctest

import numpy as np
import pytest

from recipes.common import decoding
from recipes.common.decoding import sample

P = np.array([0.1, 0.4, 0.0, 0.2, 0.3])


def shares(temperature, top_k=None, count=20_000):
    """How often each of the tokens of P is drawn."""
    drawn = sample(np.tile(P, (count, 1)), temperature, np.random.default_rng(0), top_k)
    return np.bincount(drawn, minlength=len(P)) / count


@pytest.mark.parametrize(
    ("temperature", "top_k", "expected"),
    [
        (1.0, None, P),
        (0.5, None, P**2 / np.sum(P**2)),
        (2.0, None, P**0.5 / np.sum(P**0.5)),
        (1.0, 2, np.array([0, 4, 0, 0, 3]) / 7),
        (0.5, 3, np.array([0, 16, 0, 4, 9]) / 29),
        (0.0, None, np.array([0, 1, 0, 0, 0])),
    ],
)
def test_shares(temperature, top_k, expected):
    found = shares(temperature, top_k)
    np.testing.assert_allclose(found, expected, atol=0.015)
    assert not found[expected == 0].any()


def test_what_is_impossible_stays_so_at_any_temperature():
    assert shares(1000.0)[2] == 0


def test_one_distribution_alone_and_one_temperature_for_each_row():
    assert sample(P, 0.0, np.random.default_rng(0)) == 1
    rows = np.tile(P, (1000, 1))
    temperatures = np.repeat([[0.0], [50.0]], 500, axis=0)
    drawn = sample(rows, temperatures, np.random.default_rng(0))
    assert set(drawn[:500]) == {1}
    assert set(drawn[500:]) == {0, 1, 3, 4}


def test_the_same_seed_draws_the_same():
    rows = np.tile(P, (50, 1))
    one, same, other = (sample(rows, 1.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.tolist() == same.tolist() != other.tolist()


def test_the_example_of_the_docstring_holds():
    results = doctest.testmod(decoding)
    assert results.attempted
    assert not results.failed

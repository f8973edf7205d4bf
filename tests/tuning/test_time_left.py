import doctest

import pytest

from recipes.tuning import time_left


def test_examples_run():
    result = doctest.testmod(time_left)
    assert result.attempted >= 3
    assert result.failed == 0


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"spent": 10, "done": 2, "to_come": 3}, 15),
        ({"spent": 10, "done": 2, "to_come": 3, "limit": 100}, 15),
        ({"spent": 10, "done": 2, "to_come": 3, "limit": 12}, 2),
        ({"spent": 10, "done": 2, "limit": 12}, 2),
        ({"spent": 10, "done": 2}, None),
        ({"spent": 10, "done": 0, "to_come": 5}, None),
        ({"spent": 10, "done": 2, "to_come": 0, "limit": 100}, None),
        ({"spent": 13, "done": 2, "to_come": 3, "limit": 12}, None),
    ],
)
def test_the_first_end_counts(given, seconds):
    assert time_left.seconds_left(**given) == seconds

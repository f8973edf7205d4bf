"""M34: halves of functions are completed up to END; what is right is counted; counts see the last tokens only."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.attention import code_completion as recipe
from recipes.datasets.python_functions import TOKENS, functions


@pytest.fixture(scope="module")
def sets():
    return recipe.load_data(batch_size=8, examples=200)


def test_each_token_is_to_be_told_from_those_before(sets):
    x, y, counts = next(iter(sets[1]))
    assert x.shape == y.shape == counts.shape == (100, 63)
    np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
    tokens = functions(1, 64, seed=1)[0]
    assert [TOKENS[number] for number in y[0] if number] == list(tokens[1:])
    assert counts[0].numpy().sum() == len(tokens) - 1
    assert np.all((y.numpy() > 0) == (counts.numpy() > 0))


def known_ends(data):
    """A `guess` that knows the functions of a set by heart."""
    rows = np.concatenate(
        [np.concatenate([x[:, :1], y], axis=1) for x, y, _ in data.as_numpy_iterator()]
    )

    def guess(seen):
        following = [row[seen.shape[1]] for row in rows[: len(seen)]]
        return np.eye(len(TOKENS))[following]

    return guess


def test_completed_by_heart_all_are_right(sets):
    guess, given = known_ends(sets[2]), recipe.starts(sets[2])
    expected = functions(recipe.GIVEN, 64, seed=2)
    assert len(given) == recipe.GIVEN
    assert all(
        0 <= len(tokens) // 2 - len(start) <= 1
        for start, tokens in zip(given, expected, strict=True)
    )
    assert [(*tokens, "END") for tokens in recipe.complete(guess, given)] == expected
    assert recipe.share_right(guess, given) == 1


def test_blindly_completed_none_is_right(sets):
    blind = lambda rows: np.full((len(rows), len(TOKENS)), 1 / len(TOKENS))  # noqa: E731
    assert recipe.share_right(blind, recipe.starts(sets[2])) < 0.05


def test_completion_keeps_what_is_given_and_ends(sets):
    given = recipe.starts(sets[2], count=4)
    name = TOKENS.index("a")
    endless = recipe.complete(lambda rows: np.eye(len(TOKENS))[[name] * len(rows)], given)
    for start, tokens in zip(given, endless, strict=True):
        assert [TOKENS.index(token) for token in tokens[: len(start)]] == list(start)
        assert len(tokens) == recipe.LENGTH
        assert set(tokens[len(start) :]) == {"a"}
    at_once = recipe.complete(
        lambda rows: np.eye(len(TOKENS))[[TOKENS.index("END")] * len(rows)], given
    )
    assert list(map(len, at_once)) == list(map(len, given))


def test_temperature():
    probabilities = np.zeros(len(TOKENS))
    probabilities[[2, 3]] = 0.6, 0.4
    given = [np.array([4])] * 500
    shares = []
    for temperature in (0.01, 1.0, 100.0):
        ends = recipe.complete(
            lambda rows: np.tile(probabilities, (len(rows), 1)), given, temperature
        )
        shares.append(np.mean([tokens[1:2] == [TOKENS[2]] for tokens in ends]))
    assert shares[0] == 1
    assert shares[1] == pytest.approx(0.6, abs=0.1)
    assert shares[2] < 0.2


def test_counts_by_hand():
    x = np.array([[2, 3, 4, 2, 3, 0]])
    y = np.array([[3, 4, 2, 3, 5, 0]])
    guess = recipe.counted(tf.data.Dataset.from_tensors((x, y, (y > 0).astype("float32"))), most=2)
    after = lambda *row: {n: float(p) for n, p in enumerate(guess(np.array([row]))[0]) if p}  # noqa: E731
    assert after(2, 3) == {4: 0.5, 5: 0.5}
    assert after(4, 2, 3) == {4: 0.5, 5: 0.5}  # two tokens are seen, not three
    assert after(9, 2) == {3: 1.0}  # the pair is unknown: the last one
    assert after(9, 9) == {2: 0.2, 3: 0.4, 4: 0.2, 5: 0.2}  # how often each follows anything


def test_network_does_not_see_ahead_and_tells_how_many_are_right(sets):
    keras.utils.set_random_seed(0)
    model = recipe.build_model(width=16, blocks=1, steps=10)
    x = np.concatenate([x for x, _, _ in sets[2].as_numpy_iterator()])[:2]
    whole = model.predict_on_batch(x)
    assert whole.shape == (2, 63, len(TOKENS))
    np.testing.assert_allclose(model.predict_on_batch(x[:, :20]), whole[:, :20], atol=1e-5)
    np.testing.assert_allclose(model.guess(x[:, :20]), whole[:, 19], atol=1e-5)
    scores = model.evaluate(sets[2], return_dict=True, verbose=0)
    assert set(scores) == {"loss", "accuracy", "right"}
    assert scores["right"] == recipe.share_right(model.guess, recipe.starts(sets[2]))

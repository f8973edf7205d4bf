"""M34: the grammar is Python, halves of functions are completed up to END, and passes counted."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.attention import code_completion as recipe
from recipes.attention.code_completion import TOKENS, find_error, random_functions, to_code
from recipes.common.arrays import to_numpy


@pytest.fixture(scope="module")
def functions():
    return random_functions(2000, max_length=64, seed=0)


@pytest.fixture(scope="module")
def test_set():
    _, _, test = recipe.load_data(batch_size=8, examples=200)
    return test


def test_all_functions_pass(functions):
    assert [find_error(to_code(tokens[:-1])) for tokens in functions] == [None] * 2000


def test_functions_are_different_short_and_of_known_tokens(functions):
    assert len(set(functions)) == 2000
    assert max(map(len, functions)) <= 64
    for tokens in functions:
        assert tokens[0] == "def"
        assert tokens.index("END") == len(tokens) - 1
    assert {token for tokens in functions for token in tokens} == set(TOKENS[1:])
    assert len(set(TOKENS)) == len(TOKENS)


def test_a_seed_decides(functions):
    assert random_functions(50, 64, seed=0) == functions[:50]
    assert not set(random_functions(50, 64, seed=1)) & set(functions)


def test_to_code():
    tokens = ["def", "mix", *"(a,b):", "\n    ", "if", *"a<3:", "\n        ", *"c=", "min"]
    tokens += [*"(a,(b+1))", "\n    ", "return", *"(a*b)"]
    expected = "def mix(a, b):\n    if a < 3:\n        c = min(a, (b + 1))\n    return (a * b)"
    assert to_code(tokens) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return a", None),
        ("b = a\n    return b", None),
        ("for b in range(a):\n        a = b + abs(b)\n    return a", None),
        ("return (a", "'(' was never closed"),
        ("if a < 3:\n    return a", "expected an indented block after 'if' statement on line 2"),
        ("a = a\n        return a", "unexpected indent"),
        ("return c", "c is never set"),
        ("return a + max(d, c)", "c is never set"),
        ("return 5(a)", "'int' object is not callable; perhaps you missed a comma?"),
    ],
)
def test_find_error(body, expected):
    assert find_error(f"def step(a):\n    {body}") == expected


def test_targets_are_the_tokens_that_follow(test_set):
    inputs, targets, weights = to_numpy(test_set)
    assert inputs.shape == targets.shape == weights.shape == (1000, 63)
    np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
    tokens = random_functions(1, 64, seed=2)[0]
    assert [TOKENS[number] for number in targets[0] if number] == list(tokens[1:])
    assert weights[0].sum() == len(tokens) - 1
    np.testing.assert_array_equal(targets > 0, weights > 0)


def by_heart(data):
    """A `predict` that knows the functions of a set by heart."""
    inputs, targets, _ = to_numpy(data)
    rows = np.concatenate([inputs[:, :1], targets], axis=1)

    def predict(tokens):
        following = rows[: len(tokens), tokens.shape[1]]
        return np.eye(len(TOKENS))[following]

    return predict


def test_completed_by_heart_all_pass(test_set):
    predict = by_heart(test_set)
    prompts = recipe.prompts(test_set, recipe.COMPLETIONS)
    expected = random_functions(recipe.COMPLETIONS, 64, seed=2)
    assert len(prompts) == recipe.COMPLETIONS
    for prompt, tokens in zip(prompts, expected, strict=True):
        assert 0 <= len(tokens) // 2 - len(prompt) <= 1
    completed = recipe.complete(predict, prompts)
    assert [(*tokens, "END") for tokens in completed] == expected
    assert recipe.pass_rate(predict, prompts) == 1


def always(*tokens):
    """A `predict` that knows nothing but these tokens, all equally likely."""

    def predict(rows):
        probabilities = np.zeros((len(rows), len(TOKENS)))
        probabilities[:, [TOKENS.index(token) for token in tokens]] = 1 / len(tokens)
        return probabilities

    return predict


def test_completed_blindly_none_passes(test_set):
    assert recipe.pass_rate(always(*TOKENS), recipe.prompts(test_set, recipe.COMPLETIONS)) < 0.05


def test_completion_keeps_the_prompt_and_ends(test_set):
    prompts = recipe.prompts(test_set, count=4)
    endless = recipe.complete(always("a"), prompts)
    for prompt, tokens in zip(prompts, endless, strict=True):
        assert [TOKENS.index(token) for token in tokens[: len(prompt)]] == list(prompt)
        assert len(tokens) == recipe.MAX_LENGTH
        assert set(tokens[len(prompt) :]) == {"a"}
    at_once = recipe.complete(always("END"), prompts)
    assert list(map(len, at_once)) == list(map(len, prompts))


def test_padding_is_never_generated():
    """However likely: it would read as the end of what is known."""
    probabilities = np.full((2, len(TOKENS)), 0.001)
    probabilities[:, 0] = 0.9
    completed = recipe.complete(lambda rows: probabilities[: len(rows)], [np.array([4])] * 2)
    assert "" not in [token for tokens in completed for token in tokens]
    assert probabilities[0, 0] == 0.9, "the caller's array is changed"


def test_ngram_model_counts_up_to_the_last_token_of_each_row():
    inputs = np.array([[2, 3, 4, 2, 3, 0]])
    targets = np.array([[3, 4, 2, 3, 5, 0]])
    weights = (targets > 0).astype("float32")
    data = tf.data.Dataset.from_tensors((inputs, targets, weights))
    model = recipe.ngram_model(data, order=3)

    def after(*tokens):
        probabilities = model.predict(np.array([tokens]))[0]
        return {int(token): probabilities[token] for token in np.flatnonzero(probabilities)}

    assert after(2, 3) == {4: 0.5, 5: 0.5}
    assert after(4, 2, 3) == {4: 0.5, 5: 0.5}  # two tokens are seen, not three
    assert after(9, 2) == {3: 1.0}  # the pair is unknown: the last one
    assert after(9, 9) == {2: 0.2, 3: 0.4, 4: 0.2, 5: 0.2}  # how often each follows anything


def test_network_does_not_see_ahead_and_evaluates_its_pass_rate(test_set):
    keras.utils.set_random_seed(0)
    model = recipe.build_model(embed_dim=16, depth=1, steps=10)
    inputs, _, _ = to_numpy(test_set)
    tokens = inputs[:2]
    whole = model.predict_on_batch(tokens)
    assert whole.shape == (2, 63, len(TOKENS))
    np.testing.assert_allclose(model.predict_on_batch(tokens[:, :20]), whole[:, :20], atol=1e-5)
    predict = model.next_token_predictor()
    for known in (1, 20, 63):
        found = predict(tokens[:, :known])
        np.testing.assert_allclose(found, whole[:, known - 1], atol=1e-5)
    scores = model.evaluate(test_set, return_dict=True, verbose=0)
    assert set(scores) == {"loss", "accuracy", "pass_rate"}
    prompts = recipe.prompts(test_set, recipe.COMPLETIONS)
    assert scores["pass_rate"] == recipe.pass_rate(predict, prompts)

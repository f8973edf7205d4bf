"""The functions of the grammar are Python, and `problem` finds what is none."""

import pytest

from recipes.datasets.python_functions import TOKENS, as_code, functions, problem


@pytest.fixture(scope="module")
def some():
    return functions(2000, 64, seed=0)


def test_all_are_right(some):
    assert [problem(as_code(tokens[:-1])) for tokens in some] == [None] * len(some)


def test_different_short_and_of_known_tokens(some):
    assert len(set(some)) == 2000
    assert max(map(len, some)) <= 64
    assert all(
        tokens[0] == "def" and tokens[-1] == "END" and "END" not in tokens[:-1] for tokens in some
    )
    assert {token for tokens in some for token in tokens} == set(TOKENS[1:])
    assert len(set(TOKENS)) == len(TOKENS)


def test_a_seed_decides(some):
    assert functions(50, 64, seed=0) == some[:50]
    assert not set(functions(50, 64, seed=1)) & set(some)


def test_as_code():
    tokens = [
        "def",
        "mix",
        "(",
        "a",
        ",",
        "b",
        ")",
        ":",
        "\n    ",
        "if",
        "a",
        "<",
        "3",
        ":",
        "\n        ",
        "c",
        "=",
    ]
    tokens += [
        "min",
        "(",
        "a",
        ",",
        "(",
        "b",
        "+",
        "1",
        ")",
        ")",
        "\n    ",
        "return",
        "(",
        "a",
        "*",
        "b",
        ")",
    ]
    assert (
        as_code(tokens)
        == "def mix(a, b):\n    if a < 3:\n        c = min(a, (b + 1))\n    return (a * b)"
    )


@pytest.mark.parametrize(
    ("body", "said"),
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
def test_problem(body, said):
    assert problem(f"def step(a):\n    {body}") == said

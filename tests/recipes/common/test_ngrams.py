"""N-gram models against their recursive definitions, written with dictionaries."""

import collections
import doctest
from itertools import pairwise

import numpy as np
import pytest

from recipes.common import ngrams
from recipes.common.ngrams import NGramModel

TEXT = (
    "en un lugar de la mancha de cuyo nombre no quiero acordarme no ha mucho que vivía "
    "un hidalgo es"
)
LETTERS = sorted({*TEXT, "z"})  # z: in the vocabulary, and never seen


def codes(text):
    return np.array([LETTERS.index(letter) for letter in text])


def following(texts, context):
    """How often each letter follows a context; the first letter of a text follows nothing."""
    counts = collections.Counter()
    for text in texts:
        for end in range(max(1, len(context)), len(text)):
            if text[end - len(context) : end] == context:
                counts[text[end]] += 1
    return counts


def witten_bell(texts, context, letter):
    lower = witten_bell(texts, context[1:], letter) if context else 1 / len(LETTERS)
    counts = following(texts, context)
    if not counts:
        return lower
    return (counts[letter] + len(counts) * lower) / (counts.total() + len(counts))


def longest(texts, context, letter):
    """Without smoothing: the longest end of the context that was seen decides."""
    counts = following(texts, context)
    if not counts:
        return longest(texts, context[1:], letter)
    return counts[letter] / counts.total()


def kneser_ney(texts, context, letter, order, discount):
    n = len(context)
    lower = kneser_ney(texts, context[1:], letter, order, discount) if n else 1 / len(LETTERS)
    if n == order - 1:
        counts = following(texts, context)
    else:
        found = set()  # different n-grams with one letter before them
        for text in texts:
            for end in range(order - 1, len(text)):
                found.add(text[end - n - 1 : end + 1])
        counts = collections.Counter(ngram[-1] for ngram in found if ngram[1:-1] == context)
    if not counts:
        return lower
    kept = max(counts[letter] - discount, 0)
    return (kept + discount * len(counts) * lower) / counts.total()


TEXTS = [TEXT[:40], TEXT[40:]]
NEW = ["de la mancha que no quiso nombrar"[:24], "hazme un lugar"]


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize(
    ("smoothing", "definition"),
    [
        ("witten_bell", witten_bell),
        (None, longest),
        (
            "kneser_ney",
            lambda texts, context, letter, order: kneser_ney(texts, context, letter, order, 0.7),
        ),
    ],
)
def test_against_the_definition(order, smoothing, definition):
    model = NGramModel([codes(t) for t in TEXTS], len(LETTERS), order, smoothing, discount=0.7)
    expected = []
    arguments = (order,) if smoothing == "kneser_ney" else ()
    for text in NEW:
        for end in range(1, len(text)):
            context = text[max(0, end - order + 1) : end]
            expected.append(definition(TEXTS, context, text[end], *arguments))
    found = model.score([codes(text) for text in NEW])
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("smoothing", ["witten_bell", "kneser_ney", None])
def test_distributions_add_up_to_one_and_are_what_score_says(smoothing):
    model = NGramModel([codes(text) for text in TEXTS], len(LETTERS), 4, smoothing)
    contexts = np.array([codes(text) for text in ("a man", "zzzzz", "n la ")])
    p = model.predict(contexts)
    np.testing.assert_allclose(p.sum(1), 1)
    for context, row in zip(contexts, p, strict=True):
        for letter in (0, 5, 11):
            assert row[letter] == model.score([[*context, letter]])[-1]
    short = model.predict(contexts[:, -1:])
    assert short[0, 3] == model.score([[contexts[0, -1], 3]])[0]


@pytest.mark.parametrize("smoothing", ["witten_bell", "kneser_ney"])
def test_smoothing_leaves_something_for_all(smoothing):
    model = NGramModel([codes(text) for text in TEXTS], len(LETTERS), 4, smoothing)
    assert model.predict([codes("la m")])[0, LETTERS.index("z")] > 0


def test_longer_contexts_tell_more_of_a_text_that_was_seen():
    """Each context longer than the last, the text itself costs fewer bits."""
    bits = []
    for order in (1, 2, 3, 4):
        model = NGramModel([codes(TEXT)], len(LETTERS), order, "witten_bell")
        bits.append(-np.log2(model.score([codes(TEXT)])).mean())
    assert all(longer < shorter for shorter, longer in pairwise(bits))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"smoothing": "laplace"}, "laplace"),
        ({"order": 0}, "at least 1"),
        ({"order": 14}, "64 bits"),
        ({"order": 5}, "no sequence has 5 tokens"),
        ({"sequences": []}, "no sequence has 2 tokens"),
    ],
)
def test_what_cannot_be_is_said(arguments, message):
    arguments = {"sequences": [[0, 1, 2, 3]], "size": 26, "order": 2, **arguments}
    with pytest.raises(ValueError, match=message):
        NGramModel(**arguments)


def test_the_example_of_the_docstring_holds():
    results = doctest.testmod(ngrams)
    assert results.attempted
    assert not results.failed

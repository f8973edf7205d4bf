"""Words in the order of their scores, and the sums of a phrase, by hand."""

import pytest

from recipes.heads.figures import head_binary_sentiment as figures

SCORES = {"": 9.0, "[UNK]": -9.0, "a": 1.0, "not": -2.0, "film": 3.0, "not a": 0.5}


def test_extremes_leave_out_padding_and_the_unknown_word():
    lowest, highest = figures.extremes(SCORES, count=2)
    assert lowest == [("not", -2.0), ("not a", 0.5)]
    assert highest == [("film", 3.0), ("a", 1.0)]


def test_a_phrase_is_the_sum_of_its_words_and_of_its_bigrams():
    of_words, of_bigrams = figures.phrase_scores(SCORES, "not a film")
    assert of_words == pytest.approx(-2 + 1 + 3)
    assert of_bigrams == pytest.approx(0.5 - 9)  # "a film" is unknown
    assert figures.phrase_scores(SCORES, "good") == (-9, 0)

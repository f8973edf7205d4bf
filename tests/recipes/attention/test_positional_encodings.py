"""M13 to M16: order without and with codes, the slides' codings, and what sinusoids keep (N47, N48)."""

import numpy as np
import pytest

from recipes.attention import positional_encodings as recipe


@pytest.mark.parametrize("coding", [None, "sinusoidal", "binary", "integer"])
def test_only_with_codes_a_permuted_sentence_is_another(coding):
    difference = recipe.permutation_matters(recipe.network(coding))
    assert difference < 1e-5 if coding is None else difference > 0.01


def test_codings_of_the_slide():
    assert recipe.codes(range(1, 7), 4, "integer").tolist() == [[p] * 4 for p in range(1, 7)]
    rows = ["".join(map(str, row)) for row in recipe.codes(range(1, 7), 4, "binary").astype(int)]
    assert rows == ["0001", "0010", "0011", "0100", "0101", "0110"]
    expected = [0.9093, -0.4161, 0.1987, 0.9801, 0.0200, 0.9998, 0.0020, 1.0000]
    assert recipe.codes([2], 8, "sinusoidal")[0] == pytest.approx(expected, abs=5e-5)


def test_printed_formula_divides_by_zero():
    printed = recipe.codes(range(1, 7), 8, "printed")
    assert not np.isfinite(printed[:, 0]).any()
    assert printed[:, 1:] == pytest.approx(np.sin(np.arange(1, 7)[:, None] / np.arange(1, 8)))


@pytest.mark.parametrize("shift", [1, 7, 100])
def test_further_on_is_a_rotation(shift):
    matrix = recipe.rotation(shift, 32)
    assert matrix @ matrix.T == pytest.approx(np.eye(32))
    here, there = (
        recipe.codes(range(start, start + 500), 32, "sinusoidal") for start in (0, shift)
    )
    assert np.abs(here @ matrix.T - there).max() < 1e-4


def test_what_stays_the_same_everywhere():
    norms, gaps = {}, {}
    for coding in ("integer", "binary", "sinusoidal"):
        code = recipe.codes(range(128), 64, coding)
        norms[coding], gaps[coding] = (
            np.linalg.norm(code, axis=1),
            np.linalg.norm(np.diff(code, axis=0), axis=1),
        )
    assert norms["integer"] == pytest.approx(8 * np.arange(128))
    assert norms["sinusoidal"] == pytest.approx(32**0.5, rel=1e-5)
    assert np.ptp(gaps["sinusoidal"]) < 1e-4
    assert gaps["binary"][[0, 1, 7, 63]] ** 2 == pytest.approx([1, 2, 4, 7])  # digits that change


def test_integers_take_attention_away_from_the_words():
    assert recipe.share_seen("integer", 128, draws=3) < 0.05
    assert recipe.share_seen("sinusoidal", 128, draws=3) > 0.3

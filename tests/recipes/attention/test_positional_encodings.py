"""M13 to M16: order without and with positional encodings, those of the slides, and N47, N48."""

import numpy as np
import pytest

from recipes.attention import positional_encodings as recipe


@pytest.mark.parametrize("encoding", [None, "sinusoidal", "binary", "integer"])
def test_only_encodings_make_a_permuted_sentence_another(encoding):
    difference = recipe.permutation_difference(recipe.attention_network(encoding))
    if encoding is None:
        assert difference < 1e-5
    else:
        assert difference > 0.01


def test_encodings_of_the_slide():
    assert recipe.encode(range(1, 7), 4, "integer").tolist() == [[p] * 4 for p in range(1, 7)]
    rows = ["".join(map(str, row)) for row in recipe.encode(range(1, 7), 4, "binary").astype(int)]
    assert rows == ["0001", "0010", "0011", "0100", "0101", "0110"]
    expected = [0.9093, -0.4161, 0.1987, 0.9801, 0.0200, 0.9998, 0.0020, 1.0000]
    assert recipe.encode([2], 8, "sinusoidal")[0] == pytest.approx(expected, abs=5e-5)


def test_printed_formula_divides_by_zero():
    printed = recipe.encode(range(1, 7), 8, "printed")
    assert not np.isfinite(printed[:, 0]).any()
    assert printed[:, 1:] == pytest.approx(np.sin(np.arange(1, 7)[:, None] / np.arange(1, 8)))


@pytest.mark.parametrize("shift", [1, 7, 100])
def test_further_on_is_a_rotation(shift):
    matrix = recipe.rotation(shift, 32)
    assert matrix @ matrix.T == pytest.approx(np.eye(32))
    here = recipe.encode(range(500), 32, "sinusoidal")
    there = recipe.encode(range(shift, shift + 500), 32, "sinusoidal")
    assert np.abs(here @ matrix.T - there).max() < 1e-4


def test_norms_and_distances_of_neighbors():
    norms = {}
    distances = {}
    for encoding in ("integer", "binary", "sinusoidal"):
        encoded = recipe.encode(range(128), 64, encoding)
        norms[encoding] = np.linalg.norm(encoded, axis=1)
        distances[encoding] = np.linalg.norm(np.diff(encoded, axis=0), axis=1)
    assert norms["integer"] == pytest.approx(8 * np.arange(128))
    assert norms["sinusoidal"] == pytest.approx(32**0.5, rel=1e-5)
    assert np.ptp(distances["sinusoidal"]) < 1e-4
    # The squared distance is the number of digits that change.
    assert distances["binary"][[0, 1, 7, 63]] ** 2 == pytest.approx([1, 2, 4, 7])


def test_attended_share():
    one_key_takes_all = np.eye(5)[[2, 2, 0, 1, 2]]
    assert recipe.attended_share(np.full((3, 5), 0.2)) == pytest.approx(1)
    assert recipe.attended_share(one_key_takes_all) == pytest.approx(0.2)
    half_and_half = np.array([[0.5, 0.0, 0.5, 0.0], [0.0, 1.0, 0.0, 0.0]])
    assert recipe.attended_share(half_and_half) == pytest.approx((2 / 4 + 1 / 4) / 2)


def test_integers_take_attention_away_from_the_words():
    assert recipe.mean_attended_share("integer", 128, samples=3) < 0.05
    assert recipe.mean_attended_share("sinusoidal", 128, samples=3) > 0.3

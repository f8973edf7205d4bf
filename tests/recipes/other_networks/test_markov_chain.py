"""Z11: transition matrix, stationary distribution and perplexity, on chains solved by hand."""

import numpy as np
import pytest

from recipes._runner import data
from recipes.common.ngrams import NGramModel
from recipes.other_networks import markov_chain as recipe

WEATHER = np.array([[0.9, 0.1], [0.5, 0.5]])  # stationary: 5/6 and 1/6; eigenvalues 1 and 0.4


def test_letters_without_accents_and_one_space_for_the_rest():
    text = "".join(
        recipe.ALPHABET[number] for number in recipe.encode("¡Ay, Señor!\nÚltimo güe-k 7")
    )
    assert text == " ay señor ultimo gue k "


def test_transition_matrix_counts_what_follows():
    found = recipe.transition_matrix([0, 1, 0, 1, 0, 0, 2], 4)
    expected = [[1 / 4, 2 / 4, 1 / 4, 0], [1, 0, 0, 0], [1 / 4] * 4, [1 / 4] * 4]
    np.testing.assert_allclose(found, expected)


def test_stationary_distribution_is_left_as_it_is():
    np.testing.assert_allclose(recipe.stationary_distribution(WEATHER), [5 / 6, 1 / 6])
    matrix = np.random.default_rng(0).random((7, 7))
    matrix /= matrix.sum(axis=1, keepdims=True)
    found = recipe.stationary_distribution(matrix)
    np.testing.assert_allclose(found @ matrix, found, atol=1e-12)
    np.testing.assert_allclose(np.linalg.matrix_power(matrix, 200)[3], found, atol=1e-12)


def test_each_step_forgets_by_the_second_eigenvalue():
    assert recipe.second_eigenvalue(WEATHER) == pytest.approx(0.4)
    found = recipe.distances(WEATHER, start=1, steps=5)
    np.testing.assert_allclose(found, 5 / 6 * 0.4 ** np.arange(5))


def test_a_long_simulation_spends_its_time_as_the_eigenvector_says():
    walk = recipe.simulate(WEATHER, 40_000, start=1)
    assert np.mean(walk == 0) == pytest.approx(5 / 6, abs=0.01)
    np.testing.assert_allclose(recipe.transition_matrix(walk, 2), WEATHER, atol=0.015)
    assert recipe.simulate(np.array([[0.0, 1.0], [1.0, 0.0]]), 4, start=0).tolist() == [1, 0, 1, 0]


def test_perplexity_of_equal_letters_is_their_number():
    letters = np.arange(8).repeat(50)
    model = NGramModel([letters], size=8, order=1)
    assert recipe.perplexity(model, letters) == pytest.approx(8, rel=0.01)
    alternating = np.tile([0, 1], 50)
    assert recipe.perplexity(NGramModel([alternating], 8, 2), alternating) == pytest.approx(1)


def test_texts_look_back_as_far_as_their_order(monkeypatch):
    """After two letters "cabcab…" is certain; after none all three are equally likely."""
    monkeypatch.setattr(recipe, "SAMPLE_LENGTH", 60)
    letters = recipe.encode(" " + "abc" * 100)
    size = len(recipe.ALPHABET)
    assert recipe.write(NGramModel([letters], size, 3)) == "abc" * 20
    shuffled = recipe.write(NGramModel([letters], size, 1))
    assert set(shuffled) == set("abc")
    assert "aa" in shuffled or "bb" in shuffled


def test_new_text_is_that_of_other_chapters():
    data.choose(["don_quijote"], stand_in=True, rows=20)
    letters, new = recipe.load_text()
    assert len(letters) > 5 * len(new) > 0
    assert letters.max() < len(recipe.ALPHABET)
    text = letters.tobytes()
    assert new[200:400].tobytes() not in text


def test_the_title_names_the_best_order():
    known, new = {0: 18.0, 2: 9.0, 5: 3.0}, {0: 18.1, 2: 9.5, 5: 9.9}
    axis = recipe.plot_perplexity(known, new).axes[0]
    assert axis.get_title().endswith("order 2")
    np.testing.assert_array_equal(axis.lines[1].get_ydata(), list(new.values()))
    recipe.plt.close("all")

"""Windows, pronunciations and counts by hand; the paper's network."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.applications import nettalk as recipe
from recipes.applications.figures import nettalk as figures


@pytest.mark.slides
def test_the_published_network():
    """7 × 29 inputs, 80 hidden neurons, 26 outputs: 18,320 weights, a bias for each neuron."""
    letters = keras.Input((7,), dtype="int32")
    model = keras.Model(letters, recipe.nettalk(letters))
    hidden, outputs = (layer for layer in model.layers if isinstance(layer, keras.layers.Dense))
    assert hidden.kernel.shape == (203, 80)
    assert hidden.kernel.shape[0] * 80 + 80 * 26 == 18_320
    assert outputs.kernel.shape == (80, 26)
    assert model.count_params() == 18_320 + 80 + 26 == 18_426


def test_windows_of_a_word_by_hand():
    found = ["".join(recipe.LETTERS[number] for number in row) for row in recipe.windows("word")]
    assert found == ["   word", "  word ", " word  ", "word   "]


def test_each_letter_is_read_beside_its_own_sound():
    words = tf.data.Dataset.from_tensors({"word": "phone", "phonemes": "f-on-", "stress": ">>1<<"})
    letters, said = recipe.letters_and_sounds(words)
    assert "".join(recipe.LETTERS[number] for number in letters[:, 3]) == "phone"
    assert "".join(recipe.PHONEMES[number] for number in said["phoneme"]) == "f-on-"
    assert "".join(recipe.STRESSES[number] for number in said["stress"]) == ">>1<<"


def test_the_alphabet_is_the_corpus_own():
    assert len(recipe.PHONEMES) == len(set(recipe.PHONEMES)) == 51
    assert recipe.IPA["-"] == ""
    assert recipe.IPA["@"] == "æ"


class Speller:
    """Says for each letter the phoneme that is written like it, for others "-"."""

    def predict(self, letters, **keywords):
        answers = np.zeros((len(letters), 51))
        for row, number in zip(answers, letters[:, 3], strict=True):
            row[max(0, recipe.PHONEMES.find(recipe.LETTERS[number]))] = 1
        return {"phoneme": answers}


def test_words_are_said_one_by_one():
    assert recipe.pronounced(Speller(), "by a ship") == "bj ɑ ship"


def test_the_most_frequent_sound_of_each_letter():
    letters = np.concatenate([recipe.windows("cace"), recipe.windows("cc")])
    said = np.array([5, 1, 5, 2, 7, 5])
    table = recipe.most_frequent(letters, said, 9)
    assert table[recipe.LETTERS.index("c")] == 5
    assert table[recipe.LETTERS.index("a")] == 1
    assert table[recipe.LETTERS.index("e")] == 2


def test_accuracies_of_letters_by_hand():
    letters = recipe.windows("abba")
    right = np.array([True, True, False, False])
    assert figures.accuracy_by_letter(letters, right) == {"a": 0.5, "b": 0.5}
    right = np.array([False, True, True, False])
    assert list(figures.accuracy_by_letter(letters, right).items()) == [("b", 1), ("a", 0)]


def test_damage_leaves_the_network_itself_alone(monkeypatch):
    keras.utils.set_random_seed(0)
    model = recipe.build_model(hidden=3)
    before = model.get_weights()
    letters = recipe.windows("letters")
    answers = model.predict(letters, verbose=0)["phoneme"].argmax(axis=-1)
    monkeypatch.setattr(figures, "DAMAGE", (0, 30))
    monkeypatch.setattr(figures, "REPEATS", 2)
    accuracies = figures.accuracy_by_damage(model, letters, answers)
    assert accuracies.shape == (2, 2)
    assert np.all(accuracies[0] == 1)
    assert accuracies[1].mean() < 0.6
    for weights, same in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, same)

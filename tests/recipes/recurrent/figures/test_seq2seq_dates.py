"""What the pictures show is read from networks whose answers are known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.recurrent import seq2seq_dates as recipe
from recipes.recurrent.figures import seq2seq_dates as figures

ANSWER = "1999-05-03"


class SureOfOnePlace(keras.layers.Layer):
    """Writes the answer, surely if the character at place 2 can be read."""

    def call(self, characters):
        symbols = tf.constant(recipe.symbols([ANSWER]))
        sure = tf.one_hot(symbols, 11)
        unsure = 0.75 * sure + 0.25 / 11
        readable = tf.cast(characters[:, 2] != figures.UNKNOWN, "float32")[:, None, None]
        return readable * sure + (1 - readable) * unsure


@pytest.fixture
def model():
    characters = keras.Input((recipe.LENGTH,), dtype="int32")
    return keras.Model(characters, SureOfOnePlace()(characters))


def test_an_answer_depends_on_what_it_becomes_unlikely_without(model):
    answer, falls = figures.dependence(model, "3-5-1999")
    assert answer == ANSWER
    expected = np.zeros((10, 8))
    expected[:, 2] = 0.25 - 0.25 / 11
    assert falls == pytest.approx(expected, abs=1e-6)


def test_share_of_right_characters_by_place(model):
    characters = np.full((2, recipe.LENGTH), 5)
    symbols = recipe.symbols([ANSWER, "1999-05-04"])
    test = tf.data.Dataset.from_tensor_slices((characters, symbols)).batch(2)
    assert figures.right_by_place(model, test).tolist() == [1.0] * 9 + [0.5]


def test_codes_are_the_encoders_states():
    model = recipe.build_model(code=3, units=4)
    assert figures.codes(model, [figures.DATE]).shape == (1, 3)

"""The weights are those of the words beside them, and no word is lost between the lines."""

import keras
import numpy as np
import tensorflow as tf

from recipes.attention import imdb_transformer as recipe
from recipes.attention.figures import imdb_transformer


def test_attention_weights_are_those_of_the_words():
    texts = ["not good but bad", "a film of which much has been said"]
    train = tf.data.Dataset.from_tensor_slices((texts, [0, 1])).batch(2)
    keras.utils.set_random_seed(0)
    model = recipe.build_model(train=train)
    words, weights = imdb_transformer.attention_weights(model, "Not good, but terrible")
    assert words == ["not", "good", "but", "[UNK]"]
    assert weights.shape == (2, 4, 4)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)


def test_attention_received_is_summed_over_queries():
    heads = [[[0.7, 0.2, 0.1]] * 3, [[0.9, 0.1, 0.0]] * 3]  # all queries attend to the first key
    received = imdb_transformer.attention_received(np.array(heads))
    np.testing.assert_allclose(received, [2.4, 0.45, 0.15])


def test_lines_break_before_the_word_that_is_too_long():
    words = ["four", "six", "a", "extraordinarily", "b"]
    places = imdb_transformer.break_lines(words, length=8)
    assert places == [(0, 0), (0, 5), (1, 0), (2, 0), (3, 0)]

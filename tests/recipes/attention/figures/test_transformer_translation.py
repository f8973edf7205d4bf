"""Weights and words in the pictures are those of the decoder that generated the translation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.attention import transformer_translation as recipe
from recipes.attention.figures import transformer_translation as pictures

SENTENCE = "The cat, a student!"


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    english = ["the", "cat", "a", "student", ",", "!"]
    spanish = [recipe.START, recipe.END, "el", "gato", "un", "estudiante"]
    return recipe.Translator(english, spanish, embed_dim=16, depth=2, dropout=0.0)


def test_cross_attention_has_a_row_for_each_generated_word(model):
    target_words, source_words, weights = pictures.cross_attention(model, SENTENCE)
    assert source_words == ["the", "cat", ",", "a", "student", "!"]
    tokens = model.generate(tf.constant([SENTENCE]))
    assert target_words == [model.spanish_vocabulary[token] for token in tokens[0, 1:]]
    assert weights.shape == (len(target_words), 6)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    # The source reversed: what was attended to is now at the other end.
    source = model.english_tokenizer([SENTENCE])
    encoded, mask = model.transformer.encode(source)
    turned = model.transformer.decode(tokens[:, :-1], encoded[:, ::-1], mask)[1]
    np.testing.assert_allclose(np.mean(turned[0], axis=0)[:, ::-1], weights, atol=1e-5)


def test_the_likeliest_words_come_first_and_are_those_generated(model):
    steps = pictures.likeliest_words(model, SENTENCE, count=8)
    tokens = model.generate(tf.constant([SENTENCE]))
    assert len(steps) == tokens.shape[1] - 1
    allowed = {recipe.END, "el", "gato", "un", "estudiante"}
    for words, token in zip(steps, tokens[0, 1:], strict=True):
        probabilities = [probability for _, probability in words]
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        first = next(word for word, _ in words if word in allowed)
        assert first == model.spanish_vocabulary[token]

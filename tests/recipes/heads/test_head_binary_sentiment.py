"""The logit is a mean of scores, empty texts do no harm, and bigrams understand a negation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.heads import head_binary_sentiment as recipe
from recipes.heads.figures import head_binary_sentiment as figures

TEXTS = [
    "good",
    "not good",
    "bad",
    "not bad",
    "a good film",
    "not a bad film",
    "a bad film",
    "a film not good",
]
LABELS = [1, 0, 0, 1, 1, 1, 0, 0]


@pytest.fixture(scope="module")
def train():
    return tf.data.Dataset.from_tensor_slices((TEXTS, LABELS)).batch(4)


def model_of(train, **arguments):
    return recipe.build_model(train=train, **{"embed_dim": 4, "vocabulary": 100, **arguments})


def predict(model, *texts):
    return np.asarray(model(tf.constant(texts)))[:, 0]


def test_the_vocabulary_holds_words_and_bigrams_and_may_be_smaller_than_asked(train):
    model = model_of(train, embed_dim=8, vocabulary=200_000)
    vocabulary = model.get_layer("vectorize").get_vocabulary()
    assert {"good", "not good", "a bad"} <= set(vocabulary)
    assert len(vocabulary) == 16  # 2 for padding and the unknown word, 5 words, 9 bigrams
    assert model.count_params() == 16 * 8 + 8 + 1
    full = f"200,000 there are {200_000 * 8 + 8 + 1:,}"
    assert full in " ".join(recipe.__doc__.split())


def test_the_logit_is_the_mean_of_what_words_and_bigrams_say_alone(train):
    model = model_of(train)
    scores = figures.word_scores(model)
    _, bias = model.get_layer("head").get_weights()
    parts = ["not", "a", "bad", "film", "not a", "a bad", "bad film"]
    logit = np.mean([scores[part] for part in parts]) + bias[0]
    # In a batch with a longer text, so that padding has to be left out of the mean.
    p = predict(model, "Not a BAD film!", "good good good good good good good good")[0]
    assert np.log(p / (1 - p)) == pytest.approx(logit, abs=1e-5)


def test_a_text_without_words_gives_a_number(train):
    """A mean over nothing would be 0 / 0, and one such text would turn the whole loss to NaN."""
    model = model_of(train)
    model.get_layer("head").bias.assign([1.0])
    empty = predict(model, "", "!!!", "good")[:2]
    np.testing.assert_allclose(empty, 1 / (1 + np.exp(-1)), rtol=1e-6)


def test_bigrams_tell_negations_apart():
    """To single words the four are an exclusive or: "not" and "bad" can only add up."""
    train = tf.data.Dataset.from_tensor_slices((TEXTS[:4], LABELS[:4])).batch(4)
    keras.utils.set_random_seed(0)
    model = model_of(train, dropout=0.0, learning_rate=0.1, steps=200)
    for texts, labels in train.repeat(60):
        model.train_on_batch(texts, labels)
    np.testing.assert_array_equal(predict(model, *TEXTS[:4]) > 0.5, LABELS[:4])


def test_the_baseline_knows_bigrams(train):
    assert recipe.baseline(train, train)["accuracy"] == 1

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.heads.head_binary_sentiment import baseline, build_model

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
    return build_model(train=train, **{"units": 4, "vocabulary": 100, **arguments})


def predict(model, *texts):
    return np.asarray(model(tf.constant(texts)))[:, 0]


def test_both_apis_make_the_same_network(train):
    sequential, functional = (model_of(train, api=api) for api in ("sequential", "functional"))
    functional.set_weights(sequential.get_weights())
    np.testing.assert_allclose(predict(functional, *TEXTS), predict(sequential, *TEXTS), rtol=1e-6)


def test_vocabulary_holds_words_and_pairs_and_may_be_smaller_than_asked(train):
    model = model_of(train, units=8, vocabulary=200_000)
    vocabulary = model.get_layer("vectorize").get_vocabulary()
    assert {"good", "not good", "a bad"} <= set(vocabulary)
    assert len(vocabulary) == 16  # 2 for padding and the unknown word, 5 words, 9 pairs
    assert model.count_params() == 16 * 8 + 8 + 1


def test_logit_is_the_mean_of_what_words_and_pairs_say_alone(train):
    model = model_of(train)
    number = {
        word: index for index, word in enumerate(model.get_layer("vectorize").get_vocabulary())
    }
    kernel, bias = model.get_layer("head").get_weights()
    scores = model.get_layer("words").get_weights()[0] @ kernel[:, 0]
    parts = ["not", "a", "bad", "film", "not a", "a bad", "bad film"]
    logit = np.mean([scores[number[part]] for part in parts]) + bias[0]
    # in a batch with a longer text, so that padding has to be left out of the mean
    p = predict(model, "Not a BAD film!", "good good good good good good good good")[0]
    assert np.log(p / (1 - p)) == pytest.approx(logit, abs=1e-5)


def test_a_text_without_words_gives_a_number(train):
    """A mean over nothing would be 0 / 0, and one such text would turn the whole loss to NaN."""
    model = model_of(train)
    model.get_layer("head").bias.assign([1.0])
    np.testing.assert_allclose(
        predict(model, "", "!!!", "good")[:2], 1 / (1 + np.exp(-1)), rtol=1e-6
    )


def test_pairs_tell_negations_apart():
    """To single words the four are an exclusive or: "not" and "bad" can only add up."""
    train = tf.data.Dataset.from_tensor_slices((TEXTS[:4], LABELS[:4])).batch(4)
    keras.utils.set_random_seed(0)
    model = model_of(train, dropout=0.0, learning_rate=0.1, steps=200)
    for texts, labels in train.repeat(60):
        model.train_on_batch(texts, labels)
    np.testing.assert_array_equal(predict(model, *TEXTS[:4]) > 0.5, LABELS[:4])


def test_baseline_is_scored_like_the_model(train):
    assert baseline(train, train)["accuracy"] == 1

"""R6, R10, R11: texts of any length, each alone as in a batch; the order of words."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.common.arrays import to_numpy
from recipes.recurrent import sentiment_lstm as recipe
from recipes.recurrent.figures.sentiment_lstm import predict_positive

TEXTS = [
    "a good film",
    "bad",
    "i loved it and the actors are good but it is long " * 4,
    "not bad",
    "not good at all",
]


def model(network):
    # Answers of untrained networks lie so close that chance can make two equal.
    keras.utils.set_random_seed(0)
    train = tf.data.Dataset.from_tensors((np.array(TEXTS), np.array([1, 0, 1, 1, 0])))
    return recipe.build_model(network, vocabulary=30, train=train)


@pytest.mark.parametrize("network", recipe.VARIANTS)
def test_a_text_gets_the_same_answer_alone_as_among_longer_ones(network):
    network = model(network)
    together = predict_positive(network, TEXTS)
    alone = [predict_positive(network, [text])[0] for text in TEXTS]
    assert together == pytest.approx(alone, abs=1e-6)
    assert len({round(float(answer), 5) for answer in together}) == len(TEXTS)


def test_only_a_bag_of_words_does_not_mind_the_order():
    for name in recipe.VARIANTS:
        one, other = predict_positive(model(name), ["good film not bad", "bad film not good"])
        assert (abs(one - other) < 1e-6) == (name == "bag_of_words")


def test_an_unknown_network_is_named():
    with pytest.raises(ValueError, match="bag_of_words, lstm, bidirectional, and not 'gru'"):
        model("gru")


def test_last_words_of_a_review_are_left(monkeypatch):
    reviews = tf.data.Dataset.from_tensor_slices(
        (["one two<br /><br />three four", "short", "a  b\x85c d e"], [0, 1, 1])
    )
    monkeypatch.setattr(recipe.tfds, "load", lambda *args, **kwargs: [reviews] * 3)
    monkeypatch.setattr(recipe, "WORDS", 3)
    _, validation, _ = recipe.load_data()
    texts, labels = to_numpy(validation)
    assert texts.tolist() == [b"two three four", b"short", b"c d e"]
    assert labels.tolist() == [0, 1, 1]


def test_of_a_whole_text_the_network_reads_the_last_words(monkeypatch):
    monkeypatch.setattr(recipe, "WORDS", 3)
    network = model("lstm")
    whole, last = predict_positive(network, ["A bad film? Not, good!", "film not good"])
    assert whole == pytest.approx(last, abs=1e-6)

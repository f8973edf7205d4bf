"""R6, R10, R11: texts of any length, each alone as in a batch; order, which a bag of words does not know."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.recurrent import sentiment_lstm as recipe

TEXTS = [
    "a good film",
    "bad",
    "i loved it and the actors are good but it is long " * 4,
    "not bad",
    "not good at all",
]


def model(network):
    keras.utils.set_random_seed(
        0
    )  # answers of untrained networks lie so close that chance can make two equal
    train = tf.data.Dataset.from_tensors((np.array(TEXTS), np.array([1, 0, 1, 1, 0])))
    return recipe.build_model(network, vocabulary=30, train=train)


@pytest.mark.parametrize("network", recipe.VARIANTS)
def test_a_text_gets_the_same_answer_alone_as_among_longer_ones(network):
    network = model(network)
    together = recipe.positive(network, TEXTS)
    alone = [recipe.positive(network, [text])[0] for text in TEXTS]
    assert together == pytest.approx(alone, abs=1e-6)
    assert len({round(float(answer), 5) for answer in together}) == len(TEXTS)


def test_only_a_bag_of_words_does_not_mind_the_order():
    for name in recipe.VARIANTS:
        one, other = recipe.positive(model(name), ["good film not bad", "bad film not good"])
        assert (abs(one - other) < 1e-6) == (name == "bag_of_words")


def test_dog_bites_man():
    assert recipe.dog_bites_man("lstm") == 1
    assert recipe.dog_bites_man("bag_of_words", epochs=2) == 0.5


def test_shuffled_texts_have_the_same_words():
    texts = np.array([text.encode() for text in TEXTS])
    mixed = recipe.shuffled(texts)
    assert [sorted(text.split()) for text in mixed] == [sorted(text.split()) for text in TEXTS]
    assert mixed[2] != TEXTS[2]


def test_parameters():
    train = tf.data.Dataset.from_tensors((np.array(TEXTS), np.zeros(5)))
    assert (
        recipe.build_model(train=train).count_params()
        == 20_000 * 32 + 4 * (32 * (32 + 32) + 32) + 33
        == 648_353
    )

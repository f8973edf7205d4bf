"""One encoder block on reviews: its parameters, what it reads, and what it does not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.attention import imdb_transformer as recipe

TEXTS = [
    "not good but bad",
    "not bad but good",
    "good good good",
    "a film of which much has been said and written",
]


def build(**arguments):
    train = tf.data.Dataset.from_tensor_slices((TEXTS, [0, 1, 1, 0])).batch(2)
    keras.utils.set_random_seed(0)
    return recipe.build_model(train=train, **arguments)


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(recipe, "LENGTH", 8)
    return build()


def predict(model, *texts):
    return keras.ops.convert_to_numpy(model(tf.constant(texts)))[:, 0]


def test_parameters():
    """All but 8,513 of 661,313 are in the embeddings of 20,000 words and 400 positions."""
    model = build()
    words = len(model.get_layer("vectorize").get_vocabulary())
    assert model.count_params() == 8_513 + 32 * (words + 400) == 661_313 - 32 * (20_000 - words)
    assert model.get_layer("encoder").count_params() == 4 * 32**2 + 2 * 32 * 64 + 64 + 32 + 4 * 32


def test_padding_is_neither_looked_at_nor_counted(model):
    alone, beside = predict(model, TEXTS[0])[0], predict(model, TEXTS[0], TEXTS[3])[0]
    assert beside == pytest.approx(alone, abs=1e-6)


def test_order_matters_but_not_what_comes_before_the_last_words(model):
    first, second = predict(model, "not good but bad", "not bad but good")
    assert abs(first - second) > 1e-5
    first, second = predict(model, TEXTS[3], "bad" + TEXTS[3].removeprefix("a"))
    assert len(TEXTS[3].split()) > 8
    assert first == pytest.approx(second, abs=1e-7)


def test_last_words():
    texts = tf.constant(["A film, <br />of a <b>kind</b>!", "", " ".join(map(str, range(500)))])
    plain, empty, cut = (text.decode() for text in recipe.last_words(texts).numpy())
    assert (plain, empty) == ("a film of a bkindb", "")
    assert cut.split() == [str(number) for number in range(100, 500)]


def test_a_review_without_words_is_no_trouble(model):
    assert np.isfinite(predict(model, "", "!!!")).all()

"""Comments with exactly one emotion; what the pictures count."""

import numpy as np
import pytest
import tensorflow as tf

from recipes.heads import text_multiclass as recipe
from recipes.heads.figures import text_multiclass as figures
from recipes.heads.text_multiclass import CLASSES

TEXTS = ["Thanks, I love it!", "Why?", "why not?", "love love", "thanks", "ok."]


@pytest.fixture(scope="module")
def train():
    labels = np.array([15, 7, 7, 18, 15, 20])
    return tf.data.Dataset.from_tensor_slices((TEXTS, labels)).batch(3)


def test_comments_with_one_emotion_are_left(monkeypatch):
    emotions = [{"joy"}, {"joy", "love"}, set(), {"surprise"}, {"admiration"}]
    comments = {"comment_text": [f"text {number}" for number in range(5)]}
    for name in CLASSES:
        comments[name] = [name in found for found in emotions]
    data = tf.data.Dataset.from_tensor_slices(comments)
    monkeypatch.setattr(recipe.tfds, "load", lambda name, split: [data] * 3)
    for part in recipe.load_data():
        assert len(part) == 1
        texts, labels = next(iter(part))
        found = dict(zip(texts.numpy(), labels.numpy(), strict=True))
        assert found == {b"text 0": CLASSES.index("joy"), b"text 3": 27, b"text 4": 0}


def parameters(words):
    """Word vectors, filters over two words, 28 units."""
    return words * 64 + (2 * 64 + 1) * 192 + (192 + 1) * 28


def test_parameters_grow_with_the_vocabulary_up_to_what_the_docstring_says(train):
    model = recipe.build_model(train=train)
    words = model.layers[0].vocabulary_size()
    assert words == 13  # 2 for padding and the unknown word, 7 words, 4 marks
    assert model.count_params() == parameters(words)
    assert f"15,000 words there are {parameters(15_000):,}" in " ".join(recipe.__doc__.split())


def test_probabilities_of_as_many_classes_as_asked_for(train):
    model = recipe.build_model(train=train, classes=5)
    outputs = model(tf.constant(TEXTS)).numpy()
    assert outputs.shape == (6, 5)
    np.testing.assert_allclose(outputs.sum(axis=-1), 1, rtol=1e-5)


def test_recall_by_class_and_among_the_likeliest():
    labels = np.array([0, 0, 1, 3])
    probabilities = np.array(
        [[0.6, 0.3, 0.1, 0], [0.2, 0.7, 0.1, 0], [0.1, 0.4, 0.5, 0], [0.4, 0.3, 0.2, 0.1]]
    )
    np.testing.assert_array_equal(figures.recall(labels, probabilities), [0.5, 0, np.nan, 0])
    two = figures.recall(labels, probabilities, among=2)
    np.testing.assert_array_equal(two, [1, 1, np.nan, 0])


def test_common_mistakes_are_counted_by_direction():
    labels = np.array([2, 2, 2, 0, 1, 1])
    answers = np.array([0, 0, 2, 2, 0, 1])
    assert figures.common_mistakes(labels, answers, count=2) == [(2, 2, 0), (1, 0, 2)]
    assert len(figures.common_mistakes(labels, answers)) == 3


def test_mistakes_with_neutral_are_counted_on_either_side():
    neutral, joy, love = (CLASSES.index(name) for name in ("neutral", "joy", "love"))
    labels = np.array([neutral, neutral, joy, joy, love])
    answers = np.array([neutral, joy, neutral, love, joy])
    assert figures.share_with_neutral(labels, answers) == 2 / 4

"""Marks as words, sizes, and why softmax does not learn several labels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.heads import head_multilabel as recipe
from recipes.heads.head_multilabel import CLASSES, THRESHOLD, baseline, build_model

TEXTS = ["Thanks, I love it!", "Why?", "why not?", "love love", "thanks", "ok."]
LABELS = np.zeros((6, 28), "float32")
for row, names in enumerate(
    ["gratitude love", "curiosity", "curiosity", "love", "gratitude", "neutral"]
):
    LABELS[row, [CLASSES.index(name) for name in names.split()]] = 1


@pytest.fixture(scope="module")
def train():
    return tf.data.Dataset.from_tensor_slices((TEXTS, LABELS)).batch(3)


@pytest.fixture(scope="module", params=["sigmoid", "softmax"])
def model(request, train):
    return build_model(head=request.param, train=train)


def predict(model):
    return np.asarray(model(tf.constant(TEXTS)))


def parameters(words):
    """Word vectors, filters over two words, 28 units."""
    return words * 64 + (2 * 64 + 1) * 192 + (192 + 1) * 28


def test_parameters_grow_with_the_vocabulary_up_to_what_the_docstring_says(model):
    words = model.layers[0].vocabulary_size()
    assert words == 13  # 2 for padding and the unknown word, 7 words, 4 marks
    assert model.count_params() == parameters(words)
    assert f"15,000 words there are {parameters(15_000):,}" in " ".join(recipe.__doc__.split())


def test_marks_become_words():
    text = recipe.lower_and_space(tf.constant("Why?! I don't… ça va 😂😂"))
    words = text.numpy().decode().split()
    assert words == ["why", "?", "!", "i", "don't", "…", "ça", "va", "😂", "😂"]


def test_sigmoids_answer_28_questions_and_softmax_one(model):
    sums = predict(model).sum(axis=-1)
    if model.layers[-1].activation is keras.activations.softmax:
        np.testing.assert_allclose(sums, 1, rtol=1e-5)
    else:
        assert sums.min() > 10  # each about 0.5 before training


def test_softmax_cannot_say_yes_to_two(train):
    model = build_model(head="softmax", train=train)
    head = model.layers[-1]
    outputs = np.asarray(head(np.random.default_rng(0).normal(0, 8, (10_000, 192))))
    assert np.sum(outputs > 0.5, axis=-1).max() == 1
    # Four outputs above 0.25 would sum to more than 1.
    assert np.sum(outputs > THRESHOLD, axis=-1).max() <= 3


def test_the_gradient_of_softmax_pushes_the_logits_of_two_labels_up_for_ever(train):
    """The loss −Σ y log p has the gradient (Σ y) p − y; TensorFlow's is p − y."""
    model = build_model(head="softmax", train=train)
    bias = model.layers[-1].bias
    x = tf.constant(TEXTS[:1])  # "gratitude" and "love"
    with tf.GradientTape() as tape:
        p = model(x)
        loss = model.compute_loss(x, LABELS[:1], p)
    gradient = tape.gradient(loss, bias)
    np.testing.assert_allclose(gradient, p[0] - LABELS[0], atol=1e-6)
    # Sums to −1: each step raises all logits together, which leaves p as it is.
    assert np.sum(gradient) == pytest.approx(-1, abs=1e-5)
    assert np.sum(2 * p[0] - LABELS[0]) == pytest.approx(0, abs=1e-5)


def test_least_losses_on_two_labels(model):
    """Sigmoids reach 0; softmax does no better than halves, and 2 ln 2."""
    two = LABELS[:1]

    def loss(output):
        return float(model.compute_loss(None, two, output))

    if model.layers[-1].activation is not keras.activations.softmax:
        assert loss(two) == pytest.approx(0, abs=1e-5)
        return
    best = loss(two / 2)
    assert best == pytest.approx(2 * np.log(2), rel=1e-5)
    for share in np.linspace(0.05, 0.95, 19):
        uneven = np.zeros_like(two)
        uneven[two == 1] = share, 1 - share
        assert loss(uneven) >= best


def test_baseline_is_scored_like_the_model(train, model):
    score = baseline(train, train)
    assert set(score) <= set(model.evaluate(train, return_dict=True, verbose=0))
    assert 0 < score["micro_f1"] <= 1

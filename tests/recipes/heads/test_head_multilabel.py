import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from recipes.heads.head_multilabel import CLASSES, THRESHOLD, baseline, build_model, lower_and_space

TEXTS = ["Thanks, I love it!", "Why?", "why not?", "love love", "thanks", "ok."]
LABELS = np.zeros((6, 28), "float32")
for row, names in enumerate(
    ["gratitude love", "curiosity", "curiosity", "love", "gratitude", "neutral"]
):
    LABELS[row, [CLASSES.index(name) for name in names.split()]] = 1


@pytest.fixture(scope="module")
def train():
    return tf.data.Dataset.from_tensor_slices((TEXTS, LABELS)).batch(3)


def predict(model):
    return np.asarray(model(tf.constant(TEXTS)))


def test_both_apis_make_the_same_network(train):
    sequential, functional = (
        build_model(api=api, train=train) for api in ("sequential", "functional")
    )
    functional.set_weights(sequential.get_weights())
    np.testing.assert_allclose(predict(functional), predict(sequential), rtol=1e-5)


def test_size(train):
    """Word vectors, filters over two words, 28 units; of 15,000 words 990,172 parameters."""
    model = build_model(train=train)
    words = model.layers[0].vocabulary_size()
    assert words == 13  # 2 for padding and the unknown word, 7 words, 4 marks
    assert model.count_params() == words * 64 + (2 * 64 + 1) * 192 + (192 + 1) * 28
    assert 15_000 * 64 + (2 * 64 + 1) * 192 + (192 + 1) * 28 == 990_172


def test_marks_become_words():
    text = lower_and_space(tf.constant("Why?! I don't… ça va 😂😂"))
    assert text.numpy().decode().split() == [
        "why",
        "?",
        "!",
        "i",
        "don't",
        "…",
        "ça",
        "va",
        "😂",
        "😂",
    ]


def test_sigmoids_answer_28_questions_and_softmax_one(train):
    says = {head: predict(build_model(head=head, train=train)) for head in ("sigmoid", "softmax")}
    np.testing.assert_allclose(says["softmax"].sum(-1), 1, rtol=1e-5)
    assert says["sigmoid"].sum(-1).min() > 10  # each about 0.5 before training


def test_softmax_cannot_say_yes_to_two():
    outputs = ops.convert_to_numpy(ops.softmax(np.random.default_rng(0).normal(0, 8, (10_000, 28))))
    assert (outputs > 0.5).sum(-1).max() == 1
    assert (outputs > THRESHOLD).sum(
        -1
    ).max() <= 3  # four outputs above 0.25 would sum to more than 1


def test_least_losses_on_two_labels():
    """Sigmoids reach 0; softmax does no better than halves, and 2 ln 2."""
    two = np.array([[1, 1, 0, 0]], "float32")
    assert float(keras.losses.binary_crossentropy(two, two)[0]) == pytest.approx(0, abs=1e-5)
    best = float(keras.losses.categorical_crossentropy(two, two / 2)[0])
    assert best == pytest.approx(2 * np.log(2), rel=1e-5)
    shares = np.random.default_rng(0).dirichlet(np.ones(4), 2000).astype("float32")
    assert (
        float(ops.min(keras.losses.categorical_crossentropy(np.repeat(two, 2000, 0), shares)))
        > best
    )


def test_gradient_of_softmax_is_not_that_of_its_loss_unless_targets_sum_to_1():
    """The loss −Σ y log p has the gradient (Σ y) p − y; TensorFlow's is p − y, which pushes the logits up for ever."""
    layer = keras.layers.Dense(4, activation="softmax", kernel_initializer="identity")
    z = np.array([[1.0, 0.5, -0.5, 0.0]], "float32")

    def gradient(y):
        with tf.GradientTape() as tape:
            p = layer(z)
            loss = tf.reduce_sum(keras.losses.categorical_crossentropy(y, p))
        return p.numpy()[0], tape.gradient(loss, layer.bias).numpy()

    for y in ([0, 1, 0, 0], [1, 1, 0, 0]):
        p, slope = gradient(np.array([y], "float32"))
        np.testing.assert_allclose(slope, p - y, atol=1e-6)
    assert slope.sum() == pytest.approx(
        -1, abs=1e-5
    )  # of all logits: each step raises them together, p stays
    np.testing.assert_allclose((2 * p - y).sum(), 0, atol=1e-6)


def test_baseline_is_scored_like_the_model(train):
    model = build_model(train=train)
    score = baseline(train, train)
    assert set(score) <= set(model.evaluate(train, return_dict=True, verbose=0))
    assert 0 < score["micro_f1"] <= 1

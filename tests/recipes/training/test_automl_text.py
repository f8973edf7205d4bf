"""Comments with one emotion; what each kind of network computes, and what is searched for it."""

import inspect

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from recipes.training import automl_text as recipe

TEXTS = ["Thanks, I love it!", "Why?", "why not?", "love love", "thanks", "ok."]
KINDS = {
    "cnn": recipe.cnn_network,
    "bag_of_words": recipe.bag_of_words_network,
    "average": recipe.average_network,
    "lstm": recipe.lstm_network,
    "transformer": recipe.transformer_network,
}
ORDER_MATTERS = {"cnn", "lstm", "transformer"}


@pytest.fixture(scope="module")
def train():
    labels = np.array([1, 0, 0, 2, 1, 2])
    return tf.data.Dataset.from_tensor_slices((TEXTS, labels)).batch(3)


def small(kind, train, **arguments):
    """A network of a kind whose weights are not near zero, so that what they read matters."""
    keras.utils.set_random_seed(0)
    sizes = {"embed_dim": 8, "filters": 8, "units": 4, "length": 6, "num_heads": 2}
    model = recipe.build_model(kind, train=train, classes=3, **(sizes | arguments))
    for weight in model.trainable_weights:
        weight.assign(0.3 * keras.random.normal(weight.shape))
    return model


def test_comments_with_one_emotion_are_left(monkeypatch):
    emotions = [{"joy"}, {"joy", "love"}, set(), {"surprise"}, {"admiration"}]
    comments = {"comment_text": [f"text {number}" for number in range(5)]}
    for name in recipe.CLASSES:
        comments[name] = [name in found for found in emotions]
    data = tf.data.Dataset.from_tensor_slices(comments)
    monkeypatch.setattr(recipe.tfds, "load", lambda name, split: [data] * 3)
    for part in recipe.load_data():
        texts, labels = next(iter(part))
        found = dict(zip(texts.numpy(), labels.numpy(), strict=True))
        assert found == {b"text 0": recipe.CLASSES.index("joy"), b"text 3": 27, b"text 4": 0}


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_words_matters_to_some_kinds(kind, train):
    model = small(kind, train)
    one, other, again = model(tf.constant(["why love it", "it why love", "Why  love\nit"])).numpy()
    assert one.sum() == pytest.approx(1, rel=1e-5)
    np.testing.assert_allclose(again, one, atol=1e-6)
    assert np.allclose(one, other, atol=1e-5) == (kind not in ORDER_MATTERS)


@pytest.mark.parametrize("kind", KINDS)
def test_words_beyond_the_length_are_not_read(kind, train):
    model = small(kind, train, length=3)
    one, other = model(tf.constant(["why love it", "why love it thanks"])).numpy()
    np.testing.assert_allclose(other, one, atol=1e-6)


def test_pairs_of_neighbors_tell_orders_apart(train):
    model = small("bag_of_words", train, ngrams=2, length=6)
    one, other = model(tf.constant(["i love it", "it love i"])).numpy()
    assert not np.allclose(one, other, atol=1e-3)


def test_bag_of_words_is_softmax_of_summed_weights(train):
    model = small("bag_of_words", train, length=4)
    _, vectorize, embedding, *_ = model.layers
    (weights,) = embedding.get_weights()
    words = vectorize.get_vocabulary()
    logits = weights[words.index("love")] * 2 + weights[words.index("thanks")]
    expected = np.exp(logits - logits.max())
    (outputs,) = model(tf.constant(["Love thanks love"])).numpy()
    np.testing.assert_allclose(outputs, expected / expected.sum(), rtol=1e-4)


@pytest.mark.parametrize("kind", ["average", "lstm", "transformer"])
def test_padding_is_masked(kind, train):
    long = small(kind, train, length=12)
    short = small(kind, train, length=6)
    for weight, other in zip(short.trainable_weights, long.trainable_weights, strict=True):
        weight.assign(other[: weight.shape[0]])  # of the positions the first ones
    texts = tf.constant(["thanks love", "why not ?"])
    np.testing.assert_allclose(short(texts), long(texts), atol=1e-5)


@pytest.mark.parametrize("kind", ["cnn", "average", "lstm"])
def test_layer_normalization_on_request_is_of_the_vector_of_a_text(kind, train):
    model = small(kind, train, layer_norm=True)
    (layer,) = (each for each in model.layers if isinstance(each, keras.layers.LayerNormalization))
    layer.set_weights([np.ones(8), np.zeros(8)])
    both = keras.Model(model.input, [layer.input, layer.output])
    before, after = map(np.asarray, both(tf.constant(["why love it", "thanks"])))
    centered = before - before.mean(axis=-1, keepdims=True)
    deviation = np.sqrt(before.var(axis=-1, keepdims=True) + layer.epsilon)
    np.testing.assert_allclose(after, centered / deviation, atol=1e-4)
    assert model.count_params() == small(kind, train).count_params() + 2 * 8


@pytest.mark.parametrize("kind", KINDS)
def test_labels_do_not_exclude_each_other(kind, train):
    """The same logits, each through a sigmoid instead of all through a softmax."""
    model = small(kind, train, head="sigmoid")
    probabilities = model(tf.constant(TEXTS)).numpy()
    logits = np.log(probabilities / (1 - probabilities))
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(small(kind, train)(tf.constant(TEXTS)), expected, atol=1e-5)
    assert model.loss == "binary_crossentropy"


def test_baseline_of_classes_and_of_labels(train):
    """Words that say all: of classes each is right, of labels each that is there."""
    texts = ["love it", "why me", "love why", "it is me"] * 5
    both = np.array([[1, 0], [0, 1], [1, 1], [0, 0]] * 5, "float32")
    for labels, metric in ((both, "micro_f1"), (both[:, 0].astype(int), "accuracy")):
        data = tf.data.Dataset.from_tensor_slices((texts, labels)).batch(4)
        assert recipe.baseline(data, data) == {metric: pytest.approx(1)}


def test_an_unknown_kind(train):
    with pytest.raises(ValueError, match="cnn, bag_of_words, average, lstm, transformer, and not"):
        recipe.build_model("gru", train=train)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_searched_by_the_arguments_that_it_has(kind):
    hp = keras_tuner.HyperParameters()
    recipe.search_space(hp)
    for parameter in hp.space:
        hp.values.setdefault(parameter.name, parameter.default)
    hp.values["kind"] = kind
    found = set(recipe.search_space(hp))
    shared = {"kind", "vocabulary", "length"}
    shared |= {"learning_rate", "schedule", "weight_decay", "batch_size"}
    shared |= {"class_weights"}
    own = set(inspect.signature(KINDS[kind]).parameters) - {"x", "classes"}
    if kind == "bag_of_words":
        own = {"ngrams"}
    else:
        own |= {"embed_dim"}
    assert found == shared | own
    active = {parameter.name for parameter in hp.space if hp.is_active(parameter)}
    assert active == found, "the conditions say otherwise than the code"


def test_the_kinds_that_are_searched_are_the_variants():
    hp = keras_tuner.HyperParameters()
    recipe.search_space(hp)
    kinds = [variant["kind"] for variant in recipe.VARIANTS.values()]
    assert hp.space[0].values == kinds == list(recipe.VARIANTS) == list(KINDS)
    assert kinds[0] == inspect.signature(recipe.build_model).parameters["kind"].default

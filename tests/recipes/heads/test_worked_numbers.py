"""Worked numbers of the slides on output layers and losses: softmax, cross-entropy, one or two units, top-1, top-5."""

import keras
import numpy as np
import pytest
import tensorflow as tf

rng = np.random.default_rng(0)


def softmax(x):
    return keras.ops.convert_to_numpy(keras.ops.softmax(np.asarray(x, "float32")))


def gradient(loss, z, activation, target):
    """dL/dz of a Keras loss behind an activation, as `fit` computes it."""
    z = tf.Variable([[z]])
    with tf.GradientTape() as tape:
        value = loss(tf.constant([[target]]), activation(z))
    return float(tape.gradient(value, z)[0, 0]), float(value)


def test_softmax_of_1_2_3():
    assert softmax([1, 2, 3]) == pytest.approx([0.09003057, 0.24472847, 0.66524096], abs=1e-6)
    assert softmax([1, 2, 3]).sum() == pytest.approx(1, abs=1e-6)


def test_softmax_ignores_an_added_constant_and_does_not_overflow():
    assert softmax([1001, 1002, 1003]) == pytest.approx(softmax([1, 2, 3]), abs=1e-6)
    assert softmax([-1000, 0, 1000]) == pytest.approx([0, 0, 1])


def test_softmax_exaggerates_the_largest():
    x = np.array([1.0, 2, 3])
    assert (softmax(x)[2] / softmax(x)[0], x[2] / x[0]) == (pytest.approx(np.e**2, rel=1e-5), 3)


@pytest.mark.parametrize(("alternatives", "bits"), [(2, 1), (8, 3), (10, 3.3219281)])
def test_bits_to_tell_alternatives_apart(alternatives, bits):
    """H(s, d) = −Σ d_i log s_i; Keras measures in nats: 1 bit is ln 2 of them."""
    alike = np.full((alternatives, alternatives), 1 / alternatives)
    nats = keras.losses.categorical_crossentropy(np.eye(alternatives), alike)
    assert np.asarray(nats) == pytest.approx(bits * np.log(2), abs=1e-6)
    if alternatives == 10:
        assert float(nats[0]) == pytest.approx(2.302585, abs=1e-6)


def test_a_sure_event_takes_no_bits():
    assert float(keras.losses.categorical_crossentropy([0.0, 1.0], [0.0, 1.0])) == pytest.approx(
        0, abs=1e-6
    )


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_softmax_over_one_unit_is_one_whatever_comes(target):
    assert (softmax(rng.normal(0, 100, (50, 1))) == 1).all()
    z = tf.Variable(rng.normal(0, 3, (50, 1)).astype("float32"))
    with tf.GradientTape() as tape:
        loss = -tf.reduce_sum(
            target * tf.math.log(tf.exp(z) / tf.reduce_sum(tf.exp(z), axis=-1, keepdims=True))
        )
    assert float(loss) == 0
    assert np.abs(tape.gradient(loss, z)).max() < 1e-6  # rounding


def test_what_tensorflow_makes_of_it():
    """Its gradient is softmax − target, right only if the targets sum to 1: the loss stays 0 and the unit runs away."""
    loss = keras.losses.CategoricalCrossentropy()
    for activation in (keras.activations.softmax, keras.activations.sigmoid):
        with pytest.warns(SyntaxWarning, match="num_classes > 1"):
            found = [gradient(loss, 0.3, activation, target) for target in (0.0, 1.0)]
        assert found == [(1, 0), (0, 0)]


def test_binary_crossentropy_tells_one_unit_something():
    slope, value = gradient(keras.losses.BinaryCrossentropy(), 0.0, keras.activations.sigmoid, 1.0)
    assert (slope, value) == (pytest.approx(-0.5), pytest.approx(np.log(2)))


def test_gradients_of_a_saturated_wrong_sigmoid():
    bce, _ = gradient(keras.losses.BinaryCrossentropy(), -10.0, keras.activations.sigmoid, 1.0)
    mse, value = gradient(keras.losses.MeanSquaredError(), -10.0, keras.activations.sigmoid, 1.0)
    assert bce == pytest.approx(-1, abs=1e-4)
    assert mse == pytest.approx(-9.08e-5, abs=1e-6)
    assert value == pytest.approx(1, abs=1e-3)  # as wrong as can be, and no gradient


def test_two_softmax_units_are_a_sigmoid_of_their_difference():
    z = np.linspace(-20, 20, 81, dtype="float32")
    one = keras.ops.convert_to_numpy(keras.ops.sigmoid(z))
    two = softmax(np.stack([np.zeros_like(z), z], axis=-1))[:, 1]
    assert two == pytest.approx(one, abs=1e-6)
    assert ((two > 0.5) == (one > 0.5)).all()
    shifted = softmax(np.stack([np.full_like(z, 7), z + 7], axis=-1))[:, 1]
    assert shifted == pytest.approx(one, abs=1e-5)


def test_top_1_and_top_5_by_hand():
    scores = [
        [6, 5, 4, 3, 2, 1, 0],
        [0, 1, 2, 3, 4, 5, 6],
        [0, 6, 5, 4, 3, 2, 1],
        [3, 9, 8, 7, 6, 5, 1],
    ]
    scores, labels = (
        np.array(scores, "float32"),
        np.array([0, 2, 0, 0]),
    )  # first, fifth, last and sixth of the seven
    top = [keras.metrics.sparse_top_k_categorical_accuracy(labels, scores, k=k) for k in (1, 5)]
    assert np.asarray(top).tolist() == [[1, 0, 0, 0], [1, 1, 0, 0]]


def test_top_5_is_at_least_top_1():
    scores, labels = rng.normal(size=(500, 20)).astype("float32"), rng.integers(0, 20, 500)
    shares = [
        np.mean(keras.metrics.sparse_top_k_categorical_accuracy(labels, scores, k=k))
        for k in (1, 5, 20)
    ]
    assert shares == sorted(shares)
    assert shares[2] == 1


def test_r2_is_that_of_scikit_learn_and_0_for_the_mean():
    from sklearn.metrics import r2_score

    true = rng.normal(size=(200, 1)).astype("float32")
    for predicted in (true + rng.normal(size=(200, 1)), np.full_like(true, true.mean())):
        metric = keras.metrics.R2Score()
        metric.update_state(true, predicted.astype("float32"))
        assert float(metric.result()) == pytest.approx(r2_score(true, predicted), abs=1e-5)
    assert float(metric.result()) == pytest.approx(0, abs=1e-5)


def test_integer_labels_one_hot_labels_and_logits_give_one_loss():
    logits, labels = rng.normal(0, 3, (64, 10)).astype("float32"), rng.integers(0, 10, 64)
    one_hot, losses = np.eye(10, dtype="float32")[labels], keras.losses
    expected = np.asarray(losses.categorical_crossentropy(one_hot, softmax(logits)))
    for found in (
        losses.sparse_categorical_crossentropy(labels, softmax(logits)),
        losses.categorical_crossentropy(one_hot, logits, from_logits=True),
        losses.sparse_categorical_crossentropy(labels, logits, from_logits=True),
    ):
        assert np.asarray(found) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_sigmoid_twice_cannot_fall_below_one_half():
    """The best that "from_logits=True" after a sigmoid allows, on targets half of them 0 and half 1."""
    best = keras.losses.BinaryCrossentropy(from_logits=True)(
        np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]])
    )
    assert float(best) == pytest.approx((np.log(2) + np.log(1 + np.exp(-1))) / 2, abs=1e-6)
    assert float(best) == pytest.approx(0.5032, abs=1e-4)

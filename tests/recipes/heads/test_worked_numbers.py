"""Worked numbers of the slides on output layers and losses, computed by the recipes' own code."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.heads import head_multiclass, wrong_heads
from recipes.heads.figures import wrong_heads as wrong_heads_figures
from recipes.heads.figures.head_multiclass import entropy, softmax, top_k_accuracy

IMAGE = np.zeros((1, 28, 28, 1), "uint8")  # gives the bias of the last layer as its logits


def gradient(name, z, target):
    """dL/dz and L of a head of `wrong_heads` as `fit` computes them, at logit z."""
    model = wrong_heads.build_model(**{**wrong_heads.VARIANTS[name], "bias": z})
    bias = model.layers[-1].bias
    with tf.GradientTape() as tape:
        loss = model.compute_loss(IMAGE, np.array([[target]], "float32"), model(IMAGE))
    return float(tape.gradient(loss, bias)[0]), float(loss)


def test_softmax_of_1_2_3():
    assert softmax([1, 2, 3]) == pytest.approx([0.09003057, 0.24472847, 0.66524096], abs=1e-6)
    assert softmax([1, 2, 3]).sum() == pytest.approx(1, abs=1e-6)


def test_softmax_ignores_an_added_constant_and_does_not_overflow():
    assert softmax([1001, 1002, 1003]) == pytest.approx(softmax([1, 2, 3]), abs=1e-6)
    assert softmax([-1000, 0, 1000]) == pytest.approx([0, 0, 1])


def test_softmax_exaggerates_the_largest():
    smallest, _, largest = softmax([1.0, 2, 3])
    assert largest / smallest == pytest.approx(np.e**2, rel=1e-5)  # of numbers 3 times as large


@pytest.mark.parametrize(("alternatives", "bits"), [(1, 0), (2, 1), (8, 3), (10, 3.3219281)])
def test_bits_to_tell_alternatives_apart(alternatives, bits):
    """H(s, d) = −Σ d_i log s_i; a sure event takes none."""
    assert entropy(np.full(alternatives, 1 / alternatives)) == pytest.approx(bits)
    assert entropy(np.eye(alternatives)) == pytest.approx(np.zeros(alternatives))


def test_a_network_that_knows_nothing_has_a_loss_of_log2_10_bits_in_nats():
    loss = head_multiclass.build_model().loss(np.eye(10), np.full((10, 10), 0.1))
    assert float(loss) == pytest.approx(3.3219281 * np.log(2), abs=1e-6)
    assert float(loss) == pytest.approx(2.302585, abs=1e-6)


@pytest.mark.parametrize("name", ["one_softmax_cce", "one_sigmoid_cce"])
def test_categorical_crossentropy_of_one_unit_is_0_and_it_runs_away(name):
    """TensorFlow's gradient is softmax − target, right only if the targets sum to 1."""
    with pytest.warns(SyntaxWarning, match="num_classes > 1"):
        assert gradient(name, 0.3, 0.0) == (1, 0)
    with pytest.warns(SyntaxWarning, match="num_classes > 1"):
        assert gradient(name, 0.3, 1.0) == (0, 0)


def test_binary_crossentropy_tells_one_unit_something():
    slope, loss = gradient("sigmoid_bce", 0.0, 1.0)
    assert (slope, loss) == (pytest.approx(-0.5), pytest.approx(np.log(2)))


def test_gradients_of_a_saturated_wrong_sigmoid():
    cross_entropy, _ = gradient("saturated_bce", -10.0, 1.0)
    squared_error, loss = gradient("saturated_mse", -10.0, 1.0)
    assert cross_entropy == pytest.approx(-1, abs=1e-4)
    assert squared_error == pytest.approx(-9.08e-5, abs=1e-6)
    assert loss == pytest.approx(1, abs=1e-3)  # as wrong as can be, and no gradient


@pytest.mark.parametrize("z", [-3.0, 0.5, 2.0])
def test_the_picture_shows_the_gradients_that_train(z):
    cross_entropy, squared_error = wrong_heads_figures.sigmoid_gradients(z)
    assert gradient("saturated_bce", z, 1.0)[0] == pytest.approx(cross_entropy, rel=1e-5)
    assert gradient("saturated_mse", z, 1.0)[0] == pytest.approx(squared_error, rel=1e-5)


def test_two_softmax_units_are_a_sigmoid_of_their_difference():
    rng = np.random.default_rng(0)
    one = wrong_heads.build_model(**wrong_heads.VARIANTS["sigmoid_bce"])
    two = wrong_heads.build_model(**wrong_heads.VARIANTS["two_softmax"])
    images = rng.integers(0, 256, (50, 28, 28, 1), "uint8")
    *hidden, kernel, bias = one.get_weights()
    # What both units have in common does not matter.
    shift = rng.normal(size=(32, 1))
    kernels = np.concatenate([shift, shift + kernel], axis=1)
    two.set_weights([*hidden, kernels, np.array([7, 7 + bias[0]])])
    probability = one.predict_on_batch(images)
    assert np.ptp(probability) > 0.1
    assert two.predict_on_batch(images)[:, 1:] == pytest.approx(probability, abs=1e-4)


def test_top_1_and_top_5_by_hand():
    """The true class is first, fifth, last and sixth of the seven."""
    outputs = np.array(
        [
            [6, 5, 4, 3, 2, 1, 0],
            [0, 1, 2, 3, 4, 5, 6],
            [0, 6, 5, 4, 3, 2, 1],
            [3, 9, 8, 7, 6, 5, 1],
        ]
    )
    labels = np.array([0, 2, 0, 0])
    top = top_k_accuracy(outputs, labels)
    assert top.tolist() == [0.25, 0.25, 0.25, 0.25, 0.5, 0.75, 1]


def test_the_accuracy_of_a_recipe_is_top_1():
    rng = np.random.default_rng(0)
    model = head_multiclass.build_model()
    images = rng.integers(0, 256, (200, 28, 28, 1), "uint8")
    labels = rng.integers(0, 10, 200)
    accuracy = model.evaluate(images, np.eye(10)[labels], verbose=0, return_dict=True)["accuracy"]
    top = top_k_accuracy(model.predict_on_batch(images), labels)
    assert top[0] == pytest.approx(accuracy)
    assert 0 < top[0] < top[4] < top[9] == 1


def test_sigmoid_twice_cannot_fall_below_one_half():
    """The best that "from_logits=True" after a sigmoid allows, on one target of 0 and one of 1."""
    loss = wrong_heads.build_model(**wrong_heads.VARIANTS["sigmoid_from_logits"]).loss
    assert isinstance(loss, keras.losses.BinaryCrossentropy)
    perfect = np.array([[0.0], [1.0]])
    best = float(loss(perfect, perfect))
    assert best == pytest.approx((np.log(2) + np.log(1 + np.exp(-1))) / 2, abs=1e-6)
    assert f"no loss below {best:.2f}" in wrong_heads.WRONG["sigmoid_from_logits"]

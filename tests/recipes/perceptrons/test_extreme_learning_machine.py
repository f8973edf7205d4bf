"""P25: a random hidden layer and least squares, against NumPy; and against backpropagation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes._runner import data
from recipes.common.arrays import to_numpy
from recipes.perceptrons import extreme_learning_machine as recipe
from recipes.perceptrons.figures import extreme_learning_machine as figures

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (90, 28, 28, 1)).astype("uint8")
LABELS = rng.integers(0, 10, 90)


def by_hand(model, images):
    """The hidden outputs and a constant, in float64."""
    kernel, bias = (weights.astype("float64") for weights in model.hidden.get_weights())
    pixels = images.reshape(len(images), -1) / 255
    hidden = 1 / (1 + np.exp(-(pixels @ kernel + bias)))
    return np.c_[hidden, np.ones(len(images))]


@pytest.mark.parametrize("batch_size", [90, 25])
def test_output_weights_are_those_of_ridge_regression(batch_size):
    """However the images are divided into batches."""
    keras.utils.set_random_seed(0)
    model = recipe.build_model(units=30, ridge=1e-3)
    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(batch_size)
    model.fit(dataset, shuffle=False, verbose=0)
    h, y = by_hand(model, IMAGES), np.eye(10)[LABELS]
    # Ridge regression as least squares, with rows that ask for weights of 0.
    rows = np.sqrt(1e-3 * len(IMAGES)) * np.eye(31)
    expected, *_ = np.linalg.lstsq(np.r_[h, rows], np.r_[y, np.zeros((31, 10))])
    np.testing.assert_allclose(model.readout, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(model(IMAGES), h @ expected, atol=1e-4)


def test_more_units_than_images_reproduce_their_labels():
    keras.utils.set_random_seed(0)
    model = recipe.build_model(units=200, ridge=1e-9)
    model.fit(tf.data.Dataset.from_tensors((IMAGES, LABELS)), shuffle=False, verbose=0)
    np.testing.assert_allclose(model(IMAGES), np.eye(10)[LABELS], atol=0.02)


def test_the_hidden_layer_is_not_trained():
    keras.utils.set_random_seed(0)
    model = recipe.build_model(units=40)
    before = model.hidden.get_weights()
    model.fit(tf.data.Dataset.from_tensors((IMAGES, LABELS)), shuffle=False, verbose=0)
    for old, new in zip(before, model.hidden.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.std(before[0]) == pytest.approx(0.2, rel=0.05)
    assert [weight.name for weight in model.trainable_weights] == ["readout"]


def test_backpropagation_trains_the_same_layers():
    model = recipe.build_model("backpropagation", units=500)
    assert model.count_params() == 784 * 500 + 500 + 5010
    assert len(model.trainable_weights) == 4


def test_passes_repeat_each_image_in_an_epoch():
    data.choose(["mnist"], stand_in=True, rows=200)
    for passes in (1, 3):
        train, _, _ = recipe.load_data(batch_size=7, passes=passes)
        images, _ = to_numpy(train)
        _, counts = np.unique(images.reshape(len(images), -1), axis=0, return_counts=True)
        assert set(counts) == {passes}


def test_random_features_separate_what_is_not_linearly_separable():
    """XOR of two bright halves of an image."""
    halves = rng.integers(0, 2, (400, 2))
    labels = halves[:, 0] ^ halves[:, 1]
    images = np.zeros((400, 28, 28, 1), "uint8")
    for image, (left, right) in zip(images, halves, strict=True):
        image[:, :14] = 60 * left + rng.integers(0, 20)
        image[:, 14:] = 60 * right + rng.integers(0, 20)
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(200)
    keras.utils.set_random_seed(0)
    model = recipe.build_model(units=100)
    model.fit(dataset, shuffle=False, verbose=0)
    accuracy = model.evaluate(dataset, verbose=0, return_dict=True)["accuracy"]
    assert accuracy > 0.95
    assert recipe.baseline(dataset, dataset)["accuracy"] < 0.8


def test_the_picture_has_each_network_at_its_units_and_seconds():
    errors = {name: 0.1 / (1 + n) for n, name in enumerate(recipe.VARIANTS)}
    seconds = {name: 2.0 + n for n, name in enumerate(recipe.VARIANTS)}
    left, right = figures.plot_errors(errors, seconds).axes
    np.testing.assert_array_equal(left.lines[0].get_xdata(), [100, 500, 2000])
    np.testing.assert_array_equal(left.lines[1].get_xdata(), [20, 100])
    np.testing.assert_array_equal(right.lines[1].get_xdata(), [5, 6])
    np.testing.assert_allclose(right.lines[1].get_ydata(), [0.1 / 4, 0.1 / 5])
    figures.plt.close("all")


def test_incoming_weights_are_those_of_the_hidden_layer():
    for way in ("least_squares", "backpropagation"):
        model = recipe.build_model(way, units=20)
        kernel = next(weight for weight in model.get_weights() if weight.shape == (784, 20))
        found = figures.incoming_weights(model)
        np.testing.assert_allclose(found[3], kernel[:, 3].reshape(28, 28))
        assert len(found) == figures.SHOWN

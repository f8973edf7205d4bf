"""P33, P35, P36: the slides' formulas, and which units are dead."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.perceptrons import activations as recipe
from recipes.perceptrons.figures import activations as figures

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (100, 28, 28, 1)).astype("uint8")


def of_keras(name):
    """The activation function of Keras by its name here."""
    if name == "leaky_relu":
        return keras.layers.LeakyReLU(recipe.EPSILON)
    return keras.activations.get(name)


@pytest.mark.parametrize("name", list(recipe.formulas(0.0)))
def test_formulas_of_the_slide_are_the_functions_of_keras_and_their_derivatives(name):
    z = tf.range(-5.05, 5, 0.1, dtype="float32")  # without 0, where two have a corner
    with tf.GradientTape() as tape:
        tape.watch(z)
        outputs = of_keras(name)(z)
    expected, slopes = recipe.formulas(z.numpy().astype("float64"))[name]
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(tape.gradient(outputs, z), slopes, atol=1e-6)


@pytest.mark.slides
def test_softplus_is_never_further_from_relu_than_ln_2_at_0():
    z = np.linspace(-10, 10, 2001)
    functions = recipe.formulas(z)
    gaps = functions["softplus"][0] - functions["relu"][0]
    assert gaps.min() > 0
    assert gaps.max() == pytest.approx(0.693147, abs=1e-6)
    assert z[gaps.argmax()] == pytest.approx(0)


@pytest.mark.parametrize(
    ("activation", "shares"),
    [("relu", (0.75, 0.75)), ("leaky_relu", (0.75, 0)), ("tanh", (0.75, 0))],
)
def test_units_that_no_image_turns_on_are_off_and_dead_if_their_slope_is_0(activation, shares):
    model = recipe.build_model(activation, units=4)
    kernel = np.zeros((784, 4))
    kernel[0, 3] = 1  # on for the images whose first pixel is bright
    model.layers[-3].set_weights([kernel, np.array([-1, -1, 0, -0.5])])
    assert recipe.shares_off_and_dead(model, IMAGES) == shares


def test_dead_relu_units_stay_dead_and_leaky_ones_come_back():
    labels = np.arange(100) % 10
    images = np.zeros((100, 28, 28, 1), "uint8")
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 4] = rng.integers(100, 256)
    after = {}
    for activation in ("relu", "leaky_relu"):
        keras.utils.set_random_seed(0)
        model = recipe.build_model(activation, bias=-3.0, units=32, learning_rate=0.02)
        off, _ = recipe.shares_off_and_dead(model, images)
        assert off > 0.9
        kernel = model.layers[-3].kernel.numpy()
        model.fit(images, labels, batch_size=100, epochs=30, verbose=0)
        after[activation] = recipe.shares_off_and_dead(model, images)
        moved = np.abs(model.layers[-3].kernel - kernel).max(axis=0) > 0
        assert moved.mean() == pytest.approx(1 - off if activation == "relu" else 1)
    assert after["relu"][0] == after["relu"][1] > 0.9
    assert after["leaky_relu"][0] < 0.1
    assert after["leaky_relu"][1] == 0


def test_with_the_bad_bias_most_units_are_dead_on_digits():
    """On images as dark as MNIST's: a fifth of the pixels is not black."""
    ink = rng.uniform(size=(1000, 28, 28, 1)) < 0.2
    images = np.where(ink, 200, 0).astype("uint8")
    keras.utils.set_random_seed(0)
    for activation, low, high in (("relu", 0.5, 1), ("leaky_relu", 0, 0)):
        model = recipe.build_model(activation, recipe.BAD_BIAS)
        assert low <= recipe.shares_off_and_dead(model, images)[1] <= high
    model = recipe.build_model("relu")
    assert recipe.shares_off_and_dead(model, images)[1] < 0.1


def test_epochs_are_counted_from_1():
    assert recipe.epochs_to(0.3, [0.5, 0.3, 0.1]) == 2
    assert recipe.epochs_to(0.3, [0.2]) == 1
    assert recipe.epochs_to(0.3, [0.5, 0.4]) is None


def test_picture_of_the_units_shows_all_of_them():
    model = recipe.build_model("leaky_relu", units=16)
    figure = figures.plot_units({"dying_leaky_relu": model}, IMAGES)
    (axis,) = figure.axes
    assert sum(bar.get_height() for bar in axis.patches) == 16
    assert "0% dead" in axis.get_title(loc="left") + axis.get_title()

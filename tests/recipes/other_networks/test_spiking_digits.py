"""Spikes by hand, ternary weights, counts of spikes and events."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.other_networks import spiking_digits as recipe
from recipes.other_networks.figures import spiking_digits as pictures
from tests.layers.conformance import check_layer


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1)).astype("uint8")


def test_a_pixel_fires_as_often_as_it_is_bright(images):
    model = recipe.build_model(hidden=8, time_steps=20, rate=0.5)
    inputs, _, _ = pictures.activity(model, images)
    expected = np.floor(20 * 0.5 * images.reshape(20, 784) / 255.0)
    assert set(np.unique(inputs)) == {0, 1}
    # Where the sum just reaches a whole number, rounding decides.
    assert np.abs(inputs.sum(axis=1) - expected).max() <= 1
    np.testing.assert_array_equal(inputs.sum(axis=1)[images.reshape(20, 784) == 0], 0)


def test_ternary_dense_is_a_layer_like_keras_own():
    def dense(inputs, weights):
        kernel, bias = weights
        sizes = np.abs(kernel)
        large = sizes > 0.7 * sizes.mean()
        return np.tanh(inputs @ (sizes[large].mean() * large * np.sign(kernel)) + bias)

    check_layer(
        recipe.TernaryDense,
        {"units": 4, "activation": "tanh", "kernel_initializer": "he_normal"},
        (3, 5),
        reference=dense,
        parameters=5 * 4 + 4,
    )
    check_layer(recipe.TernaryDense, {"units": 4, "use_bias": False}, (3, 5), parameters=5 * 4)


def test_network_by_hand(images):
    """The whole network, step by step and neuron by neuron, in NumPy."""
    keras.utils.set_random_seed(0)
    model = recipe.build_model(hidden=8, time_steps=6, rate=0.47, decay=0.7)
    kernel, bias, output_kernel, output_bias = model.get_weights()
    x = 0.47 * images.reshape(20, 784) / 255.0
    input_potentials, potentials, votes = np.zeros_like(x), np.zeros((20, 8)), np.zeros((20, 10))
    for _ in range(6):
        input_potentials += x
        spikes = input_potentials >= 1
        input_potentials -= spikes
        potentials = 0.7 * potentials + spikes @ kernel + bias
        fired = potentials >= 1
        potentials -= fired
        votes += fired @ output_kernel + output_bias
    expected = np.exp(votes / 6) / np.exp(votes / 6).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-4)


def test_ternary_weights():
    kernel = np.array([[0.9, -0.1, 0.3], [-0.5, 0.05, -1.1]], "float32")
    # 0.7 of the mean absolute value is 0.344; above it are 0.9, 0.5 and 1.1.
    scale = (0.9 + 0.5 + 1.1) / 3
    expected = [[scale, 0, 0], [-scale, 0, -scale]]
    np.testing.assert_allclose(recipe.ternary(kernel), expected, rtol=1e-6)
    variable = tf.Variable(kernel)
    with tf.GradientTape() as tape:
        total = keras.ops.sum(recipe.ternary(tf.convert_to_tensor(variable)) * kernel)
    np.testing.assert_allclose(tape.gradient(total, variable), kernel)


def test_many_ternary_weights_in_float16():
    """There are more of them than float16 can count."""
    kernel = np.tile(np.array([0.5, -0.5], "float16"), (400, 100))
    rounded = keras.ops.convert_to_numpy(recipe.ternary(keras.ops.convert_to_tensor(kernel)))
    assert rounded.dtype == "float16"
    np.testing.assert_array_equal(rounded, kernel)


def test_ternary_network_computes_with_three_values(images):
    model = recipe.build_model("ternary", hidden=8, time_steps=6)
    layers = [layer for layer in model.layers if isinstance(layer, recipe.TernaryDense)]
    assert [layer.units for layer in layers] == [8, 10]
    before = model.predict(images, verbose=0)
    for layer in layers:
        rounded = keras.ops.convert_to_numpy(layer.used_kernel())
        assert len(np.unique(np.round(rounded, 6))) == 3
        layer.kernel.assign(rounded)
    # Rounding what is rounded changes nothing.
    np.testing.assert_allclose(model.predict(images, verbose=0), before, atol=1e-5)


def test_spikes_and_events_are_counted(images):
    model = recipe.build_model(hidden=8, time_steps=6)
    inputs, hidden, _ = pictures.activity(model, images)
    found = recipe.count_spikes(model, images)
    assert found["input"] == pytest.approx(np.count_nonzero(inputs) / 20)
    assert found["hidden"] == pytest.approx(np.count_nonzero(hidden) / 20)
    assert found["events"] == pytest.approx(
        (8 * np.count_nonzero(inputs) + 10 * np.count_nonzero(hidden)) / 20
    )
    # Black images cost nothing of the input.
    assert recipe.count_spikes(model, np.zeros_like(images))["input"] == 0


def test_accuracy_after_the_last_step_is_that_of_the_network(images):
    keras.utils.set_random_seed(0)
    model = recipe.build_model(hidden=8, time_steps=6)
    labels = np.random.default_rng(1).integers(0, 10, 20)
    accuracy, events = pictures.accuracy_and_events(model, images, labels)
    assert accuracy.shape == events.shape == (6,)
    assert accuracy[-1] == pytest.approx(model.evaluate(images, labels, verbose=0)[1])
    assert events[-1] == pytest.approx(recipe.count_spikes(model, images)["events"], rel=1e-5)


def test_spikes_teach_the_layer_below():
    """Surrogate gradients reach the first layer, and a network of few neurons learns two digits."""
    keras.utils.set_random_seed(0)
    images = np.zeros((2, 28, 28, 1), "uint8")
    images[0, :14], images[1, 14:] = 255, 255
    model = recipe.build_model(hidden=8, time_steps=6, learning_rate=0.01)
    before = model.get_weights()[0].copy()
    model.fit(np.tile(images, (50, 1, 1, 1)), np.tile([3, 7], 50), epochs=8, verbose=0)
    assert model.predict(images, verbose=0).argmax(axis=1).tolist() == [3, 7]
    assert np.abs(model.get_weights()[0] - before).max() > 0.01

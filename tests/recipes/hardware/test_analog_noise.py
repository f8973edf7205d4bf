"""Noise, converters and dead cells by hand; the layer; a pass layer by layer equals Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.hardware import analog_noise as recipe
from recipes.hardware.figures import analog_noise as figures
from tests.layers.conformance import check_layer

WEIGHTS = np.random.default_rng(0).normal(size=(60, 50)).astype("float32")


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    model = recipe.build_model(units=8, noise=0.1)
    for weight in model.weights:
        weight.assign(weight + keras.random.normal(weight.shape, stddev=0.1, seed=1))
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (40, 28, 28, 1)) * (rng.random((40, 28, 1, 1)) < 0.3)
    return model, images.astype("uint8")


def test_noisy_dense_is_a_layer_like_keras_own():
    arguments = {"units": 4, "noise": 0.3, "seed": 5, "activation": "tanh"}
    check_layer(
        recipe.NoisyDense,
        arguments,
        (3, 5),
        reference=lambda inputs, weights: np.tanh(inputs @ weights[0] + weights[1]),
        parameters=5 * 4 + 4,
        random=True,
        bad_arguments=[{"noise": -0.1}],
    )


def test_noise_in_training_is_relative_to_the_largest_weight():
    kernel = np.zeros((400, 300), "float32")
    kernel[0, 0] = -2.0
    layer = recipe.NoisyDense(300, noise=0.25, seed=0, use_bias=False)
    layer.build((None, 400))
    layer.set_weights([kernel])
    used = keras.ops.convert_to_numpy(layer(np.eye(400, dtype="float32"), training=True))
    noise = used - kernel
    assert noise.std() == pytest.approx(0.25 * 2, rel=0.02)
    assert noise.mean() == pytest.approx(0, abs=0.01)
    again = keras.ops.convert_to_numpy(layer(np.eye(400, dtype="float32"), training=True)) - kernel
    assert abs(np.corrcoef(noise.ravel(), again.ravel())[0, 1]) < 0.02


def test_without_noise_training_computes_what_inference_does():
    inputs = WEIGHTS[:, :5]
    layer = recipe.NoisyDense(4, noise=0.0, seed=0)
    np.testing.assert_array_equal(layer(inputs, training=True), layer(inputs, training=False))


def test_noise_by_hand():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(recipe.with_noise(WEIGHTS, 0, rng), WEIGHTS)
    noisy = recipe.with_noise(WEIGHTS, 0.1, rng)
    assert noisy.dtype == "float32"
    assert (noisy - WEIGHTS).std() == pytest.approx(0.1 * np.abs(WEIGHTS).max(), rel=0.05)
    # It is added, not multiplied: small weights get as much as large ones.
    small = np.abs(WEIGHTS) < 0.5
    assert (noisy - WEIGHTS)[small].std() == pytest.approx((noisy - WEIGHTS).std(), rel=0.1)


def test_share_of_dead_cells():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(recipe.with_dead_cells(WEIGHTS, 0, rng), WEIGHTS)
    damaged = recipe.with_dead_cells(WEIGHTS, 0.1, rng)
    assert np.sum(damaged == 0) == 300
    np.testing.assert_array_equal(damaged[damaged != 0], WEIGHTS[damaged != 0])
    other = recipe.with_dead_cells(WEIGHTS, 0.1, rng)
    assert np.any((other == 0) != (damaged == 0))
    assert np.all(recipe.with_dead_cells(WEIGHTS, 1, rng) == 0)


def test_steps_of_a_converter_by_hand():
    # Three bits are −3 … 3 steps, of 6 / 3.
    sums = np.array([6.0, -6.0, 0.9, 1.1, -2.9, -3.1])
    np.testing.assert_allclose(recipe.converted(sums, 3), [6, -6, 0, 2, -2, -4])
    np.testing.assert_array_equal(recipe.converted(np.zeros(3), 4), np.zeros(3))
    values = recipe.converted(WEIGHTS, 5)
    assert len(np.unique(values)) <= 2**5 - 1
    step = np.abs(WEIGHTS).max() / 15
    assert np.abs(values - WEIGHTS).max() <= step / 2 * (1 + 1e-5)


def test_layer_by_layer_equals_keras(network):
    model, images = network
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(recipe.forward(model, images), expected, rtol=1e-4, atol=1e-4)
    many_bits = recipe.forward(model, images, bits=20)
    np.testing.assert_allclose(many_bits, expected, atol=1e-3)


def test_faults_reach_every_layer(network):
    """Weights, but not biases, are changed; the converter reads sums before the bias."""
    model, images = network
    weights, biases = model.get_weights()[::2], model.get_weights()[1::2]
    x = images.reshape(40, -1) / 255.0
    for each, bias in zip(weights, biases, strict=True):
        sums = x @ (2 * each)
        step = np.abs(sums).max() / 7
        last = np.rint(sums / step) * step + bias
        x = np.maximum(last, 0)
    found = recipe.forward(model, images, lambda weights: 2 * weights, bits=4)
    np.testing.assert_allclose(found, last, rtol=1e-3, atol=1e-3)


def test_inference_draws_no_noise(network):
    model, images = network
    first = model.predict(images, verbose=0)
    np.testing.assert_array_equal(model.predict(images, verbose=0), first)
    assert np.abs(model(images, training=True) - first).max() > 0.01


def test_further_scores_are_means_over_draws(network, monkeypatch):
    model, images = network
    labels = recipe.forward(model, images).argmax(axis=1)
    assert len(np.unique(labels)) > 2
    test = tf.data.Dataset.from_tensor_slices((images, labels)).batch(16)
    for name, value in (("DRAWS", 2), ("NOISE", 0.2), ("DEAD", 0.4)):
        monkeypatch.setattr(recipe, name, value)
    copy = keras.models.clone_model(model)
    expected = {}
    for name, fault, amount in (
        ("noisy_accuracy", recipe.with_noise, 0.2),
        ("damaged_accuracy", recipe.with_dead_cells, 0.4),
    ):
        right = 0
        for seed in (0, 1):
            rng = np.random.default_rng(seed)
            changed = [
                fault(weight, amount, rng) if weight.ndim == 2 else weight
                for weight in model.get_weights()
            ]
            copy.set_weights(changed)
            logits = keras.ops.convert_to_numpy(copy(images))
            right += np.sum(logits.argmax(axis=1) == labels)
        expected[name] = right / 80
    found = recipe.further_scores(model, test, None)
    assert found == pytest.approx(expected)
    assert recipe.further_scores(model, test, None) == found
    assert 0 < found["noisy_accuracy"] < 1
    assert 0 < found["damaged_accuracy"] < 1


def test_accuracies_without_faults_are_those_of_the_network(network, monkeypatch):
    model, images = network
    labels = recipe.forward(model, images).argmax(axis=1)
    labels[:10] += 1
    test = tf.data.Dataset.from_tensor_slices((images, labels)).batch(16)
    for name, amounts in (("NOISES", (0, 0.5)), ("BITS", (2, 16)), ("DEAD_SHARES", (0, 1))):
        monkeypatch.setattr(recipe, name, amounts)
    monkeypatch.setattr(recipe, "DRAWS", 1)
    found = recipe.accuracies_by_fault(model, test)
    assert found["noise"][0] == found["dead"][0] == found["bits"][1] == 0.75
    # Without weights there are only biases, and one answer for all.
    biases = recipe.forward(model, images, lambda weights: 0 * weights).argmax(axis=1)
    assert found["dead"][1] == np.mean(labels == biases)


def test_points_lost_are_those_below_the_accuracy_without_faults():
    curves = {
        "usual": {"noise": [0.9, 0.5], "bits": [0.1, 0.875]},
        "noise_aware": {"noise": [0.88, 0.87], "bits": [0.1, 0.88]},
    }
    expected = "40.0 points trained as usual, 1.0 points trained with noise"
    assert figures.costs(curves, "noise", 1) == expected
    assert figures.costs({"usual": curves["usual"]}, "bits", 1) == "2.5 points trained as usual"


@pytest.mark.slides
def test_energy_efficiencies_of_the_slide():
    """N99: 125 TFLOPS at 300 W are 0.4 TOPS/W; Mythic has 10 times as much, Syntiant 50 times."""
    assert recipe.operations_per_joule(125, 300) == pytest.approx(0.417, abs=5e-4)
    assert round(recipe.operations_per_joule(125, 300), 1) == recipe.EFFICIENCY["V100"]
    assert recipe.EFFICIENCY["Mythic"] / recipe.EFFICIENCY["V100"] == pytest.approx(10)
    assert recipe.EFFICIENCY["Syntiant"] / recipe.EFFICIENCY["V100"] == pytest.approx(50)

"""Scales, shared exponents and sizes by hand; a pass layer by layer equals Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.hardware import quantization as recipe
from recipes.hardware.figures import quantization as figures

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    model = recipe.build_model(filters=2, units=8)
    for weight in model.weights:
        weight.assign(weight + 0.1 * keras.random.uniform(weight.shape, seed=1))
    images = RNG.integers(0, 256, (40, 28, 28, 1)).astype("float32")
    return model, images


def test_integers_and_scales_by_hand():
    values = np.array([[0.5, -4.0], [-1.0, 2.0], [0.26, 0.0]])
    integers, scale = recipe.quantize(values, 3, per_channel=True)  # −3 … 3
    np.testing.assert_allclose(scale, [[1 / 3, 4 / 3]])
    np.testing.assert_array_equal(integers, [[2, -3], [-3, 2], [1, 0]])
    integers, scale = recipe.quantize(values, 8)
    np.testing.assert_allclose(scale, 4 / 127)
    np.testing.assert_array_equal(integers[0], [16, -127])
    np.testing.assert_array_equal(recipe.rounded(np.zeros((3, 2)), 8, True), np.zeros((3, 2)))


@pytest.mark.parametrize("bits", [2, 4, 8, 18])
def test_rounding_errs_by_half_a_step_at_most(bits):
    values = RNG.normal(size=(3, 3, 4, 5)) * [1, 10, 0.1, 3, 0.01]
    for per_channel in (False, True):
        _, scale = recipe.quantize(values, bits, per_channel)
        errors = np.abs(recipe.rounded(values, bits, per_channel) - values)
        assert np.all(errors <= scale / 2 * (1 + 1e-9))


def test_shared_exponent_by_hand():
    # 0.9 < 2⁰: with 4 bits the step is 2⁻³, and mantissas go from −7 to 7.
    shared = keras.ops.convert_to_numpy(recipe.share_exponent(np.array([0.9, -0.3, 0.06]), 4))
    np.testing.assert_allclose(shared, [0.875, -0.25, 0.0])
    # 1.0 needs the exponent 1: the step is 2⁻².
    shared = keras.ops.convert_to_numpy(recipe.share_exponent(np.array([1.0, -0.3, 0.06]), 4))
    np.testing.assert_allclose(shared, [1.0, -0.25, 0.0])
    assert np.all(keras.ops.convert_to_numpy(recipe.share_exponent(np.zeros(3), 8)) == 0)


def test_training_keeps_weights_on_the_grid_of_their_exponent(network):
    _, images = network
    model = recipe.build_model(filters=2, units=8, mantissa_bits=6)
    model.train_on_batch(images, np.arange(40) % 10)
    for weight in model.get_weights():
        if weight.ndim > 1:
            again = keras.ops.convert_to_numpy(recipe.share_exponent(weight, 6))
            np.testing.assert_array_equal(again, weight)
            assert len(np.unique(weight)) <= 2 * 31 + 1


def test_layer_by_layer_equals_keras(network):
    model, images = network
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(recipe.forward(model, images), expected, rtol=1e-4, atol=1e-4)
    exact = recipe.forward(model, images, dtype="float64")
    assert exact.dtype == "float64"
    np.testing.assert_allclose(exact, expected, rtol=1e-4, atol=1e-4)


def test_more_bits_are_nearer(network):
    """W36: 18 bits are nearly as good as floats."""
    model, images = network
    exact = recipe.forward(model, images, dtype="float64")
    errors = [
        np.abs(recipe.forward(model, images, bits, dtype="float64") - exact).max()
        for bits in (4, 8, 18)
    ]
    assert errors[0] > 5 * errors[1] > 500 * errors[2] > 0
    found = recipe.formats(model, images)
    assert found["18 bits"] == (pytest.approx(errors[2]), 1)
    assert found["8 bits"][0] == pytest.approx(errors[1])


def test_sizes(network):
    model, _ = network
    weights = 9 * 2 + 9 * 2 * 4 + 7 * 7 * 4 * 8 + 8 * 10
    biases = 2 + 4 + 8 + 10
    assert (
        recipe.by_hand_bytes(model, per_channel=True) == weights + 4 * (2 + 4 + 8 + 10) + 4 * biases
    )
    assert recipe.by_hand_bytes(model, per_channel=False) == weights + 4 * 4 + 4 * biases


def test_three_methods_come_near_the_floats(network):
    model, images = network
    logits = recipe.forward(model, images)
    file = recipe.convert_to_litert(model, images)
    answers = [
        recipe.forward(model, images, 8, per_channel=True),
        recipe.quantized_by_keras(model).predict(images, verbose=0),
        recipe.run_litert(file, images),
    ]
    for answer in answers:
        assert 0 < np.abs(answer - logits).max() < 0.1 * np.abs(logits).max()
    kinds = {str(weight.dtype) for weight in recipe.quantized_by_keras(model).weights}
    assert kinds == {"int8", "float32"}


def test_further_score_is_that_of_integers(network, monkeypatch):
    model, images = network
    labels = recipe.forward(model, images, 8, per_channel=True).argmax(axis=1)
    labels[:10] += 1
    test = tf.data.Dataset.from_tensor_slices((images.astype("uint8"), labels)).batch(16)
    assert recipe.further_scores(model, test, None) == {"int8_accuracy": 0.75}


def test_calibrated_on_as_many_images_as_it_says_whatever_the_batch_size(network, monkeypatch):
    model, images = network
    calibrated = []
    monkeypatch.setattr(
        recipe, "convert_to_litert", lambda model, images: calibrated.append(images) or b""
    )
    monkeypatch.setattr(recipe, "run_litert", lambda content, images: np.zeros((len(images), 10)))
    monkeypatch.setattr(recipe, "CALIBRATION", 20)
    pairs = tf.data.Dataset.from_tensor_slices((images, np.zeros(len(images))))
    for batch_size in (4, 16):
        recipe.compare_methods(model, pairs.batch(batch_size), pairs.batch(20))
        np.testing.assert_array_equal(calibrated.pop(), images[:20])


def test_few_bits_are_of_kernels_only(network):
    model, _ = network
    copy = recipe.with_few_bits(model, 2, per_channel=True)
    for before, after in zip(model.get_weights(), copy.get_weights(), strict=True):
        if before.ndim == 1:
            np.testing.assert_array_equal(after, before)
        else:
            assert all(
                len(np.unique(channel)) <= 3 for channel in after.reshape(-1, after.shape[-1]).T
            )


def test_orders_of_a_product_of_integers():
    left = RNG.integers(-128, 128, (3, 5))
    right = RNG.integers(-128, 128, (5, 4))
    np.testing.assert_array_equal(recipe.row_by_row(left, right), left @ right)
    np.testing.assert_array_equal(recipe.outer_products(left, right), left @ right)


def test_most_that_is_lost_is_in_percentage_points():
    compared = {"float32": (0.98, 400), "weights": (0.97, 100), "all": (0.955, 100)}
    assert figures.most_lost(compared) == pytest.approx(2.5)

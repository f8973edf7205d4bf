"""The paper's counts by layer, its table of connections, and the outputs as distances."""

import keras
import numpy as np
import pytest

from recipes.cnn_architectures import lenet
from recipes.cnn_architectures.figures import lenet as figures
from recipes.common.network_cost import network_cost
from tests.layers.conformance import check_layer


@pytest.fixture(scope="module")
def original():
    return lenet.build_original()


def parameters(model):
    """Of each layer that has some."""
    return [layer.count_params() for layer in model.layers if layer.weights]


@pytest.mark.slides
def test_modern_form_has_five_layers_and_61706_parameters():
    model = lenet.build_model()
    assert parameters(model) == [156, 2416, 48120, 10164, 850]
    cost = network_cost(model)
    assert cost["parameters"] == 61_706
    assert cost["layers"] == 5
    products = 28**2 * 25 * 6 + 10**2 * 25 * 6 * 16 + 25 * 16 * 120 + 120 * 84 + 84 * 10
    assert cost["multiply_accumulates"] == products


@pytest.mark.parametrize("build", [lenet.build_sequential, lenet.build_functional])
def test_other_images_classes_and_widths(build):
    """Images of 40 × 44 pixels: 44 × 48, then 20 × 22, 8 × 9, and after C5 4 × 5."""
    model = build(input_shape=(40, 44, 3), classes=7, width=0.5)
    weights = [75 * 3 + 3, 25 * 3 * 8 + 8, 25 * 8 * 60 + 60, 4 * 5 * 60 * 42 + 42, 42 * 7 + 7]
    assert parameters(model) == weights
    assert model.output_shape == (None, 7)
    narrow = lenet.build_model(width=0.5)
    assert narrow.layers[2].filters == 3


@pytest.mark.slides
def test_original_has_60000_parameters(original):
    assert parameters(original) == [156, 12, 1516, 32, 48120, 10164]
    assert original.count_params() == 60_000


def test_connections_are_those_of_table_1():
    """Columns: six of three neighbors, six of four, three of twice two, one of all."""
    columns = ["".join(row[n] for row in lenet.CONNECTIONS) for n in range(16)]
    seen = [{row for row, mark in enumerate(column) if mark == "x"} for column in columns]
    for n in range(6):
        assert seen[n] == {n, (n + 1) % 6, (n + 2) % 6}
        assert seen[6 + n] == {n, (n + 1) % 6, (n + 2) % 6, (n + 3) % 6}
    assert seen[12:] == [{0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}, {0, 1, 2, 3, 4, 5}]


def by_connections(x, weights):
    """One convolution of (2, 8, 9, 6) maps for each of the 60 connections."""
    kernel, bias = weights
    expected = np.zeros((2, 4, 5, 16)) + bias
    connection = 0
    for source, row in enumerate(lenet.CONNECTIONS):
        for target, mark in enumerate(row):
            if mark == ".":
                continue
            window = kernel[:, connection].reshape(5, 5)
            connection += 1
            for down in range(4):
                for right in range(5):
                    part = x[:, down : down + 5, right : right + 5, source]
                    expected[:, down, right, target] += (part * window).sum(axis=(1, 2))
    assert connection == 60
    return expected


def test_filters_see_only_the_maps_of_the_table():
    check_layer(
        lenet.TableConv2D,
        input_shape=(2, 8, 9, 6),
        reference=by_connections,
        parameters=1516,
        tolerance=1e-4,
    )


def test_outputs_stand_the_conformance_harness():
    def distances(x, weights):
        return -np.square(x[:, None] - lenet.digit_codes()).sum(axis=-1)

    check_layer(
        lenet.RadialBasisOutputs,
        input_shape=(3, 84),
        reference=distances,
        parameters=0,
        unknown_sizes=False,
    )


def test_outputs_are_distances_from_the_bitmaps():
    codes = lenet.digit_codes()
    assert codes.shape == (10, 84)
    assert set(np.unique(codes)) == {-1.0, 1.0}
    shown = codes[[3, 8]].copy()
    shown[0, 5] *= 0.5
    outputs = np.asarray(lenet.RadialBasisOutputs()(shown))
    assert outputs[0, 3] == -0.25
    assert outputs[1, 8] == 0
    assert outputs[1, 3] == -4 * (codes[3] != codes[8]).sum()
    # Digits must not be mistaken for one another: at least 10 of 84 pixels differ.
    differences = (codes[:, None] != codes[None]).sum(axis=-1) + 84 * np.eye(10)
    assert differences.min() >= 10


def test_activation_keeps_one():
    np.testing.assert_allclose(lenet.scaled_tanh(np.array([-1.0, 0.0, 1.0])), [-1, 0, 1], atol=1e-4)


def test_subsampling_is_mean_times_coefficient_plus_bias():
    inputs = keras.Input((4, 2, 3))
    model = keras.Model(inputs, lenet.subsampling(inputs))
    coefficients = np.array([1.0, -2.0, 0.5], "float32")
    bias = np.array([0.25, 0.0, -1.0], "float32")
    model.set_weights([coefficients.reshape(1, 1, 3, 1), bias])
    x = np.random.default_rng(0).normal(size=(1, 4, 2, 3)).astype("float32")
    means = x.reshape(1, 2, 2, 1, 2, 3).mean(axis=(2, 4))
    expected = 1.7159 * np.tanh((means * coefficients + bias) * 2 / 3)
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", ["modern", "original"])
def test_stages_are_those_of_the_paper(network):
    shapes = [x.shape[1:] for x in figures.stages(lenet.build_model(network))]
    assert shapes == [(28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16)]


def test_pictures_show_the_values_before_the_outputs(original):
    digits = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype("uint8")
    values = figures.last_values(original, digits)
    distances = ((values[:, None] - lenet.digit_codes()) ** 2).sum(axis=-1)
    expected = keras.ops.softmax(-distances)
    np.testing.assert_allclose(original(digits), expected, rtol=1e-3, atol=1e-5)


def test_share_of_values_with_the_sign_of_the_bitmap():
    values = 0.3 * lenet.digit_codes()[[7, 2]]
    values[1, :21] *= -1
    assert figures.shared_signs(values, np.array([7, 2])) == 1 - 21 / 168

"""Its free parameters layer by layer, and its first two layers beside loops in NumPy."""

import keras
import numpy as np
import pytest

from recipes.cnn_architectures import zip_code_net
from recipes.cnn_architectures.figures import zip_code_net as figures
from tests.layers.conformance import check_layer


@pytest.fixture(scope="module")
def model():
    """With biases that differ."""
    model = zip_code_net.build_model()
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, zip_code_net.PositionBias):
            layer.set_weights([generator.normal(0, 0.5, layer.bias.shape).astype("float32")])
    return model


@pytest.fixture(scope="module")
def digits():
    return np.random.default_rng(1).integers(0, 256, (3, 28, 28, 1)).astype("uint8")


@pytest.mark.slides
def test_free_parameters_are_the_papers(model):
    """Weights and biases of H1, H2, H3 and the outputs, as its section 3.4 counts them."""
    by_shape = [int(np.prod(weight.shape)) for weight in model.trainable_weights]
    assert by_shape == [12 * 25, 768, *[4 * 8 * 25] * 3, 192, 192 * 30, 30, 300, 10]
    assert model.count_params() == 9_760


def test_units_are_the_papers(model, digits):
    shapes = [values.shape for values in figures.units(model, digits)]
    assert shapes == [(3, 16, 16, 1), (3, 8, 8, 12), (3, 4, 4, 12), (3, 30), (3, 10)]


def test_digits_are_scaled_as_by_keras(model, digits):
    resizing = keras.layers.Resizing(16, 16, antialias=True)
    expected = resizing(digits[:, 3:-3, 3:-3].astype("float32")) / 127.5 - 1
    np.testing.assert_allclose(figures.units(model, digits)[0], expected, atol=1e-5)


def test_h1_and_h2_beside_loops(model, digits):
    """Windows in steps of two, paper around, a bias for each place, eight maps for each of H2's."""
    pixels, h1, h2, *_ = figures.units(model, digits)
    weights = [np.asarray(weight) for weight in model.trainable_weights]

    def layer(x, kernels, seen, bias):
        size = x.shape[1] // 2
        padded = np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)], constant_values=-1)
        sums = np.zeros((len(x), size, size, len(seen)))
        for target, sources in enumerate(seen):
            kernel = kernels[:, :, :, target]
            for row in range(size):
                for column in range(size):
                    part = padded[:, 2 * row : 2 * row + 5, 2 * column : 2 * column + 5, sources]
                    sums[:, row, column, target] = (part * kernel).sum(axis=(1, 2, 3))
        return 1.7159 * np.tanh(2 / 3 * (sums + bias))

    expected = layer(pixels, weights[0], [[0]] * 12, weights[1])
    np.testing.assert_allclose(h1, expected, rtol=1e-3, atol=1e-4)
    kernels = np.concatenate(weights[2:5], axis=-1)
    seen = [list(range(8))] * 4 + [list(range(4, 12))] * 4 + [[8, 9, 10, 11, 0, 1, 2, 3]] * 4
    assert {sum(source in sources for sources in seen) for source in range(12)} == {8}
    expected = layer(h1, kernels, seen, weights[5])
    np.testing.assert_allclose(h2, expected, rtol=1e-3, atol=1e-4)


def test_layers_of_its_own():
    def with_paper_around(x, weights):
        return np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)], constant_values=-1)

    def with_biases(x, weights):
        return x + weights[0]

    check_layer(zip_code_net.BackgroundPadding, reference=with_paper_around, parameters=0)
    check_layer(
        zip_code_net.PositionBias,
        input_shape=(2, 4, 5, 3),
        reference=with_biases,
        parameters=4 * 5 * 3,
        unknown_sizes=False,
    )


def test_digits_fill_the_image():
    """A frame of the middle 22 × 22 pixels reaches the border of 16 × 16, the margin does not."""
    model = zip_code_net.build_model()
    frame = np.zeros((1, 28, 28, 1), "uint8")
    frame[0, :3] = 255
    assert (figures.units(model, frame)[0] == -1).all()
    frame[0, 3:5] = 255
    pixels = figures.units(model, frame)[0][0, :, :, 0]
    assert (pixels[0] > 0.9).all()
    assert (pixels[3:] == -1).all()


def test_spread_is_within_maps():
    maps = np.zeros((2, 2, 2))
    maps[0] = 7
    maps[1] = [[1, 3], [3, 1]]
    assert figures.spread(maps) == 0.5
    assert figures.biases(zip_code_net.build_model()).shape == (12, 8, 8)
    assert figures.windows(zip_code_net.build_model()).shape == (12, 5, 5)

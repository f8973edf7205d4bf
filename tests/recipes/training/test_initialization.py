"""T30: what ten layers make of the size of activations and gradients, by initialization."""

import keras
import numpy as np
import pytest

from recipes.training import initialization as recipe


@pytest.fixture(scope="module")
def found():
    return recipe.look()


def sizes(found, name):
    """Root mean square of the activations, layer by layer."""
    outputs, _ = found[name]
    return [recipe.root_mean_square(values) for values in outputs]


def test_linear_units_keep_their_size_with_glorot(found):
    assert sizes(found, "linear, Glorot") == pytest.approx([1.0] * 10, rel=0.05)


def test_relu_units_keep_their_size_with_he_only(found):
    assert sizes(found, "ReLU, He") == pytest.approx([1.0] * 10, rel=0.1)
    # Each layer lets half of the squares through.
    halves = [2 ** (-number / 2) for number in range(1, 11)]
    assert sizes(found, "ReLU, Glorot") == pytest.approx(halves, rel=0.1)


def test_tanh_units_decay_slowly_with_glorot(found):
    decaying = sizes(found, "tanh, Glorot")
    assert decaying[0] == pytest.approx(0.63, abs=0.01)
    assert decaying[-1] == pytest.approx(0.23, abs=0.01)
    assert decaying == sorted(decaying, reverse=True)


def test_unreasonable_weights_silence_or_saturate(found):
    assert sizes(found, "tanh, N(0, 0.01²)")[-1] < 1e-6
    outputs, _ = found["tanh, N(0, 1)"]
    assert np.mean(np.abs(outputs[-1]) > recipe.SATURATED) > 0.85


def test_gradients_are_those_of_finite_differences():
    initializer = keras.initializers.GlorotUniform(seed=3)
    layers = recipe.build_layers("tanh", initializer, depth=3, units=4)
    inputs = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    outputs, gradients = recipe.activations_and_gradients(layers, inputs, seed=5)
    arriving = np.random.default_rng(5).normal(size=inputs.shape)
    assert gradients[-1] == pytest.approx(arriving, rel=1e-5)

    def loss(first):
        x = first.astype("float32")
        for layer in layers[1:]:
            x = layer(x)
        return float(np.sum(x.numpy() * arriving))

    for place in np.ndindex(2, 4):
        step = np.zeros((2, 4))
        step[place] = 0.01
        slope = (loss(outputs[0] + step) - loss(outputs[0] - step)) / 0.02
        assert gradients[0][place] == pytest.approx(slope, abs=1e-3)


def test_each_layer_has_weights_of_its_own():
    initializer = keras.initializers.RandomNormal(stddev=1.0, seed=1)
    layers = recipe.build_layers("linear", initializer, depth=3, units=50)
    kernels = [layer.kernel.numpy() for layer in layers]
    correlations = np.corrcoef([kernel.ravel() for kernel in kernels])
    assert np.abs(correlations - np.eye(3)).max() < 0.1
    again = recipe.build_layers("linear", initializer, depth=3, units=50)
    assert np.array_equal(again[2].kernel.numpy(), kernels[2])

"""P48 and what the pictures show: a chain of matrix products, and which directions and neurons."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.perceptrons import mlp_mnist as recipe
from recipes.perceptrons.figures import mlp_mnist as figures

rng = np.random.default_rng(0)


@pytest.mark.parametrize("depth", [1, 5])
def test_numpy_forward_pass(depth):
    images = rng.integers(0, 256, (32, 28, 28, 1))
    images = np.where(rng.random(images.shape) < 0.2, images, 0).astype("uint8")
    model = recipe.build_model(depth=depth)
    weights = []
    for weight in model.get_weights():  # biases are 0
        weights.append(weight + rng.normal(0, 0.02, weight.shape))
    model.set_weights(weights)
    layers = figures.forward(model.get_weights(), images)
    assert len(layers) == depth + 2
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    for ours, layer in zip(layers[1:], dense, strict=True):
        theirs = keras.Model(model.inputs, layer.output)([images])
        assert ours == pytest.approx(np.asarray(theirs), abs=1e-5)


def test_principal_components():
    x = rng.normal(size=(200, 6)) * [0.1, 3, 0.1, 0.2, 5, 0.1] + 100
    first, second = figures.principal_components(x).T
    assert abs(np.corrcoef(first, x[:, 4])[0, 1]) > 0.95
    assert abs(np.corrcoef(second, x[:, 1])[0, 1]) > 0.95
    assert first.mean() == pytest.approx(0, abs=1e-9)


def test_strongest_neurons():
    output_kernel = np.array([[1.0, 0], [3, -4], [0, 2], [-3, 0]])
    assert figures.strongest(output_kernel, 3).tolist() == [1, 3, 2]


def test_each_neuron_is_drawn_as_an_image_of_its_own_scale():
    kernel = rng.normal(size=(784, 30)) * np.arange(1, 31)
    output_kernel = np.arange(30)[:, None] * np.ones((1, 10))
    figure = figures.plot_neurons(kernel, None, output_kernel, None)
    drawn = figure.axes[0].images[0].get_array()
    first = kernel[:, 29].reshape(28, 28)
    np.testing.assert_allclose(drawn[:28, :28], first / np.abs(first).max())
    second = kernel[:, 28].reshape(28, 28)
    np.testing.assert_allclose(drawn[:28, 29:57], second / np.abs(second).max())
    plt.close(figure)

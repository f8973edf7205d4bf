"""P21, P22, P23, P39: parameters by formula (N26), and what makes layers more than one matrix."""

import keras
import numpy as np
import pytest

from recipes.perceptrons import mlp_mnist as recipe

rng = np.random.default_rng(0)


def fully_connected(sizes):
    """A network of linear layers: inputs and units of each layer in turn."""
    model = keras.Sequential([keras.Input(sizes[:1])])
    for units in sizes[1:]:
        model.add(keras.layers.Dense(units))
    return model


@pytest.mark.slides
@pytest.mark.parametrize(
    ("sizes", "weights", "biases"),
    [((3, 4, 2), 20, 6), ((3, 4, 4, 1), 32, 9), ((784, 64, 64, 10), 54_912, 138)],
)
def test_parameters(sizes, weights, biases):
    """The inputs are not a layer: 3-4-2 has two."""
    model = fully_connected(sizes)
    assert len(model.layers) == len(sizes) - 1
    assert sum(weight.size for weight in model.get_weights()[::2]) == weights
    assert sum(bias.size for bias in model.get_weights()[1::2]) == biases
    assert model.count_params() == weights + biases


@pytest.mark.slides
def test_linear_layers_are_one_layer():
    model = fully_connected((6, 5, 3, 4))
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    (a, b, c), (p, q, r) = model.get_weights()[::2], model.get_weights()[1::2]
    x = rng.normal(size=(50, 6)).astype("float32")
    together = a @ b @ c
    assert model.predict_on_batch(x) == pytest.approx(x @ together + (p @ b + q) @ c + r, abs=1e-4)
    assert np.linalg.matrix_rank(together) == 3  # no more than the narrowest layer
    assert breaks_linearity(model, x) < 1e-4


@pytest.mark.slides
def test_one_relu_breaks_it():
    model = fully_connected((6, 5, 3, 4))
    model.layers[0].activation = keras.activations.relu
    assert breaks_linearity(model, rng.normal(size=(50, 6)).astype("float32")) > 0.01


def breaks_linearity(model, x):
    """How far f(x) + f(−x) is from 2 f(0), which is nothing for a matrix and a bias."""
    difference = model(x) + model(-x) - 2 * model(0 * x)
    return np.abs(np.asarray(difference)).max()


def test_depth_is_the_number_of_hidden_layers():
    for api in ("sequential", "functional"):
        model = recipe.build_model(api, units=8, depth=3, activation="tanh")
        dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
        assert [layer.units for layer in dense] == [8, 8, 8, 10]
        assert [layer.activation.__name__ for layer in dense] == ["tanh"] * 3 + ["softmax"]


def test_deep_variants_have_the_parameters_of_the_docstring():
    for name in ("deep", "deep_sigmoid"):
        assert recipe.build_model(**recipe.VARIANTS[name]).count_params() == 167_818

"""P21, P22, P23, P39, P48: parameters by formula (N26), a chain of matrix products, and what makes it more than one."""

import keras
import numpy as np
import pytest

from recipes.perceptrons import mlp_mnist as recipe

rng = np.random.default_rng(0)
IMAGES = np.where(
    rng.random((32, 28, 28, 1)) < 0.2, rng.integers(0, 256, (32, 28, 28, 1)), 0
).astype("uint8")


def fully_connected(sizes, **options):
    return keras.Sequential(
        [keras.Input(sizes[:1]), *[keras.layers.Dense(units, **options) for units in sizes[1:]]]
    )


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
    assert model.count_params() == recipe.parameters(sizes) == weights + biases


@pytest.mark.parametrize(("depth", "count"), [(1, 101_770), (5, 167_818)])
def test_both_apis_make_the_same_network(depth, count):
    sequential, functional = (
        recipe.build_model(api, depth=depth) for api in ("sequential", "functional")
    )
    functional.set_weights(sequential.get_weights())
    assert functional.predict_on_batch(IMAGES) == pytest.approx(
        sequential.predict_on_batch(IMAGES), abs=1e-6
    )
    assert sequential.count_params() == functional.count_params() == count
    assert recipe.parameters((784, *[128] * depth, 10)) == count


@pytest.mark.parametrize("depth", [1, 5])
def test_numpy_forward_pass(depth):
    model = recipe.build_model(depth=depth)
    model.set_weights(
        [weight + rng.normal(0, 0.02, weight.shape) for weight in model.get_weights()]
    )  # biases too
    *hidden, outputs = recipe.forward(model.get_weights(), IMAGES)
    assert outputs == pytest.approx(model.predict_on_batch(IMAGES), abs=1e-5)
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    inside = keras.Model(model.inputs, [layer.output for layer in dense[:-1]]).predict_on_batch(
        IMAGES
    )
    for ours, theirs in zip(hidden[1:], inside if depth > 1 else [np.squeeze(inside)], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)


def test_linear_layers_are_one_layer():
    model = fully_connected((6, 5, 3, 4))
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    (a, b, c), (p, q, r) = model.get_weights()[::2], model.get_weights()[1::2]
    x = rng.normal(size=(50, 6)).astype("float32")
    together = a @ b @ c
    assert model.predict_on_batch(x) == pytest.approx(x @ together + (p @ b + q) @ c + r, abs=1e-4)
    assert np.linalg.matrix_rank(together) == 3  # no more than the narrowest layer
    assert breaks_linearity(model, x) < 1e-4


def test_one_relu_breaks_it():
    model = fully_connected((6, 5, 3, 4))
    model.layers[0].activation = keras.activations.relu
    assert breaks_linearity(model, rng.normal(size=(50, 6)).astype("float32")) > 0.01


def breaks_linearity(model, x):
    """How far f(x) + f(−x) is from 2 f(0), which is nothing for a matrix and a bias."""
    plus, minus, zero = (np.asarray(model(points)) for points in (x, -x, 0 * x))
    return np.abs(plus + minus - 2 * zero).max()


def test_plane_keeps_what_differs_most():
    x = rng.normal(size=(200, 6)) * [0.1, 3, 0.1, 0.2, 5, 0.1]
    across, up = recipe.plane(x).T
    assert abs(np.corrcoef(across, x[:, 4])[0, 1]) > 0.95
    assert abs(np.corrcoef(up, x[:, 1])[0, 1]) > 0.95

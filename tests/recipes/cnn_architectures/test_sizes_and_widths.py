"""Each network of the chapter with images of another size, and half as wide."""

import inspect

import keras
import numpy as np
import pytest

from recipes.cnn_architectures import cnn_cifar100
from tests import selection
from tests.recipes.cnn_architectures.test_published_counts import NETWORKS

# Their docstrings say why they take images of one size only.
ONE_SIZE = {"lenet", "zip_code_net", "neocognitron"}
# Its images have two labels; see below.
TWO_HEADS = "cnn_cifar100"
# Of images of another size, which are not square.
SMALL = (44, 36, 3)
LARGE = (96, 112, 3)
# The arguments that set the width of a network, whichever it has.
WIDTHS = ("width", "filters", "growth_rate", "features")


def recipes_of_any_size():
    """The recipes of the chapter whose `build_model` takes the size of the images."""
    for recipe in selection.TRAINED:
        if recipe.chapter == "cnn_architectures" and recipe.name not in {*ONE_SIZE, TWO_HEADS}:
            yield recipe


def halved(function, arguments):
    """The arguments, with half the width."""
    parameters = inspect.signature(function).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    for name in WIDTHS:
        width = {**defaults, **arguments}.get(name)
        if isinstance(width, float):
            return {**arguments, name: width / 2}
        if isinstance(width, int):
            return {**arguments, name: max(1, width // 2)}
    return arguments


def image(shape):
    """A batch of one random image."""
    return np.random.default_rng(0).integers(0, 256, (1, *shape)).astype("float32")


def assert_probabilities(outputs, classes):
    assert outputs.shape == (1, classes)
    np.testing.assert_allclose(np.sum(outputs), 1, rtol=1e-3)


@pytest.mark.parametrize("recipe", selection.parameters(recipes_of_any_size(), full=True))
def test_other_size_and_half_the_width(recipe):
    """All variants of the small networks."""
    build = recipe.module.build_model
    for arguments in getattr(recipe.module, "VARIANTS", {"": {}}).values():
        narrow = build(**halved(build, arguments), classes=7, input_shape=SMALL)
        assert_probabilities(narrow(image(SMALL)), 7)
        if halved(build, arguments) != arguments:
            wide = build(**arguments, classes=7, input_shape=SMALL)
            assert narrow.count_params() < wide.count_params()


def test_networks_of_one_size_say_so():
    for recipe in selection.TRAINED:
        if recipe.name in ONE_SIZE:
            words = " ".join(recipe.module.__doc__.split())
            assert "fixed size" in words or "images of one size only" in words


def test_two_heads_for_another_size_and_half_the_width():
    inputs = keras.Input(SMALL)
    model = keras.Model(inputs, cnn_cifar100.two_heads(inputs, filters=24))
    fine, coarse = model(image(SMALL))
    assert_probabilities(fine, 100)
    assert_probabilities(coarse, 20)
    wide = keras.Model(inputs, cnn_cifar100.two_heads(inputs, filters=48))
    assert model.count_params() < wide.count_params()


@pytest.mark.full
@pytest.mark.parametrize("name", NETWORKS)
def test_published_network_of_another_size_and_half_the_width(name):
    function, _, parameters, *_ = NETWORKS[name]
    inputs = keras.Input(LARGE)
    model = keras.Model(inputs, function(inputs, **halved(function, {})))
    assert_probabilities(model(image(LARGE)), 1000)
    assert model.count_params() < 0.6 * parameters
    keras.backend.clear_session(free_memory=False)

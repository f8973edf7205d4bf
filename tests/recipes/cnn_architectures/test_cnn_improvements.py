"""The networks cost the same, and each differs from the plain one in what its name says."""

import keras
import pytest

from layers.local_response_normalization import LocalResponseNormalization
from recipes.cnn_architectures import cnn_improvements as recipe
from recipes.cnn_architectures.figures import cnn_improvements as figures
from recipes.common.network_cost import network_cost


@pytest.fixture(scope="module")
def networks():
    return {name: recipe.build_model(**given) for name, given in recipe.VARIANTS.items()}


def kinds(model):
    return {type(layer) for layer in model.layers}


def test_all_cost_about_the_same(networks):
    plain = network_cost(networks["plain"])
    for name, network in networks.items():
        cost = network_cost(network)
        for what in ("parameters", "multiply_accumulates"):
            assert cost[what] == pytest.approx(plain[what], rel=0.05), (name, what)


def test_each_has_what_its_name_says(networks):
    marks = {
        "local_response": LocalResponseNormalization,
        "batch": keras.layers.BatchNormalization,
        "inception": keras.layers.Concatenate,
        "residual": keras.layers.Add,
    }
    for name, network in networks.items():
        has = {mark for mark, kind in marks.items() if kind in kinds(network)}
        expected = {"batch", "inception", "residual"} if name == "all" else {name} & set(marks)
        assert has == expected, name


@pytest.mark.parametrize(
    ("normalization", "order"),
    [
        ("local_response", ["Conv2D", "ReLU", "LocalResponseNormalization"]),
        ("batch", ["Conv2D", "BatchNormalization", "ReLU"]),
    ],
)
def test_normalization_comes_where_its_paper_has_it(normalization, order):
    x = keras.Input((8, 8, 5))
    model = keras.Model(x, recipe.convolution(x, 6, 3, normalization))
    assert [type(layer).__name__ for layer in model.layers[1:]] == order


def test_bottlenecks_reduce_and_restore_the_channels():
    x = keras.Input((8, 8, 60))
    model = keras.Model(x, recipe.bottleneck(x, 60, "none"))
    kernels = [weight.shape for weight in model.weights if len(weight.shape) == 4]
    assert kernels == [(1, 1, 60, 30), (3, 3, 30, 30), (1, 1, 30, 60)]


def test_branches_of_the_inception_module_add_up():
    x = keras.Input((8, 8, 20))
    assert recipe.inception(x, 72, "none").shape == (None, 8, 8, 72)


def test_differences_are_in_points():
    found = figures.differences({"plain": 0.6, "batch": 0.65, "all": 0.55}, "plain")
    assert found == {"batch": pytest.approx(5), "all": pytest.approx(-5)}


def test_only_a_network_that_gains_is_said_to_gain():
    points = {"bottleneck": -1.0, "batch": 2.5, "residual": 2.0}
    assert figures.headline(points).endswith("most is gained by batch normalization")
    points = {"bottleneck": -1.0, "batch": -0.1, "residual": 0.0}
    assert figures.headline(points).endswith("no network gains on the plain one")

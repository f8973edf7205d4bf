"""Its layers, its initialization, and what its pictures read from it."""

import keras
import numpy as np
import pytest

from recipes.cnn_architectures import prelu_net
from recipes.cnn_architectures.figures import prelu_net as figures
from recipes.common.network_cost import network_cost


@pytest.fixture(scope="module")
def models():
    """The variants, and ReLU with Glorot's initialization."""
    keras.utils.set_random_seed(0)
    built = {"glorot_relu": prelu_net.build_model("relu", "glorot")}
    for name, arguments in prelu_net.VARIANTS.items():
        built[name] = prelu_net.build_model(**arguments)
    return built


@pytest.mark.slides
def test_thirty_layers_as_in_the_paper(models):
    cost = network_cost(models["he_prelu"])
    assert cost["layers"] == 30
    convolutions = [x for x in models["he_relu"].layers if isinstance(x, keras.layers.Conv2D)]
    assert len(convolutions) == 27
    # A slope for each channel of 27 convolutions and for each unit of two dense layers.
    slopes = 9 * (12 + 24 + 48) + 2 * 192
    assert cost["parameters"] == models["he_relu"].count_params() + slopes
    assert models["he_relu"].count_params() == 418_402


@pytest.mark.parametrize(
    ("initialization", "activation", "variance"),
    [
        ("he", "relu", 2 / 288),
        ("he", "prelu", 2 / (1 + 1 / 16) / 288),
        ("glorot", "relu", 2 / (288 + 576)),
    ],
)
def test_variance_of_the_weights(initialization, activation, variance):
    kernel = prelu_net.initializer(initialization, activation)((3, 3, 32, 64))
    assert np.var(np.asarray(kernel)) == pytest.approx(variance, rel=0.05)


def test_variants_differ_from_the_first_one_in_one_thing():
    he = prelu_net.VARIANTS["he_prelu"]
    assert prelu_net.VARIANTS["he_relu"] == {**he, "activation": "relu"}
    assert prelu_net.VARIANTS["glorot_prelu"] == {**he, "initialization": "glorot"}
    assert set(prelu_net.VARIANTS) == set(figures.TITLES)


def test_one_slope_for_each_channel():
    inputs = keras.Input((2, 3, 4))
    model = keras.Model(inputs, prelu_net.activate(inputs, "prelu"))
    (weight,) = model.weights
    assert weight.shape == (1, 1, 4)
    weight.assign(np.array([[[0.25, 0.5, 0.0, -1.0]]], "float32"))
    outputs = np.asarray(model(-2 * np.ones((1, 2, 3, 4), "float32")))
    assert (outputs == [-0.5, -1.0, 0.0, 2.0]).all()


def test_signals_keep_their_size_with_he_and_vanish_with_glorot(models):
    """Of ReLU's output half of the second moment is gone: 2^(−1/2) in each of 28 steps.

    Noise of zero mean, so that the first layer's signal is as theory has it; the borders, where
    windows reach beyond the image, take some more.
    """
    images = np.random.default_rng(0).uniform(0, 255, (64, 32, 32, 3)).astype("float32")
    left = {
        name: figures.remaining(figures.signals(model, images)) for name, model in models.items()
    }
    assert 0.02 < left["he_prelu"] < 5
    assert 0.02 < left["he_relu"] < 5
    assert left["glorot_relu"] < 0.001
    assert left["glorot_prelu"] < 0.001
    signals = figures.signals(models["he_relu"], images)
    assert len(signals) == 29


def test_slopes_are_read_in_the_order_of_the_layers(models):
    model = models["he_prelu"]
    found = figures.slopes(model)
    assert [len(values) for values in found] == [12] * 9 + [24] * 9 + [48] * 9 + [192] * 2
    assert all((values == prelu_net.SLOPE).all() for values in found)

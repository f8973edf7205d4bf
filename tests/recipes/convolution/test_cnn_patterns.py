"""The four patterns have the layers the slide prints, in both notations, and the counts the recipe says."""

import keras
import numpy as np
import pytest

from recipes.convolution import cnn_patterns

PRINTED = {  # the slide's arrows, its repetitions written out; R is RELU
    "fc": "FC",
    "conv_fc": "CONV R FC",
    "conv_pool": "CONV R POOL " * 2 + "FC R FC",
    "conv_conv_pool": "CONV R CONV R POOL " * 3 + "FC R " * 2 + "FC",
}
PARAMETERS = {"fc": 7_850, "conv_fc": 251_210, "conv_pool": 105_866, "conv_conv_pool": 41_346}


def printed(model):
    names = {
        keras.layers.Conv2D: ["CONV"],
        keras.layers.MaxPooling2D: ["POOL"],
        keras.layers.Dense: ["FC"],
    }
    words = []
    for layer in model.layers:
        words += names.get(type(layer), [])
        words += ["R"] * (getattr(layer, "activation", None) is keras.activations.relu)
    return " ".join(words)


@pytest.mark.parametrize("api", ["sequential", "functional"])
@pytest.mark.parametrize("pattern", PRINTED)
def test_layers_and_parameters(pattern, api):
    model = cnn_patterns.build_model(pattern, api=api)
    assert printed(model) == PRINTED[pattern]
    assert model.count_params() == PARAMETERS[pattern]


@pytest.mark.parametrize("pattern", PRINTED)
def test_both_apis_are_the_same_network(pattern):
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1)).astype("uint8")
    sequential, functional = (
        cnn_patterns.build_sequential(pattern),
        cnn_patterns.build_functional(pattern),
    )
    functional.set_weights(sequential.get_weights())
    expected = np.asarray(sequential(images))
    assert np.ptp(expected, axis=0).max() > 1e-4
    np.testing.assert_allclose(np.asarray(functional(images)), expected, atol=1e-6)


def test_multiplications():
    assert cnn_patterns.multiplications(cnn_patterns.build_model("fc")) == 784 * 10
    assert (
        cnn_patterns.multiplications(cnn_patterns.build_model("conv_fc"))
        == 28 * 28 * 9 * 32 + 28 * 28 * 32 * 10
    )
    cost = {
        pattern: cnn_patterns.multiplications(cnn_patterns.build_model(pattern))
        for pattern in PRINTED
    }
    assert max(cost.values()) == cost["conv_conv_pool"]
    assert cost["conv_conv_pool"] < 4 * cost["conv_fc"]  # comparable


def test_unknown_pattern():
    with pytest.raises(ValueError, match=r"conv_pool.*Received: deep"):
        cnn_patterns.build_model("deep")

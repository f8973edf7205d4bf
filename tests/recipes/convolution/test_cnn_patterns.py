"""The four patterns have the layers that the slide prints, in both APIs, and their parameters."""

import keras
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


@pytest.mark.slides
@pytest.mark.parametrize("api", ["sequential", "functional"])
@pytest.mark.parametrize("pattern", PRINTED)
def test_layers_and_parameters(pattern, api):
    model = cnn_patterns.build_model(pattern, api=api)
    assert printed(model) == PRINTED[pattern]
    assert model.count_params() == PARAMETERS[pattern]


def test_unknown_pattern():
    with pytest.raises(ValueError, match=r"conv_pool.*Received: deep"):
        cnn_patterns.build_model("deep")

"""A face detector's weights, trained by others; README.md says who, LICENSE on what terms."""

import pathlib

from recipes.common import tensorflow_js

FOLDER = pathlib.Path(__file__).parent


def read_weights():
    """The arrays of the network, in the order of its layers: 193,321 numbers, float32."""
    arrays = tensorflow_js.read_weights(FOLDER / "manifest.json", FOLDER / "weights.bin")
    return list(arrays.values())

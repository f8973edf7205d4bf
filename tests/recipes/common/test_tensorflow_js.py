"""Bytes and floats become the arrays that the manifest announces, or a line says what is wrong."""

import json

import numpy as np
import pytest

from recipes.common.tensorflow_js import read_weights

ENTRIES = [
    {"name": "a", "shape": [2, 1], "quantization": {"scale": 0.5, "min": -1.0}},
    {"name": "b", "shape": [2]},
    {"name": "c", "shape": [3], "quantization": {"scale": 2.0, "min": 0.0}},
]
FLOATS = np.array([0.25, -3], "<f4").tobytes()


@pytest.fixture
def paths(tmp_path):
    manifest, weights = tmp_path / "manifest.json", tmp_path / "weights.bin"
    manifest.write_text(json.dumps([{"weights": ENTRIES, "paths": ["weights.bin"]}]))
    weights.write_bytes(bytes([0, 4]) + FLOATS + bytes([1, 2, 255]))
    return manifest, weights


def test_bytes_are_scaled_and_floats_are_not(paths):
    arrays = read_weights(*paths)
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "a": [[-1], [1]],
        "b": [0.25, -3],
        "c": [2, 4, 510],
    }
    assert list(arrays) == ["a", "b", "c"]
    assert {array.dtype for array in arrays.values()} == {np.dtype("float32")}


@pytest.mark.parametrize("size", [0, 12, 14])
def test_the_file_has_the_length_that_the_manifest_says(paths, size):
    paths[1].write_bytes(bytes(size))
    with pytest.raises(ValueError, match=rf"weights.bin: 13 bytes are announced, {size} are there"):
        read_weights(*paths)


@pytest.mark.parametrize(
    "content",
    ["no JSON", "[]", "3", "{}", '{"weights": []}', '[{"weights": [3]}]', "[{}, {}]"],
)
def test_what_is_no_manifest(paths, content):
    paths[0].write_text(content)
    with pytest.raises(ValueError, match=r"manifest.json is no manifest of TensorFlow.js"):
        read_weights(*paths)

"""Weights in the format of TensorFlow.js (a JSON manifest and a binary file), read with NumPy."""

import json
import math
import pathlib

import numpy as np


def read_weights(manifest, weights):
    """The arrays of a network, in the order of the file.

    Args:
        manifest: Path of the JSON file with the name and shape of each array.
        weights: Path of the binary file, one array after another: float32, or bytes if the manifest
            gives a `quantization`, value = byte · scale + min.

    Returns:
        `{name: array}`, float32.

    Raises:
        FileNotFoundError: if one of the files is missing.
        ValueError: if `manifest` is not a manifest of one weight file, or the length of `weights`
            differs from it.
    """
    entries = read_manifest(manifest)
    content = pathlib.Path(weights).read_bytes()
    announced = sum(math.prod(shape) * number_type(known).itemsize for _, shape, known in entries)
    if announced != len(content):
        raise ValueError(f"{weights}: {announced} bytes are announced, {len(content)} are there")
    arrays = {}
    start = 0
    for name, shape, known in entries:
        values = np.frombuffer(content, number_type(known), math.prod(shape), start)
        start += values.nbytes
        if known:
            values = values * np.float32(known["scale"]) + np.float32(known["min"])
        arrays[name] = values.reshape(shape)
    return arrays


def read_manifest(path):
    """Name, shape and quantization, or None, of each array."""
    try:
        (group,) = json.loads(pathlib.Path(path).read_text(encoding="utf8"))
        entries = group["weights"]
        return [(entry["name"], entry["shape"], entry.get("quantization")) for entry in entries]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValueError(f"{path} is no manifest of TensorFlow.js for one file") from None


def number_type(quantization):
    """The stored dtype of an array."""
    return np.dtype("uint8" if quantization else "<f4")

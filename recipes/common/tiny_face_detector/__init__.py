"""The weights of a detector of faces that others have trained; README.md says who, LICENSE on what terms."""

import json
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parent


def read_weights(folder=FOLDER):
    """The arrays of a network as TensorFlow.js keeps them, in the order of the file.

    Args:
        folder: Holds `manifest.json` and `weights.bin`, one byte for each number: value = byte ·
            scale + min.

    Raises:
        ValueError: if the file is longer or shorter than the manifest says.
    """
    (manifest,) = json.loads((folder / "manifest.json").read_text())
    content = np.frombuffer((folder / "weights.bin").read_bytes(), "uint8")
    sizes = [int(np.prod(entry["shape"])) for entry in manifest["weights"]]
    if sum(sizes) != len(content):
        raise ValueError(f"{folder}: {sum(sizes)} weights are named, {len(content)} are there")
    arrays = []
    for entry, size in zip(manifest["weights"], sizes, strict=True):
        known = entry["quantization"]
        values = content[:size] * np.float32(known["scale"]) + np.float32(known["min"])
        arrays.append(values.reshape(entry["shape"]))
        content = content[size:]
    return arrays

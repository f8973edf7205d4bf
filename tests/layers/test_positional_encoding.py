import keras
import numpy as np
import pytest
from keras import ops

from layers.positional_encoding import PositionalEncoding, positional_encoding
from tests.layers.conformance import check_layer


def encodings(*arguments, **keywords):
    return ops.convert_to_numpy(positional_encoding(*arguments, **keywords))


def sinusoids(inputs, weights, wavelength=100.0):
    expected = inputs.copy()
    _, steps, features = inputs.shape
    for p in range(steps):
        for column in range(features):
            angle = p / wavelength ** (2 * (column // 2) / features)
            expected[:, p, column] += np.cos(angle) if column % 2 else np.sin(angle)
    return expected


def digits(inputs, weights):
    _, steps, features = inputs.shape
    return inputs + np.array([[int(digit) for digit in f"{p:0{features}b}"] for p in range(steps)])


@pytest.mark.parametrize(
    ("arguments", "reference", "parameters"),
    [
        ({"wavelength": 100.0}, sinusoids, 0),
        ({"encoding": "binary"}, digits, 0),
        ({"encoding": "integer"}, lambda x, weights: x + np.arange(6)[:, None], 0),
        (
            {"encoding": "learned", "length": 7, "initializer": "ones"},
            lambda x, weights: x + weights[0][:6],
            35,
        ),
    ],
    ids=["sinusoidal", "binary", "integer", "learned"],
)
def test_conformance(arguments, reference, parameters):
    learned = "length" in arguments
    check_layer(
        PositionalEncoding,
        arguments,
        (2, 6, 5),
        reference=reference,
        parameters=parameters,
        mask="passed",
        bad_arguments=[
            {"encoding": "seconds"},
            {"length": 0 if learned else 8},
            {"wavelength": 0.0},
            *([{"length": None}] * learned),
        ],
        bad_shapes=[(2, 5), (2, 5, 4, 3), *([(2, 8, 5)] * learned)],
    )


def test_learned_embeddings_have_an_end_in_a_symbolic_call_too():
    with pytest.raises(ValueError, match="only 7 positions"):
        PositionalEncoding("learned", length=7)(keras.Input((8, 5)))


def test_sinusoids_of_the_paper():
    """N48: eight columns, positions 1 to 3."""
    expected = [
        [0.8415, 0.5403, 0.0998, 0.9950, 0.0100, 1.0000, 0.0010, 1.0000],
        [0.9093, -0.4161, 0.1987, 0.9801, 0.0200, 0.9998, 0.0020, 1.0000],
        [0.1411, -0.9900, 0.2955, 0.9553, 0.0300, 0.9996, 0.0030, 1.0000],
    ]
    np.testing.assert_array_equal(encodings([1, 2, 3], 8).round(4), np.array(expected, "float32"))


def test_integer_and_binary_of_the_slide():
    """N47: rows 1 to 6."""
    positions = range(1, 7)
    assert encodings(list(positions), 4, "integer").tolist() == [[p] * 4 for p in positions]
    rows = ["0001", "0010", "0011", "0100", "0101", "0110"]
    assert encodings(list(positions), 4, "binary").tolist() == [list(map(int, row)) for row in rows]


def test_many_columns_and_far_positions():
    far = encodings([0, 123_456], 512, "binary")
    assert far[1] @ 2.0 ** np.minimum(np.arange(512)[::-1], 60) == 123_456
    assert not far[0].any()
    assert np.isfinite(encodings([0, 123_456], 511)).all()


def test_no_unknown_encoding():
    with pytest.raises(ValueError, match="learned"):
        positional_encoding([1, 2], 4, "learned")

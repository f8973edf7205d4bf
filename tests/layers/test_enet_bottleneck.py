import numpy as np
import pytest

from layers.enet_bottleneck import DownsamplingBottleneck, ENetBottleneck, UpsamplingBottleneck
from tests.layers.conformance import check_layer
from tests.layers.test_max_unpooling import pool, unpool

SHAPE = (2, 6, 4, 8)  # higher than wide


def convolve(x, kernel, dilation=1):
    """A convolution with zeros around the maps, one place of the kernel after another."""
    rows, columns = kernel.shape[:2]
    down, right = dilation * (rows // 2), dilation * (columns // 2)
    height, width = x.shape[1:3]
    x = np.pad(x, [(0, 0), (down, down), (right, right), (0, 0)])
    total = 0
    for row in range(rows):
        for column in range(columns):
            top, left = dilation * row, dilation * column
            total = total + x[:, top : top + height, left : left + width] @ kernel[row, column]
    return total


def halve(x, kernel):
    """A 2×2 convolution with strides of 2."""
    total = 0
    for row in range(2):
        for column in range(2):
            total = total + x[:, row::2, column::2] @ kernel[row, column]
    return total


def double(x, kernel):
    """A transposed 3×3 convolution with strides of 2: each pixel adds a multiple of the kernel."""
    batch, height, width, _ = x.shape
    y = np.zeros((batch, 2 * height + 1, 2 * width + 1, kernel.shape[2]))
    for row in range(3):
        for column in range(3):
            part = x @ kernel[row, column].T
            y[:, row : row + 2 * height : 2, column : column + 2 * width : 2] += part
    return y[:, :-1, :-1]


def normalize(x, gamma, beta, mean, variance):
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


def prelu(x, slope):
    return np.where(x > 0, x, slope * x)


def branch(x, weights, first, middle, count):
    """A branch in NumPy; `count` weights belong to the convolutions in the middle."""
    x = prelu(normalize(first(x, weights[0]), *weights[1:5]), weights[5])
    x = middle(x, *weights[6 : 6 + count])
    weights = weights[6 + count :]
    x = prelu(normalize(x, *weights[:4]), weights[4])
    return normalize(convolve(x, weights[5]), *weights[6:10])


def asymmetric(x, kernel, second):
    return convolve(convolve(x, kernel), second)


BAD = [{"filters": 0}, {"dropout": 1.0}]
DROPOUT = {"dropout": 0.5, "seed": 3}
# Two convolutions of one pixel, eight numbers for each inner and four for each outer channel of
# normalizations, and the slopes.
AROUND = 8 * 2 + 2 * 8 + 8 * 2 + 4 * 8 + 2 * 2 + 8


@pytest.mark.parametrize(
    ("arguments", "middle", "parameters"),
    [
        ({}, convolve, 9 * 2 * 2),
        pytest.param(
            {"dilation_rate": 2},
            lambda x, kernel: convolve(x, kernel, dilation=2),
            9 * 2 * 2,
            marks=pytest.mark.full,
        ),
        pytest.param({"asymmetric": 5}, asymmetric, 5 * 2 * 2 + 5 * 2 * 2, marks=pytest.mark.full),
    ],
)
def test_conformance(arguments, middle, parameters):
    def reference(x, weights):
        count = 2 if "asymmetric" in arguments else 1
        return prelu(x + branch(x, weights, convolve, middle, count), weights[-1])

    check_layer(
        ENetBottleneck,
        {"filters": 8, **arguments, **DROPOUT},
        SHAPE,
        reference=reference,
        parameters=AROUND + parameters,
        random=True,
        bad_arguments=[*BAD, {"dilation_rate": 0}, {"asymmetric": 3, "dilation_rate": 2}],
        bad_shapes=[(2, 6, 8), (2, 6, 4, 6)],
    )


@pytest.mark.full
def test_conformance_of_downsampling():
    # All different, and exact in 16 bits: the maxima are the same in all of them.
    values = np.random.default_rng(0).permutation(2 * 6 * 4 * 5).reshape(2, 6, 4, 5)

    def reference(x, weights):
        maxima, indices = pool(x, 2)
        shortcut = np.pad(maxima, [(0, 0), (0, 0), (0, 0), (0, 3)])
        return prelu(shortcut + branch(x, weights, halve, convolve, 1), weights[-1]), indices

    check_layer(
        DownsamplingBottleneck,
        {"filters": 8, **DROPOUT},
        inputs=(values / 64 - 1).astype("float32"),
        reference=reference,
        parameters=4 * 5 * 2 + 2 * 8 + 9 * 2 * 2 + 2 * 8 + 4 * 8 + 2 * 2 + 8,
        random=True,
        bad_arguments=BAD,
        bad_shapes=[(2, 6, 5), (2, 6, 3, 5), (2, 6, 4, 9)],
    )


def test_conformance_of_upsampling():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 2, 6)).astype("float32")
    indices = rng.integers(0, 4, (2, 3, 2, 8)).astype("int32")

    def reference(inputs, weights):
        x, indices = inputs
        # The projection of the shortcut was made first.
        shortcut = unpool(normalize(convolve(x, weights[0]), *weights[1:5]), indices, 2)
        return prelu(shortcut + branch(x, weights[5:], convolve, double, 1), weights[-1])

    check_layer(
        UpsamplingBottleneck,
        {"filters": 8, **DROPOUT},
        inputs=[x, indices],
        reference=reference,
        parameters=6 * 8 + 4 * 8 + 6 * 2 + 2 * 8 + 9 * 2 * 2 + 2 * 8 + 4 * 8 + 2 * 2 + 8,
        random=True,
        bad_arguments=BAD,
        bad_shapes=[[(2, 3, 2, 6), (2, 3, 2, 6)], [(2, 3, 2, 6), (2, 2, 2, 8)]],
    )


def test_dilation_and_length_say_how_far_a_bottleneck_sees():
    """Which inputs reach the output in the middle."""
    reach = {}
    for name, arguments in {
        "regular": {},
        "dilated": {"dilation_rate": 4},
        "asymmetric": {"asymmetric": 5},
    }.items():
        layer = ENetBottleneck(4, **arguments)
        x = np.zeros((11 * 11 + 1, 11, 11, 4), "float32")
        for place in range(11 * 11):
            x[place, place // 11, place % 11] = 1
        y = np.asarray(layer(x))[:, 5, 5]
        seen = np.abs(y[:-1] - y[-1]).max(axis=-1).reshape(11, 11) > 0
        reach[name] = np.flatnonzero(seen.any(axis=0)).tolist()
    assert reach == {"regular": [4, 5, 6], "dilated": [1, 5, 9], "asymmetric": [3, 4, 5, 6, 7]}

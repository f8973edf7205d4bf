import keras
import numpy as np
import pytest
from keras import ops

from layers.shapes import conv_output, receptive_field


@pytest.mark.parametrize(
    ("size", "kernel", "padding", "stride", "expected"),
    [
        (32, 5, 0, 1, 28),
        (7, 3, 0, 1, 5),
        (9, 3, 0, 1, 7),
        (28, 3, 0, 1, 26),
        (227, 11, 0, 4, 55),
        (28, 3, 1, 1, 28),
        (5, 5, 0, 3, 1),
    ],
)
def test_output_sizes_of_the_slides(size, kernel, padding, stride, expected):
    assert conv_output(size, kernel, padding, stride) == expected


def test_a_filter_that_does_not_fit_raises():
    with pytest.raises(ValueError, match=r"54\.25 is not an integer"):
        conv_output(224, 11, stride=4)
    with pytest.raises(ValueError, match="larger than the padded image"):
        conv_output(2, 5)


@pytest.mark.parametrize("arguments", [(0, 1), (5, 0), (5, 3, -1), (5, 3, 0, 0)])
def test_impossible_sizes_raise(arguments):
    with pytest.raises(ValueError, match="Received"):
        conv_output(*arguments)


def test_agrees_with_keras_wherever_the_filter_fits():
    fits = 0
    for size in range(5, 13):
        for kernel in range(1, 6):
            for padding in range(3):
                for stride in range(1, 4):
                    image = ops.zeros((1, size + 2 * padding, size + 2 * padding, 1))
                    layer = keras.layers.Conv2D(1, kernel, strides=stride)
                    in_keras = layer.compute_output_shape(image.shape)[1]
                    try:
                        assert conv_output(size, kernel, padding, stride) == in_keras
                        fits += 1
                    except ValueError:
                        assert (size - kernel + 2 * padding) % stride
    assert fits > 100


def test_receptive_fields_of_patch_gan():
    kernels, strides = [4] * 5, [2, 2, 2, 1, 1]
    assert [receptive_field(kernels[-n:], strides[-n:]) for n in range(1, 6)] == [4, 7, 16, 34, 70]
    assert receptive_field([], []) == 1


def test_receptive_field_by_poking():
    """The pixels that change the middle output of a small network, counted."""
    layers = [(3, 1), (2, 2), (3, 1), (5, 2)]
    size = 40
    images = np.zeros((size, size, size, 1), "float32")
    images[np.arange(size), np.arange(size), np.arange(size)] = (
        1  # one lit pixel each, along the diagonal
    )
    y = images
    for kernel, stride in layers:
        y = keras.layers.Conv2D(
            1, kernel, strides=stride, kernel_initializer="ones", use_bias=False
        )(y)
    y = ops.convert_to_numpy(y)
    middle = y.shape[1] // 2
    assert np.count_nonzero(y[:, middle, middle, 0]) == receptive_field(*zip(*layers, strict=True))


def test_receptive_field_refuses_nonsense():
    with pytest.raises(ValueError, match="one stride"):
        receptive_field([3, 3], [1])
    with pytest.raises(ValueError, match="at least 1"):
        receptive_field([3, 0], [1, 1])

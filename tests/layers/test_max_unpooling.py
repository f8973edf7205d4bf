import numpy as np
import pytest
import tensorflow as tf

from layers.max_unpooling import MaxPoolingWithIndices, MaxUnpooling
from tests.layers.conformance import check_layer

# All different, and exact in 16 bits: the maxima are the same in all of them.
MAPS = np.random.default_rng(0).permutation(2 * 6 * 4 * 3).reshape(2, 6, 4, 3).astype("float32")


def pool(x, size):
    """Maxima and their places, window by window."""
    batch, height, width, channels = x.shape
    shape = (batch, height // size, width // size, channels)
    maxima = np.zeros(shape, "float32")
    indices = np.zeros(shape, "int32")
    for index in np.ndindex(shape):
        image, row, column, channel = index
        rows = slice(row * size, (row + 1) * size)
        columns = slice(column * size, (column + 1) * size)
        window = x[image, rows, columns, channel]
        maxima[index] = window.max()
        indices[index] = window.argmax()
    return maxima, indices


def unpool(values, indices, size):
    """Each value to its place, one by one."""
    batch, height, width, channels = values.shape
    x = np.zeros((batch, height * size, width * size, channels), "float32")
    for index in np.ndindex(values.shape):
        image, row, column, channel = index
        down, right = divmod(indices[index], size)
        x[image, row * size + down, column * size + right, channel] = values[index]
    return x


def test_conformance_of_pooling():
    check_layer(
        MaxPoolingWithIndices,
        inputs=MAPS,
        reference=lambda x, weights: pool(x, 2),
        parameters=0,
        bad_arguments=[{"pool_size": 0}],
        bad_shapes=[(2, 4, 4), (2, 4, 5, 3)],
    )


def test_conformance_of_unpooling():
    indices = np.random.default_rng(1).integers(0, 9, (2, 3, 4, 2)).astype("int32")
    values = np.random.default_rng(2).normal(size=indices.shape).astype("float32")
    check_layer(
        MaxUnpooling,
        {"pool_size": 3},
        inputs=[values, indices],
        reference=lambda inputs, weights: unpool(*inputs, 3),
        parameters=0,
        bad_arguments=[{"pool_size": 0}],
        bad_shapes=[[(2, 3, 4, 2), (2, 3, 3, 2)], [(2, 3, 4), (2, 3, 4)]],
    )


@pytest.mark.parametrize("size", [1, 2])
def test_maxima_return_to_their_places(size):
    """Of maps that are higher than wide: what is no maximum is zero, the rest as before."""
    maxima, indices = MaxPoolingWithIndices(size)(MAPS + 1)
    x = np.asarray(MaxUnpooling(size)([maxima, indices]))
    kept = x != 0
    assert kept.sum() == maxima.shape[0] * maxima.shape[1] * maxima.shape[2] * maxima.shape[3]
    np.testing.assert_array_equal(x[kept], (MAPS + 1)[kept])
    again, same = MaxPoolingWithIndices(size)(x)
    np.testing.assert_array_equal(again, maxima)
    np.testing.assert_array_equal(same, indices)


def test_of_equal_values_the_first_one_counts():
    _, indices = MaxPoolingWithIndices()(np.ones((1, 2, 2, 1)))
    assert int(indices[0, 0, 0, 0]) == 0


def test_other_values_than_the_maxima_go_where_the_maxima_were():
    """Maxima in the corners of a map of 4 × 2, and a value that is negative."""
    x = np.array([[9, 1], [2, 3], [1, 2], [8, 4]], "float32").reshape(1, 4, 2, 1)
    _, indices = MaxPoolingWithIndices()(x)
    assert np.ravel(indices).tolist() == [0, 2]
    y = MaxUnpooling()([np.array([-5.0, 7.0]).reshape(1, 2, 1, 1), indices])
    assert np.asarray(y)[0, :, :, 0].tolist() == [[-5, 0], [0, 0], [0, 0], [7, 0]]


def test_gradients_take_the_same_ways():
    """The maxima's pixels get the gradient of the pooled map, and values that of their pixel."""
    x = tf.constant(MAPS)
    above = tf.random.stateless_normal((2, 3, 2, 3), seed=[0, 0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        maxima, indices = MaxPoolingWithIndices()(x)
        tape.watch(maxima)
        y = MaxUnpooling()([maxima, indices])
    downward = tape.gradient(maxima, x, above)
    np.testing.assert_array_equal(downward, MaxUnpooling()([above, indices]))
    np.testing.assert_array_equal(tape.gradient(y, maxima, downward), above)

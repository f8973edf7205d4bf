import keras
import numpy as np
import pytest
from keras import ops

from layers.grouped_convolution import GroupedConv2D
from tests.layers.conformance import check_layer

ARGUMENTS = {"filters": 6, "kernel_size": 3, "groups": 2, "padding": "same", "activation": "relu"}


def two_towers(x, weights):
    """One ordinary convolution for each half of the channels."""
    kernel, bias = weights
    outputs = []
    for tower in (0, 1):
        layer = keras.layers.Conv2D(3, 3, padding="same", activation="relu")
        channels = slice(2 * tower, 2 * tower + 2)
        filters = slice(3 * tower, 3 * tower + 3)
        layer.build(x[..., channels].shape)
        layer.set_weights([kernel[..., filters], bias[filters]])
        outputs.append(ops.convert_to_numpy(layer(x[..., channels])))
    return np.concatenate(outputs, axis=-1)


def test_conformance():
    check_layer(
        GroupedConv2D,
        ARGUMENTS,
        (2, 7, 6, 4),
        reference=two_towers,
        parameters=3 * 3 * 2 * 6 + 6,
        bad_arguments=[{"groups": 4}, {"filters": 5}, {"data_format": "channels_first"}],
        bad_shapes=[(2, 7, 6, 3)],
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"kernel_size": 1, "groups": 3},
        {"kernel_size": (3, 2), "groups": 6, "strides": 2},
        {"kernel_size": 3, "groups": 2, "dilation_rate": 2, "use_bias": False},
    ],
)
def test_it_is_keras_own_grouped_convolution(arguments):
    x = np.random.default_rng(0).standard_normal((2, 8, 9, 6)).astype("float32")
    ours = GroupedConv2D(filters=12, **arguments)
    keras_own = keras.layers.Conv2D(filters=12, **arguments)
    for layer in (ours, keras_own):
        layer.build(x.shape)
    keras_own.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours(x), keras_own(x), atol=1e-5)
    assert ours.compute_output_shape(x.shape) == tuple(ours(x).shape)

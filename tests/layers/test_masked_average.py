import keras
import numpy as np
from keras import ops

from layers.masked_average import MaskedAverage
from tests.layers.conformance import check_layer


def average(inputs, mask=None):
    return ops.convert_to_numpy(MaskedAverage()(inputs, mask=mask))


def test_conformance():
    check_layer(
        MaskedAverage,
        {},
        (3, 5, 4),
        reference=lambda x, weights: x.mean(1),
        parameters=0,
        mask="consumed",
        bad_shapes=[(2, 5), (2, 5, 4, 3)],
    )


def test_equals_the_average_of_the_steps_that_are_kept():
    inputs = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    lengths = np.array([6, 3, 1, 2])
    mask = np.arange(6) < lengths[:, None]
    expected = [steps[:length].mean(0) for steps, length in zip(inputs, lengths, strict=True)]
    np.testing.assert_allclose(average(inputs, mask), expected, rtol=1e-5, atol=1e-6)
    built_in = keras.layers.GlobalAveragePooling1D()(inputs, mask=mask)
    np.testing.assert_allclose(
        average(inputs, mask), ops.convert_to_numpy(built_in), rtol=1e-5, atol=1e-6
    )


def test_a_sequence_of_which_nothing_is_kept_gives_zeros_where_the_built_in_layer_gives_nan():
    inputs, mask = (
        np.ones((2, 3, 2), "float32"),
        np.array([[True, False, False], [False, False, False]]),
    )
    np.testing.assert_array_equal(average(inputs, mask), [[1, 1], [0, 0]])
    built_in = ops.convert_to_numpy(keras.layers.GlobalAveragePooling1D()(inputs, mask=mask))
    assert np.isnan(built_in[1]).all()


def test_counts_a_thousand_steps_in_half_precision():
    """bfloat16 cannot tell 256 from 257: sums and counts are made in float32."""
    inputs = np.ones((1, 1000, 1), "float32")
    layer = MaskedAverage(dtype="mixed_bfloat16")
    assert float(layer(inputs, mask=np.ones((1, 1000), "bool"))[0, 0]) == 1

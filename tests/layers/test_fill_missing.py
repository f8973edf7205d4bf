import numpy as np
import pytest
from keras import ops

from layers.fill_missing import FillMissing
from tests.layers.conformance import check_layer

INPUTS = np.array([[1, np.nan, 3], [np.nan, np.nan, -4], [0, 5, 6]], "float32")


def fill(inputs, value, flags):
    missing = np.isnan(inputs)
    filled = np.where(missing, np.asarray(value, inputs.dtype), inputs)
    return np.concatenate([filled, missing.astype("float32")], -1) if flags else filled


@pytest.mark.parametrize("flags", [False, True])
def test_conformance(flags):
    check_layer(
        FillMissing,
        {"value": -1.5, "flags": flags},
        inputs=INPUTS,
        reference=lambda x, weights: fill(x, -1.5, flags),
        parameters=0,
        bad_arguments=[{"value": float("nan")}, {"value": float("inf")}],
        bad_shapes=[(3,)],
    )


@pytest.mark.parametrize("flags", [False, True])
def test_conformance_with_a_value_for_each_column(flags):
    values = np.array([-1.5, 2.5, 7], "float32")
    check_layer(
        FillMissing,
        {"value": values, "flags": flags},
        inputs=INPUTS,
        reference=lambda x, weights: fill(x, np.broadcast_to(values, x.shape), flags),
        parameters=0,
        bad_arguments=[{"value": [1.0, float("nan"), 2.0]}, {"value": [[1.0, 2.0, 3.0]]}],
        bad_shapes=[(4, 2), (4, 4)],
    )


def test_numbers_that_are_there_stay_as_they_are():
    x = np.random.default_rng(0).normal(size=(5, 2, 3)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(FillMissing(9.0)(x)), x)

import numpy as np
import pytest
from keras import ops

from layers.fill_missing import FillMissing
from tests.layers.conformance import check_layer

INPUTS = np.array([[1, np.nan, 3], [np.nan, np.nan, -4], [0, 5, 6]], "float32")


def fill(inputs, value, flags):
    missing = np.isnan(inputs)
    filled = np.nan_to_num(inputs, nan=value)
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


def test_numbers_that_are_there_stay_as_they_are():
    x = np.random.default_rng(0).normal(size=(5, 2, 3)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(FillMissing(9.0)(x)), x)

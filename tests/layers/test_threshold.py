import contextlib

import keras
import numpy as np
from keras import ops

from layers.threshold import Threshold
from tests.layers.conformance import check_layer

AROUND_ZERO = np.array([[-2.0, -1.0, 0.0], [0.0, 0.5, 3.0]], "float32")


def test_conformance():
    check_layer(
        Threshold,
        {"low": -1.0, "inclusive": False},
        (2, 4, 3),
        reference=lambda inputs, weights: np.where(inputs > 0, 1, -1),
        parameters=0,
        bad_arguments=[{"low": 1.0}, {"low": 2.5}],
    )


def test_conformance_at_zero():
    reference = lambda inputs, weights: np.heaviside(inputs, 1)  # noqa: E731
    check_layer(Threshold, inputs=AROUND_ZERO, reference=reference)


def test_both_conventions_at_zero():
    """y(0) = 1 in deck 000, f(0) = −1 in deck 003."""
    assert ops.convert_to_numpy(Threshold()(AROUND_ZERO)).tolist() == [[0, 0, 1], [1, 1, 1]]
    signs = Threshold(low=-1.0, inclusive=False)
    assert ops.convert_to_numpy(signs(AROUND_ZERO)).tolist() == [[-1, -1, -1], [-1, 1, 1]]


def test_nothing_below_it_learns():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1), Threshold()]
    )
    model.compile("sgd", "mse")
    before = model.get_weights()
    with contextlib.suppress(
        ValueError, RuntimeError
    ):  # TensorFlow and torch say that there are no gradients
        model.train_on_batch(AROUND_ZERO, 1 - model.predict_on_batch(AROUND_ZERO))
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)

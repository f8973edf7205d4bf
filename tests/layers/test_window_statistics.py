import keras
import numpy as np
import pytest
from keras import ops

from layers.window_statistics import WindowStatistics
from tests.layers.conformance import check_layer


def statistics(x):
    line = np.stack([np.polyfit(np.linspace(-1, 1, x.shape[1]), window, 1)[0] for window in x])
    return np.concatenate([x[:, -1], x.mean(1), line, x.std(1)], axis=1)


def test_conformance():
    check_layer(
        WindowStatistics,
        {},
        (3, 7, 4),
        reference=lambda x, weights: statistics(x),
        parameters=0,
        bad_shapes=[(2, 5), (2, 1, 3)],
    )


def test_small_movements_of_large_values_are_seen():
    """A jet engine turns at 9,000 revolutions, and its wear shows in the last few."""
    x = 9000 + np.random.default_rng(0).normal(size=(5, 50, 3)) * [[[0.1, 1, 10]]]
    said = ops.convert_to_numpy(WindowStatistics()(x.astype("float32")))
    np.testing.assert_allclose(said[:, 6:], statistics(x)[:, 6:], rtol=0.02, atol=0.01)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="uses TensorFlow's gradient tape")
def test_the_gradient_of_a_constant_window_is_finite():
    import tensorflow as tf

    window = tf.Variable(tf.ones((1, 6, 2)))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(WindowStatistics()(window))
    assert np.isfinite(tape.gradient(total, window)).all()

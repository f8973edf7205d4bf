import keras
import numpy as np

from layers.local_response_normalization import LocalResponseNormalization
from tests.layers.conformance import check_layer

STRONG = {"size": 3, "alpha": 0.4, "beta": 0.6, "bias": 1.5}


def loops(x, size, alpha, beta, bias):
    """The formula of the paper, value by value."""
    y = np.empty_like(x)
    channels = x.shape[-1]
    for index in np.ndindex(x.shape):
        first = max(0, index[-1] - size // 2)
        last = min(channels - 1, index[-1] + size // 2)
        neighbors = x[index[:-1]][first : last + 1]
        y[index] = x[index] / (bias + alpha * np.sum(neighbors**2)) ** beta
    return y


def test_conformance():
    check_layer(
        LocalResponseNormalization,
        STRONG,
        (2, 4, 3, 7),
        reference=lambda x, weights: loops(x, **STRONG),
        parameters=0,
        bad_arguments=[{"size": 4}, {"size": 0}, {"alpha": -1}, {"bias": 0}],
        bad_shapes=[(5,)],
    )


def test_defaults_are_those_of_alexnet():
    x = 10 * np.random.default_rng(0).standard_normal((2, 3, 3, 8)).astype("float32")
    found = LocalResponseNormalization()(x)
    np.testing.assert_allclose(found, loops(x, 5, 1e-4, 0.75, 2.0), rtol=1e-5)


def test_large_values_in_half_precision():
    """In float16 the square of 300 is infinite; the correct output is not 0."""
    x = np.zeros((1, 8), "float32")
    x[0, 3] = 300
    for beta in (0.75, 0.6):
        layer = LocalResponseNormalization(beta=beta, dtype="mixed_float16")
        np.testing.assert_allclose(layer(x), loops(x, 5, 1e-4, beta, 2.0), rtol=1e-3)


def test_beta_by_roots_and_by_powers():
    """0.75 is computed by square roots."""
    x = np.random.default_rng(0).standard_normal((2, 3, 3, 8)).astype("float32")
    for beta in (0.75, 0.5, 1.0):
        found = LocalResponseNormalization(alpha=1.0, beta=beta)(x)
        np.testing.assert_allclose(found, loops(x, 5, 1.0, beta, 2.0), rtol=1e-5)


def test_more_neighbors_than_channels():
    x = np.random.default_rng(0).standard_normal((2, 3)).astype("float32")
    found = LocalResponseNormalization(size=9, alpha=1.0)(x)
    np.testing.assert_allclose(found, loops(x, 9, 1.0, 0.75, 2.0), rtol=1e-5)


def test_a_strong_channel_inhibits_its_neighbors_and_no_others():
    x = np.ones((1, 9), "float32")
    layer = LocalResponseNormalization(size=5, alpha=1.0)
    before = keras.ops.convert_to_numpy(layer(x))[0]
    x[0, 4] = 10
    after = keras.ops.convert_to_numpy(layer(x))[0]
    lower = after < before
    assert lower[[2, 3, 5, 6]].all()
    np.testing.assert_array_equal(after[[0, 1, 7, 8]], before[[0, 1, 7, 8]])

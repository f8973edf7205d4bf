import numpy as np
from keras import ops

from layers.sampling import Sampling
from tests.layers.conformance import check_layer


def drawn(layer, mean, log_variance):
    return ops.convert_to_numpy(layer([mean, log_variance], training=True))


def test_conformance():
    check_layer(
        Sampling,
        {"seed": 3},
        [(3, 5), (3, 5)],
        reference=lambda inputs, weights: inputs[0],
        parameters=0,
        random=True,
        bad_shapes=[(2, 5), [(2, 5), (2, 4)], [(2, 5), (2, 5), (2, 5)]],
    )


def test_conformance_of_maps():
    check_layer(
        Sampling,
        {"seed": 1},
        [(2, 4, 4, 3)] * 2,
        reference=lambda inputs, weights: inputs[0],
        random=True,
    )


def test_draws_have_the_mean_and_the_variance():
    mean = np.array([-1.5, 0.0, 2.0], "float32")
    log_variance = np.array([-2.0, 0.0, 1.0], "float32")
    z = drawn(Sampling(seed=0), np.tile(mean, (40_000, 1)), np.tile(log_variance, (40_000, 1)))
    np.testing.assert_allclose(z.mean(0), mean, atol=0.03)
    np.testing.assert_allclose(z.var(0), np.exp(log_variance), rtol=0.03)
    noise = (z - mean) / np.exp(log_variance / 2)
    np.testing.assert_allclose(np.corrcoef(noise.T), np.eye(3), atol=0.03)


def test_the_draw_is_differentiable_in_mean_and_log_variance():
    """∂z/∂μ = 1 and ∂z/∂log σ² = σ ε / 2, by differences with the same ε."""
    mean, log_variance = np.full((1, 4), 0.3, "float32"), np.full((1, 4), -0.8, "float32")
    step = np.float32(0.01)
    z = drawn(Sampling(seed=5), mean, log_variance)
    np.testing.assert_allclose(
        drawn(Sampling(seed=5), mean + step, log_variance) - z, step, atol=1e-6
    )
    slope = (drawn(Sampling(seed=5), mean, log_variance + step) - z) / step
    np.testing.assert_allclose(slope, (z - mean) / 2, atol=0.01)
    assert np.abs(z - mean).max() > 0.1

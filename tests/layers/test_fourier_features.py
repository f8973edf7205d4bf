import numpy as np
import pytest
from keras import ops

from layers.fourier_features import FourierFeatures
from tests.layers.conformance import check_layer


def waves(inputs, weights):
    phase = 2 * np.pi * np.einsum("...i,iu->...u", inputs, weights[0])
    return np.concatenate([np.cos(phase), np.sin(phase)], -1)


@pytest.mark.parametrize("shape", [(4, 2), (2, 3, 5, 2)])
def test_conformance(shape):
    check_layer(
        FourierFeatures,
        {"units": 6, "scale": 0.5, "seed": 3},
        shape,
        reference=waves,
        parameters=12,
        bad_arguments=[{"units": 0}, {"scale": 0.0}],
        bad_shapes=[(3,)],
    )


def test_nearness_falls_as_a_gaussian_with_distance():
    """cos·cos + sin·sin is the cosine of the difference of phases, of mean exp(−2 (π scale d)²)."""
    features = FourierFeatures(units=20_000, scale=0.4, seed=0)
    for distance in (0.1, 0.3, 0.75, 2.0):
        a, b = ops.convert_to_numpy(
            features(np.array([[5.0, 2.0], [5.0 + distance, 2.0]], "float32"))
        )
        assert a @ b / 20_000 == pytest.approx(np.exp(-2 * (np.pi * 0.4 * distance) ** 2), abs=0.02)


def test_same_seed_same_waves():
    x = np.ones((1, 2), "float32")
    first, again, other = (
        ops.convert_to_numpy(FourierFeatures(4, seed=seed)(x)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1

import numpy as np
import pytest

from layers.squeeze_excitation import SqueezeExcitation
from tests.layers.conformance import check_layer


def in_numpy(x, weights):
    """The equation of the paper."""
    first, first_bias, second, second_bias = weights
    means = x.mean(axis=(1, 2))
    hidden = np.maximum(means @ first + first_bias, 0)
    gates = 1 / (1 + np.exp(-hidden @ second - second_bias))
    return x * gates[:, None, None, :]


def test_conformance():
    check_layer(
        SqueezeExcitation,
        {"ratio": 3},
        (2, 5, 4, 6),
        # With negative means all units of so narrow a layer may be at rest.
        inputs=np.random.default_rng(0).uniform(0.5, 2, (2, 5, 4, 6)).astype("float32"),
        reference=in_numpy,
        parameters=6 * 2 + 2 + 2 * 6 + 6,
        bad_arguments=[{"ratio": 0}],
        bad_shapes=[(2, 5, 6)],
    )


@pytest.mark.parametrize(("channels", "ratio", "units"), [(64, 16, 4), (40, 16, 2), (3, 16, 1)])
def test_width_between_the_two_dense_layers(channels, ratio, units):
    layer = SqueezeExcitation(ratio)
    layer.build((None, None, None, channels))
    assert layer.squeeze.units == units
    assert layer.count_params() == 2 * channels * units + units + channels


def test_each_image_and_each_channel_has_a_gate_of_its_own():
    x = np.random.default_rng(0).uniform(0.5, 2, (2, 5, 4, 6)).astype("float32")
    layer = SqueezeExcitation(2)
    layer.build(x.shape)
    # Positive weights in the first layer, so that no unit rests.
    generator = np.random.default_rng(1)
    first, first_bias, second, second_bias = layer.get_weights()
    first = generator.uniform(0, 0.5, first.shape)
    second = generator.normal(0, 1, second.shape)
    layer.set_weights([first, first_bias, second, second_bias])
    gates = np.asarray(layer(x)) / x
    np.testing.assert_allclose(gates, np.broadcast_to(gates[:, :1, :1], x.shape), rtol=1e-5)
    np.testing.assert_allclose(gates[:, 0, 0], layer.gates(x), rtol=1e-5)
    assert np.ptp(gates[:, 0, 0], axis=0).min() > 1e-4
    assert np.ptp(gates[:, 0, 0], axis=1).min() > 1e-2

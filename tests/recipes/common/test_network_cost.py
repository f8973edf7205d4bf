"""Costs of networks against sums done by hand."""

import keras
import pytest

from layers.grouped_convolution import GroupedConv2D
from layers.local_response_normalization import LocalResponseNormalization
from recipes.common.network_cost import count_layers, network_cost


def cost(*layers, shape):
    return network_cost(keras.Sequential([keras.Input(shape), *layers]))


def test_convolution_pool_and_dense():
    found = cost(
        keras.layers.Conv2D(16, 5, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(7),
        shape=(12, 8, 3),
    )
    assert found == {
        "parameters": 5 * 5 * 3 * 16 + 16 + 6 * 4 * 16 * 7 + 7,
        "multiply_accumulates": 12 * 8 * 16 * 5 * 5 * 3 + 6 * 4 * 16 * 7,
        "activations": 12 * 8 * 3 + 12 * 8 * 16 + 6 * 4 * 16 + 7,
        "layers": 2,
    }


@pytest.mark.parametrize(
    ("layer", "products"),
    [
        (keras.layers.Conv2D(8, 3, strides=2, padding="same"), 5 * 3 * 8 * 9 * 4),
        (keras.layers.DepthwiseConv2D((3, 2), padding="same"), 10 * 6 * 4 * 6),
        (keras.layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), 10 * 6 * 8 * 9),
        (keras.layers.SeparableConv2D(8, 3, padding="same"), 10 * 6 * (4 * 9 + 4 * 8)),
        (keras.layers.Conv2DTranspose(8, 3, strides=2, padding="same"), 10 * 6 * 4 * 9 * 8),
        (GroupedConv2D(8, 3, groups=2, padding="same"), 10 * 6 * 8 * 9 * 2),
        (keras.layers.Dense(5), 10 * 6 * 4 * 5),
        (keras.layers.EinsumDense("bhwc,cd->bhwd", (10, 6, 5)), 10 * 6 * 4 * 5),
    ],
)
def test_products_of_a_layer(layer, products):
    assert cost(layer, shape=(10, 6, 4))["multiply_accumulates"] == products


def test_normalization_and_activation_cost_nothing():
    layers = [
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
        keras.layers.Dropout(0.5),
        LocalResponseNormalization(size=3),
    ]
    found = cost(*layers, shape=(4, 4, 3))
    assert found["multiply_accumulates"] == found["layers"] == 0
    assert found["parameters"] == 6


def test_a_constant_stays_one_in_16_bits():
    """The band of ones that sums over channels is cast there; it is no weight."""
    layer = LocalResponseNormalization(size=3, dtype="mixed_float16")
    found = cost(layer, keras.layers.Conv2D(5, 1, dtype="mixed_float16"), shape=(4, 4, 3))
    assert found["multiply_accumulates"] == 4 * 4 * 3 * 5
    assert found["layers"] == 1


def test_patches_are_only_copied():
    """TensorFlow gathers them by a convolution, with a kernel that is computed from constants."""
    image = keras.Input((6, 6, 2))
    patches = keras.ops.image.extract_patches(image, 3)  # (batch, 2, 2, 18)
    model = keras.Model(image, keras.layers.Dense(5)(patches))
    assert network_cost(model)["multiply_accumulates"] == 2 * 2 * 18 * 5


def test_layers_are_those_of_the_longest_path():
    image = keras.Input((8, 8, 4))
    short = keras.layers.Conv2D(4, 1)(image)
    x = image
    for _ in range(3):
        x = keras.layers.Conv2D(4, 3, padding="same")(x)
    x = keras.layers.Add()([x, short])
    x = keras.layers.GlobalAveragePooling2D()(x)
    assert count_layers(keras.Model(image, keras.layers.Dense(2)(x))) == 4


def test_attention_has_four_layers_on_two_steps():
    """Queries, keys and values are computed side by side; their products have no weights."""
    tokens = keras.Input((6, 8))
    attention = keras.layers.MultiHeadAttention(2, 4, use_bias=False)
    model = keras.Model(tokens, attention(tokens, tokens))
    found = network_cost(model)
    assert found["layers"] == 2
    assert found["multiply_accumulates"] == 4 * 6 * 8 * 8 + 2 * (2 * 6 * 6 * 4)


def test_networks_in_networks_and_sizes_given():
    inner = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1)])
    model = keras.Sequential([keras.Input((None, None, 3)), inner, keras.layers.Conv2D(5, 1)])
    assert network_cost(model, (4, 3, 3))["multiply_accumulates"] == 12 * (6 + 10)
    with pytest.raises(ValueError, match="must be known"):
        network_cost(model)


def test_what_cannot_be_looked_into_is_refused():
    model = keras.Sequential([keras.Input((5, 3)), keras.layers.LSTM(4)])
    with pytest.raises(ValueError, match="contains a"):
        network_cost(model)

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from layers.residual_block import ResidualBlock
from tests.layers.conformance import check_layer

SHAPE = (2, 7, 6, 4)  # an odd and an even side


def stack(arguments, shape):
    """The same block of built-in layers, its weights in the order of the paper's figure."""
    strides = arguments.get("strides", 1)
    filters = arguments["filters"]
    preactivation = arguments.get("preactivation", False)
    kernels = [(3, filters), (3, filters)]
    if arguments.get("bottleneck"):
        kernels = [(1, filters), (3, filters), (1, 4 * filters)]
    outputs = kernels[-1][1]
    inputs = keras.Input(shape[1:])
    x = inputs
    shortcut = inputs
    if preactivation:
        x = layers.ReLU()(layers.BatchNormalization(epsilon=1e-5)(x))
    if arguments.get("shortcut") == "padded":
        if strides > 1:
            shortcut = layers.MaxPooling2D(1, strides)(inputs)
        if outputs > shape[-1]:
            zeros = layers.Rescaling(0.0)(layers.Concatenate()([shortcut] * outputs))
            shortcut = layers.Concatenate()([shortcut, zeros[..., : outputs - shape[-1]]])
    elif arguments.get("shortcut") == "projection" or strides > 1 or outputs != shape[-1]:
        shortcut = layers.Conv2D(outputs, 1, strides, use_bias=False, name="projection")(
            x if preactivation else inputs
        )
        if not preactivation:
            shortcut = layers.BatchNormalization(epsilon=1e-5, name="projection_bn")(shortcut)
    for number, (size, channels) in enumerate(kernels):
        if preactivation and number:
            x = layers.ReLU()(layers.BatchNormalization(epsilon=1e-5)(x))
        x = layers.Conv2D(channels, size, 1 if number else strides, padding="same", use_bias=False)(
            x
        )
        if not preactivation:
            x = layers.BatchNormalization(epsilon=1e-5)(x)
            if number < len(kernels) - 1:
                x = layers.ReLU()(x)
    x = layers.Add()([x, shortcut])
    if not preactivation:
        x = layers.ReLU()(x)
    return keras.Model(inputs, x)


def reference(arguments, shape=SHAPE):
    """`check_layer`'s reference: the stack with the block's weights."""

    def outputs(x, weights):
        model = stack(arguments, shape)
        block = ResidualBlock(**arguments)
        block.build(shape)
        block.set_weights(weights)
        pairs = {"projection": block.projection, "projection_bn": block.projection_normalization}
        convolutions = iter(block.convolutions)
        normalizations = iter(block.normalizations)
        for layer in model.layers:
            if layer.name in pairs:
                layer.set_weights(pairs[layer.name].get_weights())
            elif isinstance(layer, layers.Conv2D):
                layer.set_weights(next(convolutions).get_weights())
            elif isinstance(layer, layers.BatchNormalization):
                layer.set_weights(next(normalizations).get_weights())
        assert not [*convolutions, *normalizations]
        return keras.ops.convert_to_numpy(model(x, training=False))

    return outputs


def test_conformance():
    arguments = {"filters": 6, "strides": 2, "kernel_regularizer": keras.regularizers.L2(1e-4)}
    check_layer(
        ResidualBlock,
        arguments,
        SHAPE,
        reference=reference(arguments),
        # Two kernels, a projection, and four numbers a channel for each of three normalizations.
        parameters=9 * 4 * 6 + 9 * 6 * 6 + 4 * 6 + 3 * 4 * 6,
        training_differs=True,
        bad_arguments=[{"filters": 0}, {"strides": 0}, {"shortcut": "dense"}],
        bad_shapes=[(2, 5, 5)],
    )


@pytest.mark.full
def test_conformance_of_a_preactivated_bottleneck():
    arguments = {"filters": 1, "bottleneck": True, "preactivation": True}
    check_layer(
        ResidualBlock,
        arguments,
        SHAPE,
        reference=reference(arguments),
        parameters=4 + 9 + 4 + 4 * (4 + 1 + 1),
        training_differs=True,
    )


def test_momentum_is_that_of_all_normalizations():
    x = np.random.default_rng(0).uniform(1, 2, SHAPE).astype("float32")
    block = ResidualBlock(6, strides=2, momentum=0.0)
    block(x, training=True)
    # Without momentum, the statistics are those of the last batch.
    after = block(x, training=True)
    np.testing.assert_allclose(block(x, training=False), after, atol=1e-4)


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize("preactivation", [False, True])
@pytest.mark.parametrize(
    ("shortcut", "strides"), [("padded", 2), ("padded", 1), ("projection", 2), ("projection", 1)]
)
def test_each_kind_beside_built_in_layers(bottleneck, preactivation, shortcut, strides):
    arguments = {
        "filters": 3 if bottleneck else 6,
        "strides": strides,
        "bottleneck": bottleneck,
        "shortcut": shortcut,
        "preactivation": preactivation,
    }
    generator = np.random.default_rng(0)
    x = generator.normal(size=SHAPE).astype("float32")
    block = ResidualBlock(**arguments)
    block.build(SHAPE)
    block.set_weights([generator.uniform(0.1, 1, w.shape) for w in block.weights])
    expected = reference(arguments)(x, block.get_weights())
    np.testing.assert_allclose(block(x), expected, atol=1e-4, rtol=1e-5)
    assert block.compute_output_shape(SHAPE) == expected.shape


@pytest.mark.parametrize("arguments", [{"strides": 2}, {"filters": 5}])
def test_no_identity_where_the_shape_changes(arguments):
    block = ResidualBlock(**{"filters": 4, "shortcut": "identity", **arguments})
    with pytest.raises(ValueError, match=r"\(2, 7, 6, 4\)"):
        block.build(SHAPE)


def test_no_padding_to_fewer_channels():
    with pytest.raises(ValueError, match=r"\(2, 7, 6, 4\)"):
        ResidualBlock(3, shortcut="padded").build(SHAPE)


@pytest.mark.parametrize("bottleneck", [False, True])
def test_a_branch_of_zero_is_the_identity(bottleneck):
    filters = 1 if bottleneck else 4
    x = np.random.default_rng(0).normal(size=SHAPE).astype("float32")
    block = ResidualBlock(filters, bottleneck=bottleneck, zero_init=True, preactivation=True)
    np.testing.assert_array_equal(block(x, training=True), x)
    block = ResidualBlock(filters, bottleneck=bottleneck, zero_init=True)
    np.testing.assert_array_equal(block(x, training=True), np.maximum(x, 0))
    block = ResidualBlock(filters, bottleneck=bottleneck)
    assert np.abs(block(x) - np.maximum(x, 0)).max() > 0.1


def test_gradient_of_the_input_has_an_identity_term():
    """∂y/∂x = I + ∂F/∂x: what comes from above arrives, whatever the branch adds to it."""
    x = tf.random.stateless_normal(SHAPE, seed=[0, 0])
    above = tf.random.stateless_normal(SHAPE, seed=[1, 0])
    block = ResidualBlock(4, preactivation=True)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = block(x)
        branch = x
        for convolution, normalization in zip(
            block.convolutions, block.normalizations, strict=True
        ):
            branch = convolution(tf.nn.relu(normalization(branch)))
    of_branch = tape.gradient(branch, x, above)
    assert np.abs(of_branch).max() > 0.1
    np.testing.assert_allclose(tape.gradient(y, x, above), above + of_branch, atol=1e-5)
    # Through 20 blocks whose branches give nearly nothing, the gradient arrives all the same.
    for convolution in block.convolutions:
        convolution.kernel.assign(1e-4 * convolution.kernel)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x
        for _ in range(20):
            y = block(y)
    np.testing.assert_allclose(tape.gradient(y, x, above), above, atol=1e-3)


def test_two_kernels_of_one_shape_begin_differently():
    block = ResidualBlock(4)
    block.build(SHAPE)
    first, second = block.convolutions
    assert np.abs(first.get_weights()[0] - second.get_weights()[0]).max() > 0.1

"""Residual block: the output of two or three convolutions is added to their input."""

import keras
from keras import ops

SHORTCUTS = ("identity", "padded", "projection", None)


@keras.saving.register_keras_serializable(package="layers")
class ResidualBlock(keras.layers.Layer):
    """A branch of convolutions and a shortcut around it, `y = relu(F(x) + shortcut(x))`.

    The branch `F` has two 3×3 convolutions (basic block) or a 1×1, a 3×3 and a 1×1 convolution
    (bottleneck), each followed by batch normalization, with ReLU between them. In a pre-activation
    block, normalization and ReLU stand before each convolution and nothing follows the sum,
    `y = shortcut(x) + F(x)`: a chain of such blocks has a path without any nonlinearity.

    Where strides or channels change the shape, the shortcut has to change it, too: `"padded"` skips
    pixels and appends channels of zeros, without any parameters (the paper's option A);
    `"projection"` is a 1×1 convolution, which is a dense layer at each pixel (options B and C).

    Args:
        filters: Number of channels of the 3×3 convolutions; a bottleneck returns four times as
            many.
        strides: Of the first convolution and of the shortcut, an integer.
        bottleneck: Whether the branch is a bottleneck.
        shortcut: `"identity"` (input and output must have the same shape), `"padded"`,
            `"projection"`, or None: the identity where it fits, otherwise a projection.
        preactivation: Whether normalization and ReLU come first.
        use_bias: Whether the convolutions have biases, which normalization makes superfluous.
        zero_init: Whether the branch is initialized to output zero: a block that keeps the shape is
            then the identity at first (followed by a ReLU, unless it is pre-activated).
        epsilon: Of the normalizations.
        momentum: Of their moving averages; a lower one suits short trainings.
        kernel_initializer: Of all convolutions.
        kernel_regularizer: Of all convolutions.
        **kwargs: Arguments of every layer, such as `name`.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, ceil(height / strides), ceil(width / strides), channels)`, with `filters` channels
        or, of a bottleneck, `4 * filters`.

    Raises:
        ValueError: if `filters` or `strides` is below 1 or `shortcut` is none of the four; on an
            input that does not have four dimensions, whose shape changes around an identity, or
            that would lose channels in a padded shortcut.

    Reference: He et al. (2015), https://arxiv.org/abs/1512.03385, figure 5 and section 3.3;
        pre-activation: He et al. (2016), https://arxiv.org/abs/1603.05027, figure 4 (e);
        zero initialization: Goyal et al. (2017), https://arxiv.org/abs/1706.02677, section 5.1.

    Example:

    >>> x = keras.ops.ones((1, 8, 8, 16))
    >>> tuple(ResidualBlock(32, strides=2)(x).shape)
    (1, 4, 4, 32)
    >>> bool(keras.ops.all(ResidualBlock(16, zero_init=True)(x) == x))
    True
    """

    def __init__(
        self,
        filters,
        strides=1,
        bottleneck=False,
        shortcut=None,
        preactivation=False,
        use_bias=False,
        zero_init=False,
        epsilon=1e-5,
        momentum=0.99,
        kernel_initializer="he_normal",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"`filters` must be positive. Received: filters={filters}")
        if strides < 1:
            raise ValueError(f"`strides` must be positive. Received: strides={strides}")
        if shortcut not in SHORTCUTS:
            raise ValueError(f"`shortcut` must be one of {SHORTCUTS}. Received: {shortcut}")
        self.filters = filters
        self.strides = strides
        self.bottleneck = bottleneck
        self.shortcut = shortcut
        self.preactivation = preactivation
        self.use_bias = use_bias
        self.zero_init = zero_init
        self.epsilon = epsilon
        self.momentum = momentum
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.output_channels = 4 * filters if bottleneck else filters
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        self._check_shortcut(input_shape)
        # Filters, kernel size and strides of the branch's convolutions.
        if self.bottleneck:
            sizes = [
                (self.filters, 1, self.strides),
                (self.filters, 3, 1),
                (self.output_channels, 1, 1),
            ]
        else:
            sizes = [(self.filters, 3, self.strides), (self.filters, 3, 1)]
        # Create the layers in the order of the weight files of `keras.applications`: those of the
        # shortcut just before the last ones of the branch.
        self.convolutions = []
        self.normalizations = []
        for size in sizes[:-1]:
            self.convolutions.append(self._convolution(*size))
            self.normalizations.append(self._normalization())
        self.projection = None
        self.projection_normalization = None
        if self.projects(input_shape[-1]):
            self.projection = self._convolution(self.output_channels, 1, self.strides)
        # With `zero_init` the last layer, whichever it is, makes the branch output zero.
        self.convolutions.append(
            self._convolution(*sizes[-1], zero=self.zero_init and self.preactivation)
        )
        if self.projects(input_shape[-1]) and not self.preactivation:
            self.projection_normalization = self._normalization()
        self.normalizations.append(
            self._normalization(zero=self.zero_init and not self.preactivation)
        )
        self._build_layers(input_shape)
        self.built = True

    def _build_layers(self, input_shape):
        shape = input_shape
        for convolution, normalization in zip(self.convolutions, self.normalizations, strict=True):
            if self.preactivation:
                normalization.build(shape)
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
            if not self.preactivation:
                normalization.build(shape)
        if self.projection:
            self.projection.build(input_shape)
        if self.projection_normalization:
            self.projection_normalization.build(shape)

    def projects(self, channels):
        """Whether the shortcut has a projection for an input with `channels` channels."""
        same = self.strides == 1 and channels == self.output_channels
        return self.shortcut == "projection" or (self.shortcut is None and not same)

    def call(self, inputs, training=None):
        if self.preactivation:
            x = ops.relu(self.normalizations[0](inputs, training=training))
            # A projection sees the activated input, an identity the input itself.
            shortcut = self.shortcut_of(x if self.projection else inputs, training)
            x = self.convolutions[0](x)
            for convolution, normalization in zip(
                self.convolutions[1:], self.normalizations[1:], strict=True
            ):
                x = convolution(ops.relu(normalization(x, training=training)))
            return shortcut + x
        x = inputs
        for convolution, normalization in zip(self.convolutions, self.normalizations, strict=True):
            x = normalization(convolution(x), training=training)
            if convolution is not self.convolutions[-1]:
                x = ops.relu(x)
        return ops.relu(self.shortcut_of(inputs, training) + x)

    def shortcut_of(self, x, training=None):
        """The output of the shortcut, which is added to the branch's.

        Args:
            x: The input; before a projection with pre-activation, the activated one.
            training: Whether to normalize with the statistics of the batch.
        """
        if self.projection:
            x = self.projection(x)
            if self.projection_normalization:
                x = self.projection_normalization(x, training=training)
            return x
        if self.strides > 1:
            x = x[:, :: self.strides, :: self.strides]
        missing = self.output_channels - x.shape[-1]
        if missing:
            x = ops.pad(x, [[0, 0], [0, 0], [0, 0], [0, missing]])
        return x

    def _check_shortcut(self, input_shape):
        channels = input_shape[-1]
        same = self.strides == 1 and channels == self.output_channels
        if self.shortcut == "identity" and not same:
            raise ValueError(
                f"An identity needs strides of 1 and {self.output_channels} channels. "
                f"Received: strides={self.strides}, input_shape={input_shape}"
            )
        if self.shortcut == "padded" and channels > self.output_channels:
            raise ValueError(
                f"A padded shortcut cannot leave {self.output_channels} of the input's channels. "
                f"Received: input_shape={input_shape}"
            )

    def _convolution(self, filters, kernel_size, strides, zero=False):
        # An initializer used twice would give two kernels the same values.
        initializer = "zeros" if zero else self.kernel_initializer.clone()
        return keras.layers.Conv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same",
            use_bias=self.use_bias,
            kernel_initializer=initializer,
            kernel_regularizer=self.kernel_regularizer,
            dtype=self.dtype_policy,
        )

    def _normalization(self, zero=False):
        return keras.layers.BatchNormalization(
            epsilon=self.epsilon,
            momentum=self.momentum,
            gamma_initializer="zeros" if zero else "ones",
            dtype=self.dtype_policy,
        )

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        height = None if height is None else -(-height // self.strides)
        width = None if width is None else -(-width // self.strides)
        return (batch, height, width, self.output_channels)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "strides": self.strides,
            "bottleneck": self.bottleneck,
            "shortcut": self.shortcut,
            "preactivation": self.preactivation,
            "use_bias": self.use_bias,
            "zero_init": self.zero_init,
            "epsilon": self.epsilon,
            "momentum": self.momentum,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }

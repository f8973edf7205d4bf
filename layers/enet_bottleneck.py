"""The bottlenecks of ENet: few channels in the middle of a branch, and a shortcut around it."""

import keras
from keras import ops

from layers.max_unpooling import MaxPoolingWithIndices, MaxUnpooling


class _Bottleneck(keras.layers.Layer):
    """Base class of ENet's bottlenecks: a branch, and `prelu(branch(x) + shortcut(x))`.

    The branch is a convolution that reduces the channels to a quarter, a middle convolution that
    the subclasses define in `middle()`, and a 1×1 convolution back. Each has batch normalization,
    the first two have PReLU. In training, whole channels of the branch are dropped. There are no
    biases, since the normalization would cancel them.
    """

    strides = 1  # of the first convolution, and its size

    def __init__(self, filters, dropout=0.1, seed=None, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"`filters` must be positive. Received: filters={filters}")
        if not 0 <= dropout < 1:
            raise ValueError(f"`dropout` must be from 0 to below 1. Received: dropout={dropout}")
        self.filters = filters
        self.dropout = dropout
        self.seed = seed
        self.internal = max(1, filters // 4)

    def build_branch(self, input_shape):
        """Makes and builds the layers of the branch, and the activation of the sum."""
        first = self.convolution(self.internal, self.strides, strides=self.strides)
        last = self.convolution(self.filters, 1)
        self.branch = [
            *(first, self.normalization(), self.prelu()),
            *(*self.middle(), self.normalization(), self.prelu()),
            *(last, self.normalization()),
            keras.layers.SpatialDropout2D(self.dropout, seed=self.seed, dtype=self.dtype_policy),
        ]
        shape = input_shape
        for layer in self.branch:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.activation = self.prelu()
        self.activation.build(shape)

    def join(self, inputs, shortcut):
        """The activated sum of the branch's output and the shortcut's."""
        x = inputs
        for layer in self.branch:
            x = layer(x)
        return self.activation(x + shortcut)

    def convolution(self, filters, kernel_size, **arguments):
        return keras.layers.Conv2D(
            filters,
            kernel_size,
            padding="same",
            use_bias=False,
            dtype=self.dtype_policy,
            **arguments,
        )

    def normalization(self):
        return keras.layers.BatchNormalization(momentum=0.9, dtype=self.dtype_policy)

    def prelu(self):
        """ReLU with one learned slope for the negative values of each channel."""
        return keras.layers.PReLU(
            alpha_initializer=keras.initializers.Constant(0.25),
            shared_axes=[1, 2],
            dtype=self.dtype_policy,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "dropout": self.dropout,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="layers")
class ENetBottleneck(_Bottleneck):
    """A bottleneck that keeps the shape: with a 3×3 convolution in the middle, dilated or not, or
    with two asymmetric ones, 5×1 and 1×5.

    Args:
        filters: Number of channels of both input and output; the middle has a quarter of them.
        dilation_rate: Distance between the pixels that the 3×3 convolution sees.
        asymmetric: Length of the two convolutions that replace the 3×3 one, or None.
        dropout: The share of the branch's channels that are dropped in training.
        seed: Of the dropout.
        **kwargs: Arguments of every layer, such as `name`.

    Input shape:
        `(batch, height, width, filters)`.

    Output shape:
        As the input.

    Raises:
        ValueError: if `filters`, `dilation_rate` or `asymmetric` is below 1, `dropout` is not in
            [0, 1), both `dilation_rate` and `asymmetric` are given, or the input does not have four
            dimensions and `filters` channels.

    Reference: Paszke et al. (2016), ENet, https://arxiv.org/abs/1606.02147, figure 2 (b).

    Example:

    >>> tuple(ENetBottleneck(16, dilation_rate=4)(keras.ops.ones((1, 8, 8, 16))).shape)
    (1, 8, 8, 16)
    """

    def __init__(
        self,
        filters,
        dilation_rate=1,
        asymmetric=None,
        dropout=0.1,
        seed=None,
        **kwargs,
    ):
        super().__init__(filters, dropout, seed, **kwargs)
        if dilation_rate < 1:
            raise ValueError(
                f"`dilation_rate` must be positive. Received: dilation_rate={dilation_rate}"
            )
        if asymmetric is not None and (asymmetric < 1 or dilation_rate > 1):
            raise ValueError(
                "`asymmetric` must be positive and without dilation. "
                f"Received: asymmetric={asymmetric}, dilation_rate={dilation_rate}"
            )
        self.dilation_rate = dilation_rate
        self.asymmetric = asymmetric
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: filters})

    def build(self, input_shape):
        self.build_branch(input_shape)
        self.built = True

    def middle(self):
        if self.asymmetric:
            return [
                self.convolution(self.internal, (self.asymmetric, 1)),
                self.convolution(self.internal, (1, self.asymmetric)),
            ]
        return [self.convolution(self.internal, 3, dilation_rate=self.dilation_rate)]

    def call(self, inputs):
        return self.join(inputs, shortcut=inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "dilation_rate": self.dilation_rate,
            "asymmetric": self.asymmetric,
        }


@keras.saving.register_keras_serializable(package="layers")
class DownsamplingBottleneck(_Bottleneck):
    """A bottleneck that halves height and width, and also returns the indices of the maxima.

    The branch begins with a 2×2 convolution with strides of 2; the shortcut is max pooling, with
    channels of zeros appended.

    Args:
        filters: Number of channels of the output, at least as many as the input has.
        dropout: The share of the branch's channels that are dropped in training.
        seed: Of the dropout.
        **kwargs: Arguments of every layer, such as `name`.

    Input shape:
        `(batch, height, width, channels)`, height and width even.

    Output shape:
        Two tensors: `(batch, height / 2, width / 2, filters)`, and the indices of the maxima, int32
        `(batch, height / 2, width / 2, channels)`, for an `UpsamplingBottleneck`.

    Raises:
        ValueError: if `filters` is below 1 or `dropout` not in [0, 1), or if the input does not
            have four dimensions, an even height and width, and at most `filters` channels.

    Reference: Paszke et al. (2016), ENet, https://arxiv.org/abs/1606.02147, figure 2 (b).

    Example:

    >>> y, indices = DownsamplingBottleneck(64)(keras.ops.ones((1, 8, 8, 16)))
    >>> tuple(y.shape), tuple(indices.shape)
    ((1, 4, 4, 64), (1, 4, 4, 16))
    """

    strides = 2

    def __init__(self, filters, dropout=0.1, seed=None, **kwargs):
        super().__init__(filters, dropout, seed, **kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        if input_shape[-1] > self.filters:
            raise ValueError(
                f"The input must have at most {self.filters} channels. "
                f"Received: input_shape={input_shape}"
            )
        self.pooling = MaxPoolingWithIndices(dtype=self.dtype_policy)
        self.pooling.build(input_shape)
        self.build_branch(input_shape)
        self.built = True

    def middle(self):
        return [self.convolution(self.internal, 3)]

    def call(self, inputs):
        pooled, indices = self.pooling(inputs)
        missing = self.filters - inputs.shape[-1]
        shortcut = ops.pad(pooled, [[0, 0], [0, 0], [0, 0], [0, missing]])
        return self.join(inputs, shortcut), indices

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        height = None if height is None else height // 2
        width = None if width is None else width // 2
        return (batch, height, width, self.filters), (batch, height, width, channels)

    def compute_output_spec(self, inputs):
        outputs, indices = self.compute_output_shape(inputs.shape)
        return (
            keras.KerasTensor(outputs, dtype=self.compute_dtype),
            keras.KerasTensor(indices, dtype="int32"),
        )


@keras.saving.register_keras_serializable(package="layers")
class UpsamplingBottleneck(_Bottleneck):
    """A bottleneck that doubles height and width by unpooling: values return to the maxima.

    The middle of the branch is a transposed 3×3 convolution with strides of 2; the shortcut is a
    1×1 convolution with batch normalization, followed by unpooling.

    Args:
        filters: Number of channels of the output and of the indices.
        dropout: The share of the branch's channels that are dropped in training.
        seed: Of the dropout.
        **kwargs: Arguments of every layer, such as `name`.

    Input shape:
        Two tensors: `(batch, height, width, channels)`, and indices
        `(batch, height, width, filters)` of a `DownsamplingBottleneck`.

    Output shape:
        `(batch, 2 * height, 2 * width, filters)`.

    Raises:
        ValueError: if `filters` is below 1 or `dropout` is not in [0, 1), if the inputs do not have
            four dimensions and the same height and width, or if the indices do not have `filters`
            channels.

    Reference: Paszke et al. (2016), ENet, https://arxiv.org/abs/1606.02147, figure 2 (b).

    Example:

    >>> indices = keras.ops.zeros((1, 4, 4, 16), dtype="int32")
    >>> tuple(UpsamplingBottleneck(16)([keras.ops.ones((1, 4, 4, 64)), indices]).shape)
    (1, 8, 8, 16)
    """

    def build(self, input_shape):
        shape, indices = input_shape
        if len(shape) != 4 or tuple(indices[1:]) != (*shape[1:3], self.filters):
            raise ValueError(
                f"The second input must have height and width of the first one and {self.filters} "
                f"channels. Received: input_shape={input_shape}"
            )
        self.projection = self.convolution(self.filters, 1)
        self.projection.build(shape)
        self.projection_normalization = self.normalization()
        self.projection_normalization.build(indices)
        self.unpooling = MaxUnpooling(dtype=self.dtype_policy)
        self.unpooling.build([indices, indices])
        self.build_branch(shape)
        self.built = True

    def middle(self):
        return [
            keras.layers.Conv2DTranspose(
                self.internal,
                3,
                strides=2,
                padding="same",
                use_bias=False,
                dtype=self.dtype_policy,
            )
        ]

    def call(self, inputs):
        x, indices = inputs
        shortcut = self.projection_normalization(self.projection(x))
        shortcut = self.unpooling([shortcut, indices])
        return self.join(x, shortcut)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape[0]
        height = None if height is None else 2 * height
        width = None if width is None else 2 * width
        return (batch, height, width, self.filters)


BOTTLENECKS = (ENetBottleneck, DownsamplingBottleneck, UpsamplingBottleneck)

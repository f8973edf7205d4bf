"""Grouped convolution that also trains at full speed on CPUs."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class GroupedConv2D(keras.layers.Conv2D):
    """The same as `keras.layers.Conv2D(groups=…)`: weights, arguments and outputs.

    Each group of output channels sees only one group of input channels. Keras passes `groups` on
    to TensorFlow, whose CPU kernels cannot train it and fall back to compiling the layer with XLA,
    which takes many times as long. This layer runs one convolution for each group and concatenates
    the outputs.

    Args:
        filters: Number of output channels, a multiple of `groups`.
        kernel_size: Height and width of the kernel, an integer or two.
        groups: Number of groups; the input's channels must be a multiple of it.
        **kwargs: Other arguments of `keras.layers.Conv2D`; the channels are always last.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, new_height, new_width, filters)`.

    Raises:
        ValueError: as `keras.layers.Conv2D`, and if `data_format` is `"channels_first"`.

    Reference: Krizhevsky et al. (2012), section 3.2 (two groups, one on each GPU); Zhang et al.
        (2018), ShuffleNet, https://arxiv.org/abs/1707.01083

    Example:

    >>> layer = GroupedConv2D(6, 1, groups=2, use_bias=False)
    >>> tuple(layer(keras.ops.ones((1, 5, 5, 4))).shape)
    (1, 5, 5, 6)
    >>> tuple(layer.kernel.shape)
    (1, 1, 2, 6)
    """

    def __init__(self, filters, kernel_size, groups=1, **kwargs):
        super().__init__(filters, kernel_size, groups=groups, **kwargs)
        if self.data_format != "channels_last":
            raise ValueError(
                f"`data_format` must be channels_last. Received: data_format={self.data_format}"
            )

    def call(self, inputs):
        outputs = []
        parts = ops.split(inputs, self.groups, axis=-1)
        kernels = ops.split(ops.convert_to_tensor(self.kernel), self.groups, axis=-1)
        for part, kernel in zip(parts, kernels, strict=True):
            outputs.append(
                ops.conv(
                    part,
                    kernel,
                    strides=self.strides,
                    padding=self.padding,
                    dilation_rate=self.dilation_rate,
                    data_format="channels_last",
                )
            )
        outputs = ops.concatenate(outputs, axis=-1)
        if self.use_bias:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)

"""Channel shuffle: channels redistributed among groups."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class ChannelShuffle(keras.layers.Layer):
    """Distributes the channels of each group over all groups, as ShuffleNet does.

    After a grouped convolution, each group of channels depends on its own inputs only. After the
    shuffle, each group of the next convolution sees channels of every group. Channel `i` of group
    `g` moves to position `i * groups + g`: with groups of n channels, the channels as a matrix
    (groups, n) are transposed and read row by row.

    Args:
        groups: Number of groups; the input's channels must be a multiple of it.

    Input shape:
        `(batch, …, channels)`, channels last.

    Output shape:
        The same.

    Raises:
        ValueError: if `groups` is not a positive integer, or does not divide the number of
            channels.

    Reference: Zhang et al. (2018), ShuffleNet, section 3.1, https://arxiv.org/abs/1707.01083

    Example:

    >>> x = keras.ops.arange(6)[None]  # groups 0 1 2 and 3 4 5
    >>> keras.ops.convert_to_numpy(ChannelShuffle(2)(x))
    array([[0, 3, 1, 4, 2, 5]], dtype=int32)
    """

    def __init__(self, groups, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(groups, int) or groups < 1:
            raise ValueError(f"`groups` must be a positive integer. Received: groups={groups}")
        self.groups = groups

    def build(self, input_shape):
        if input_shape[-1] is None or input_shape[-1] % self.groups:
            raise ValueError(
                f"The channels must be a multiple of groups={self.groups}. "
                f"Received: input_shape={input_shape}"
            )
        self.built = True

    def call(self, inputs):
        shape = ops.shape(inputs)
        x = ops.reshape(inputs, (*shape[:-1], self.groups, shape[-1] // self.groups))
        return ops.reshape(ops.swapaxes(x, -1, -2), shape)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}

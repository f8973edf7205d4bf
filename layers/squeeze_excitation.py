"""Squeeze and excitation: weights each channel by a gate computed from all channels' means."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class SqueezeExcitation(keras.layers.Layer):
    """Multiplies each channel by a gate between 0 and 1, `y_c = x_c σ(W₂ relu(W₁ mean(x)))_c`.

    The mean over height and width of each channel (squeeze) goes through two dense layers, the
    first of which is narrow; their outputs (excitation) are the gates.

    Args:
        ratio: Reduction ratio, an integer: the first dense layer has `channels // ratio` units, at
            least one.
        kernel_initializer: Of both dense layers.
        kernel_regularizer: Of both dense layers.
        **kwargs: Arguments of every layer, such as `name`.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        As the input.

    Raises:
        ValueError: if `ratio` is below 1, or the input does not have four dimensions.

    Reference: Hu et al. (2018), Squeeze-and-Excitation Networks, https://arxiv.org/abs/1709.01507,
        figure 1 and section 3.

    Example:

    >>> layer = SqueezeExcitation(ratio=4, kernel_initializer="zeros")
    >>> y = layer(2 * keras.ops.ones((1, 5, 5, 8)))  # gates of sigmoid(0) = 0.5
    >>> float(y[0, 0, 0, 0]), tuple(layer.gates(y).shape)
    (1.0, (1, 8))
    """

    def __init__(
        self,
        ratio=16,
        kernel_initializer="glorot_uniform",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if ratio < 1:
            raise ValueError(f"`ratio` must be at least 1. Received: ratio={ratio}")
        self.ratio = ratio
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        channels = input_shape[-1]
        units = max(1, channels // self.ratio)
        self.squeeze = self._dense(units, "relu")
        self.squeeze.build((None, channels))
        self.excitation = self._dense(channels, "sigmoid")
        self.excitation.build((None, units))
        self.built = True

    def _dense(self, units, activation):
        return keras.layers.Dense(
            units,
            activation=activation,
            # An initializer used twice would give two kernels the same values.
            kernel_initializer=self.kernel_initializer.clone(),
            kernel_regularizer=self.kernel_regularizer,
            dtype=self.dtype_policy,
        )

    def call(self, inputs):
        return inputs * self.gates(inputs)[:, None, None, :]

    def gates(self, inputs):
        """The gates (batch, channels) of an input."""
        means = ops.mean(inputs, axis=(1, 2))
        return self.excitation(self.squeeze(means))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "ratio": self.ratio,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }

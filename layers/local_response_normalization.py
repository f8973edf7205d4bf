"""Local response normalization: divides each channel by the activity of neighboring channels."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each value by a power of the sum of squares over neighboring channels.

    `y_i = x_i / (bias + alpha Σ_j x_j²)^beta`, where `j` runs over the `size` channels around `i`,
    fewer at the first and last channels. AlexNet uses the sum; Caffe and ONNX use `alpha / size`
    times the sum: with a `size` of 5, their `alpha` of 0.0005 equals 0.0001 here. Computed in
    float32 whatever the precision, as float16 cannot hold the squares of values above 255.

    Args:
        size: Number of channels in the sum, odd.
        alpha: Weight of the sum, at least 0.
        beta: The exponent.
        bias: Added to the sum, above 0. The paper writes k.
        **kwargs: Arguments of every layer, such as `name`.

    Input shape:
        `(batch, …, channels)`, of floating-point numbers.

    Output shape:
        As the input.

    Raises:
        ValueError: if `size` is even or below 1, `alpha` is negative or `bias` is not positive.

    Reference: Krizhevsky et al. (2012), section 3.3; slides 001 «Normalización: LRN».

    Example:

    >>> x = keras.ops.array([[3.0, 4.0, 0.0]])
    >>> layer = LocalResponseNormalization(size=3, alpha=1.0, beta=0.5, bias=0.0625)
    >>> [round(float(y), 2) for y in layer(x)[0]]
    [0.6, 0.8, 0.0]
    """

    def __init__(self, size=5, alpha=1e-4, beta=0.75, bias=2.0, **kwargs):
        super().__init__(**kwargs)
        if size < 1 or size % 2 == 0:
            raise ValueError(f"`size` must be odd and positive. Received: size={size}")
        if alpha < 0:
            raise ValueError(f"`alpha` must not be negative. Received: alpha={alpha}")
        if bias <= 0:
            raise ValueError(f"`bias` must be positive. Received: bias={bias}")
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.bias = bias
        self.input_spec = keras.layers.InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape):
        # Which channels are neighbors: a band of ones along the diagonal. A matrix product with it
        # is ten times as fast on CPUs as a sum of shifted copies.
        channel = np.arange(input_shape[-1])
        distance = np.abs(channel[:, None] - channel[None, :])
        self.band = (distance <= self.size // 2).astype("float32")

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        scale = self.bias + self.alpha * ops.matmul(ops.square(x), self.band)
        if self.beta == 0.75:
            # The same by square roots, which are much faster than a general power.
            root = ops.rsqrt(scale)
            y = x * root * ops.sqrt(root)
        else:
            y = x * ops.power(scale, -self.beta)
        return ops.cast(y, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "size": self.size,
            "alpha": self.alpha,
            "beta": self.beta,
            "bias": self.bias,
        }

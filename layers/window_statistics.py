"""What a window of a time series says in four numbers a channel."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class WindowStatistics(keras.layers.Layer):
    """Last value, mean, slope and standard deviation of each channel over time.

    With time running from −1 to 1 along the window, `t = linspace(−1, 1, steps)`, the least-squares line has the slope
    `Σ t x / Σ t²`: half of what it climbs from one end to the other. Computed in float32 whatever the precision.

    Input shape:
        `(batch, steps, channels)`, at least two steps.

    Output shape:
        `(batch, 4 * channels)`: all last values, then all means, slopes and deviations.

    Args:
        **kwargs: those of every layer, such as `name`.

    Example:

    >>> window = keras.ops.array([[[1.0], [2.0], [3.0]]])
    >>> [round(float(x), 3) for x in WindowStatistics()(window)[0]]
    [3.0, 2.0, 1.0, 0.816]
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        if input_shape[1] is not None and input_shape[1] < 2:
            raise ValueError(f"A window needs at least two steps. Received: input_shape={input_shape}")
        self.built = True

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        steps = ops.shape(x)[1]
        mean = ops.mean(x, axis=1)
        away = x - mean[:, None]
        time = 2 * ops.cast(ops.arange(steps), "float32") / ops.cast(steps - 1, "float32") - 1
        slope = ops.sum(time[:, None] * away, axis=1) / ops.sum(time**2)
        deviation = ops.sqrt(ops.maximum(ops.mean(away**2, axis=1), 1e-12))  # of a constant: no infinite gradient
        return ops.cast(ops.concatenate([x[:, -1], mean, slope, deviation], axis=-1), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 4 * input_shape[-1])

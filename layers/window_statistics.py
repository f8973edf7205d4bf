"""Mean and slope of a time series over windows of several lengths."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class WindowStatistics(keras.layers.Layer):
    """Mean and slope of each channel over the last steps, for one or several numbers of steps.

    The slope is that of the least-squares line, per step: `Σ (t − t̄) (x − x̄) / Σ (t − t̄)²`.
    Masked steps are ignored; the slope of a single step is 0. Computed in float32 whatever the
    precision.

    Input shape:
        `(batch, steps, channels)`, and a mask `(batch, steps)` if `Masking` precedes this layer. A
        window longer than the series covers all of it.

    Output shape:
        `(batch, 2 * len(windows) * channels)`: the means, then the slopes, of the first window,
        then of the second…

    Args:
        windows: Numbers of last steps, masked steps included; a list of integers of at least 2.
        **kwargs: Arguments of every layer, such as `name`.

    Raises:
        ValueError: if there is no window, or one of less than two steps.

    Example:

    >>> series = keras.ops.array([[[1.0], [1.0], [2.0], [4.0]]])
    >>> [round(float(x), 3) for x in WindowStatistics([2, 4])(series)[0]]
    [3.0, 2.0, 2.0, 1.0]
    """

    def __init__(self, windows, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if not windows or min(windows) < 2:
            raise ValueError(f"Windows need at least two steps. Received: windows={windows}")
        self.windows = list(windows)
        self.input_spec = keras.layers.InputSpec(ndim=3)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        x = ops.cast(inputs, "float32")
        seen = ops.ones_like(x[..., :1]) if mask is None else ops.cast(mask, "float32")[..., None]
        statistics = []
        for window in self.windows:
            rows, here = x[:, -window:], seen[:, -window:]
            count = ops.maximum(ops.sum(here, axis=1, keepdims=True), 1)
            mean = ops.sum(here * rows, axis=1, keepdims=True) / count
            time = ops.cast(ops.arange(ops.shape(rows)[1]), "float32")[None, :, None]
            time = here * (time - ops.sum(here * time, axis=1, keepdims=True) / count)
            slope = ops.sum(time * (rows - mean), axis=1) / ops.maximum(
                ops.sum(time**2, axis=1), 0.5
            )
            statistics += [mean[:, 0], slope]
        return ops.cast(ops.concatenate(statistics, axis=-1), self.compute_dtype)

    def compute_mask(self, inputs, previous_mask=None):
        return None  # no time is left

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2 * len(self.windows) * input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "windows": self.windows}

"""Missing numbers (NaN) replaced inside the network."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class FillMissing(keras.layers.Layer):
    """Replaces NaN by a constant; on request, says beside the numbers which of them were missing.

    After `keras.layers.Normalization` the default, 0, is the mean of the training set. `Normalization.adapt` itself
    cannot see past a NaN: give it means and variances made with `np.nanmean` and `np.nanvar`.

    Args:
        value: what to put where a number is missing.
        flags: whether to append a column of 0 and 1 for each column, 1 where it was missing.

    Input shape:
        `(batch, …, columns)`.

    Output shape:
        As the input, or `(batch, …, 2 * columns)` with `flags`.

    Example:

    >>> rows = keras.ops.array([[1.0, math.nan], [2.0, 3.0]])
    >>> [[float(x) for x in row] for row in FillMissing(flags=True)(rows)]
    [[1.0, 0.0, 0.0, 1.0], [2.0, 3.0, 0.0, 0.0]]
    """

    def __init__(self, value=0.0, flags=False, **kwargs):
        super().__init__(**kwargs)
        if not math.isfinite(value):
            raise ValueError(f"`value` must be a finite number. Received: value={value}")
        self.value = value
        self.flags = flags
        self.input_spec = keras.layers.InputSpec(min_ndim=2)

    def call(self, inputs):
        missing = ops.isnan(inputs)
        filled = ops.where(missing, ops.cast(self.value, inputs.dtype), inputs)
        return ops.concatenate([filled, ops.cast(missing, inputs.dtype)], axis=-1) if self.flags else filled

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] * (1 + self.flags))

    def get_config(self):
        return {**super().get_config(), "value": self.value, "flags": self.flags}

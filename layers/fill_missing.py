"""Missing numbers (NaN) replaced inside the network."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class FillMissing(keras.layers.Layer):
    """Replaces NaN by a constant; on request, appends indicators of the missing numbers.

    After `keras.layers.Normalization` the default, 0, is the mean of the training set.
    `Normalization.adapt` does not skip NaN: give the layer means and variances computed with
    `np.nanmean` and `np.nanvar` instead. If other layers use the unnormalized numbers as well,
    fill each column with its mean first, and normalize afterwards.

    Args:
        value: Replaces missing numbers; one number or one for each column; finite.
        flags: whether to append a 0/1 indicator for each column, 1 where the number was missing.

    Input shape:
        `(batch, …, columns)`.

    Output shape:
        As the input, or `(batch, …, 2 * columns)` with `flags`.

    Example:

    >>> rows = keras.ops.array([[1.0, np.nan], [2.0, 3.0]])
    >>> [[float(x) for x in row] for row in FillMissing(flags=True)(rows)]
    [[1.0, 0.0, 0.0, 1.0], [2.0, 3.0, 0.0, 0.0]]
    >>> [[float(x) for x in row] for row in FillMissing(np.nanmean([[1, 3], [2, 3]], axis=0))(rows)]
    [[1.0, 3.0], [2.0, 3.0]]
    """

    def __init__(self, value=0.0, flags=False, **kwargs):
        super().__init__(**kwargs)
        if np.ndim(value) > 1 or not np.all(np.isfinite(value)):
            one = "a finite number, or one for each column"
            raise ValueError(f"`value` must be {one}. Received: value={value}")
        self.value = np.asarray(value).tolist()
        self.flags = flags
        self.input_spec = keras.layers.InputSpec(min_ndim=2)

    def build(self, input_shape):
        if np.ndim(self.value) and len(self.value) != input_shape[-1]:
            raise ValueError(
                "`value` must be one number, or one for each column. "
                f"Received: {len(self.value)} numbers for inputs of shape {tuple(input_shape)}"
            )
        self.built = True

    def call(self, inputs):
        missing = ops.isnan(inputs)
        filled = ops.where(missing, ops.convert_to_tensor(self.value, inputs.dtype), inputs)
        return (
            ops.concatenate([filled, ops.cast(missing, inputs.dtype)], axis=-1)
            if self.flags
            else filled
        )

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] * (1 + self.flags))

    def get_config(self):
        return {**super().get_config(), "value": self.value, "flags": self.flags}

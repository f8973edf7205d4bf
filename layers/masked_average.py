"""Average over the steps of a sequence that are not masked."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class MaskedAverage(keras.layers.Layer):
    """Mean over time of the steps that the mask keeps: `y = Σ m_t x_t / max(Σ m_t, 1)`.

    `keras.layers.GlobalAveragePooling1D` computes the same, except where all steps are masked: it
    divides 0 by 0, so one empty text (or a text of emoji only, all of them stripped) makes the loss
    NaN. Here the mean of such a sequence is 0.

    Input shape:
        `(batch, steps, features)`, with or without a mask of shape `(batch, steps)`.

    Output shape:
        `(batch, features)`.

    Args:
        **kwargs: Arguments of every layer, such as `name`.

    Example:

    >>> words = keras.layers.Embedding(10, 4, mask_zero=True)
    >>> texts = keras.ops.array([[3, 7, 0], [0, 0, 0]])
    >>> [bool(keras.ops.any(text)) for text in MaskedAverage()(words(texts))]
    [True, False]
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def call(self, inputs, mask=None):
        if mask is None:
            return ops.mean(inputs, axis=1)
        mask = ops.expand_dims(
            ops.cast(mask, "float32"), -1
        )  # half precision cannot count beyond a few hundreds
        total = ops.sum(ops.cast(inputs, "float32") * mask, axis=1)
        return ops.cast(total / ops.maximum(ops.sum(mask, axis=1), 1.0), inputs.dtype)

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])

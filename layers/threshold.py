"""The threshold (step) activation of the first artificial neurons."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class Threshold(keras.layers.Layer):
    """Step function: 1 where the input reaches 0, and `low` elsewhere.

    The neuron of McCulloch and Pitts outputs 0 or 1, and 1 at exactly 0: `y = 1 if z >= 0 else 0`.
    Other definitions of the perceptron use −1 and 1, and −1 at exactly 0: `y = 1 if s > 0 else −1`.
    The derivative is 0 wherever it exists, so no layer before this one learns by gradient descent.

    Args:
        low: the output below the threshold, less than 1.
        inclusive: whether an input of exactly 0 gives 1.

    Input shape:
        Any.

    Output shape:
        Same as the input.

    Reference:
        McCulloch & Pitts (1943), https://doi.org/10.1007/BF02478259; Rosenblatt (1958).

    Example:

    >>> z = keras.ops.array([-0.5, 0.0, 2.0])
    >>> keras.ops.convert_to_numpy(Threshold()(z)).tolist()
    [0.0, 1.0, 1.0]
    >>> keras.ops.convert_to_numpy(Threshold(low=-1.0, inclusive=False)(z)).tolist()
    [-1.0, -1.0, 1.0]
    """

    def __init__(self, low=0.0, inclusive=True, **kwargs):
        super().__init__(**kwargs)
        if low >= 1:
            raise ValueError(f"`low` must be less than 1. Received: low={low}")
        self.low = low
        self.inclusive = inclusive

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        fires = ops.greater_equal(inputs, 0) if self.inclusive else ops.greater(inputs, 0)
        return self.low + (1 - self.low) * ops.cast(fires, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "low": self.low, "inclusive": self.inclusive}

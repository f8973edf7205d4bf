"""Minibatch statistics as features of each example, against mode collapse."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class BatchStatistics(keras.layers.Layer):
    """Appends to the features of each example the means and standard deviations of the whole batch.

    A discriminator that sees one example at a time cannot penalize a generator that always makes
    the same one. With these features it can: where all examples of a batch are alike, their
    standard deviations are small. The layer does the same at inference, so the output for an
    example depends on the other examples of its batch. Computed in float32 whatever the precision.

    Args:
        epsilon: added to the variance before the square root, whose gradient is infinite at 0.

    Input shape:
        `(batch, features)`.

    Output shape:
        `(batch, 3 * features)`.

    Reference: Salimans et al. (2016), Improved techniques for training GANs,
        https://arxiv.org/abs/1606.03498, section 3.2, which compares the examples pair by pair;
        Karras et al. (2018), https://arxiv.org/abs/1710.10196, section 3, which appends the
        standard deviations.

    Example:

    >>> seen = BatchStatistics()(keras.ops.convert_to_tensor([[1.0], [3.0]]))
    >>> [[round(float(number), 3) for number in example] for example in seen]
    [[1.0, 2.0, 1.0], [3.0, 2.0, 1.0]]
    """

    def __init__(self, epsilon=1e-7, **kwargs):
        super().__init__(**kwargs)
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be positive. Received: epsilon={epsilon}")
        self.epsilon = epsilon

    def build(self, input_shape):
        if len(input_shape) != 2:
            raise ValueError(
                "`BatchStatistics` takes (batch, features). Received: "
                f"input_shape={tuple(input_shape)}"
            )
        self.built = True

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        mean = ops.mean(x, axis=0, keepdims=True)
        deviation = ops.sqrt(ops.mean((x - mean) ** 2, axis=0, keepdims=True) + self.epsilon)
        same = ops.zeros_like(x)
        y = ops.concatenate([x, mean + same, deviation + same], axis=-1)
        return ops.cast(y, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], None if input_shape[-1] is None else 3 * input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}

"""Capsules: groups of units whose activity is a vector, and routing by agreement between layers."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
def squash(vectors, axis=-1):
    """Scales vectors to lengths below 1, in the same direction: `v = |s|² / (1 + |s|²) · s / |s|`.

    Short vectors shrink to almost 0, long ones to almost length 1. As an activation:
    `keras.layers.Activation(squash)`. Computed in float32 whatever the precision.

    Args:
        vectors: tensor of any shape.
        axis: the axis of a vector's components.

    >>> vectors = keras.ops.array([[0.0, 0.0], [0.3, 0.4], [30.0, 40.0]])
    >>> lengths = keras.ops.norm(squash(vectors), axis=-1)
    >>> [round(float(length), 2) for length in lengths]
    [0.0, 0.2, 1.0]
    """
    vectors = ops.convert_to_tensor(vectors)
    s = ops.cast(vectors, "float32")
    square = ops.sum(ops.square(s), axis=axis, keepdims=True)
    # The small constant avoids a NaN: the gradient of |s| is undefined at 0.
    scale = square / (1 + square) / ops.sqrt(square + 1e-12)
    return ops.cast(scale * s, vectors.dtype)


def route_by_agreement(predictions, routings=3):
    """Dynamic routing: weights each prediction by its agreement with the other predictions.

    `c = softmax(b)` over the outputs, `v_j = squash(Σ_i c_ij û_ij)`, then
    `b_ij ← b_ij + û_ij · v_j`, starting with `b = 0`.

    Args:
        predictions: The prediction of each input capsule for each output capsule,
            `(batch, inputs, outputs, dim)`.
        routings: number of routing iterations.

    Returns:
        The output capsules `(batch, outputs, dim)`, and the coupling coefficients of the last
        iteration, `(batch, inputs, outputs)`, whose sum over the outputs is 1.
    """
    logits = ops.zeros_like(predictions[..., 0])
    for routing in range(routings):
        coupling = ops.softmax(logits, axis=-1)
        outputs = squash(ops.einsum("bij,bijk->bjk", coupling, predictions))
        if routing < routings - 1:
            logits = logits + ops.einsum("bijk,bjk->bij", predictions, outputs)
    return outputs, coupling


@keras.saving.register_keras_serializable(package="layers")
class Capsule(keras.layers.Layer):
    """A fully connected layer of capsules with dynamic routing by agreement.

    Each input capsule `u_i` predicts each output capsule through a separate matrix,
    `û_ij = u_i W_ij`. The output `v_j` is a weighted sum of the predictions, squashed to a length
    below 1. The length is the probability that the capsule's entity is present; the direction is
    the pose. The weights of the sum are not parameters: they are computed for every example, larger
    for predictions that agree with the output (`route_by_agreement`).

    Reference: Sabour, Frosst & Hinton (2017), Dynamic routing between capsules,
    https://arxiv.org/abs/1710.09829, equations 1 to 3 and procedure 1.

    Args:
        num_capsules: number of output capsules, for example one for each class.
        dim: dimension of each output capsule.
        routings: number of routing iterations; with 1, all predictions have equal weight.
        kernel_initializer: of the matrices; by default, as in the paper's code, a truncated normal
            distribution with standard deviation 0.1.
        kernel_regularizer: of the matrices.
        **kwargs: Arguments of every layer, such as `name`.

    Input shape:
        `(batch, input_capsules, input_dim)`, the last two of which must be known.

    Output shape:
        `(batch, num_capsules, dim)`.

    Example:

    >>> primary = keras.random.normal((2, 32, 8))
    >>> digits = Capsule(10, dim=16)(primary)
    >>> tuple(digits.shape)
    (2, 10, 16)
    """

    def __init__(
        self,
        num_capsules,
        dim,
        routings=3,
        kernel_initializer=None,
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value in (("num_capsules", num_capsules), ("dim", dim), ("routings", routings)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"`{name}` must be a whole number, at least 1. Received: {name}={value!r}"
                )
        if kernel_initializer is None:
            kernel_initializer = keras.initializers.TruncatedNormal(stddev=0.1)
        self.num_capsules = num_capsules
        self.dim = dim
        self.routings = routings
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        _, inputs, input_dim = input_shape
        if inputs is None or input_dim is None:
            raise ValueError(
                "The number of input capsules and their dimension must be known. "
                f"Received: inputs of shape {tuple(input_shape)}"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(inputs, self.num_capsules, input_dim, self.dim),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={1: inputs, 2: input_dim})
        self.built = True

    def predictions(self, inputs):
        """Each input's prediction of each output, `(batch, input_capsules, num_capsules, dim)`."""
        return ops.einsum("bid,ijdk->bijk", inputs, self.kernel)

    def call(self, inputs):
        # Half precision is too coarse for repeated sums of agreements.
        predictions = ops.cast(self.predictions(inputs), "float32")
        outputs, _ = route_by_agreement(predictions, self.routings)
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_capsules, self.dim)

    def get_config(self):
        return {
            **super().get_config(),
            "num_capsules": self.num_capsules,
            "dim": self.dim,
            "routings": self.routings,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }

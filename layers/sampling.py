"""Sampling of latent codes."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class Sampling(keras.layers.Layer):
    """Draws `z = μ + σ ε` with `ε` from N(0, 1) while training, and returns the mean `μ` otherwise.

    Drawn that way, `z` is a differentiable function of `μ` and `log σ²`, and gradients flow through
    it to both (the reparameterization trick). Called with `training=True`, the layer also samples
    at inference, as estimates of the variational bound need.

    Args:
        seed: integer for repeatable draws.

    Input shape:
        A list of two tensors of one shape, `(batch, …)`: the mean μ and the logarithm of the
        variance, log σ².

    Output shape:
        As each of the inputs.

    Reference: Kingma & Welling (2014), Auto-encoding variational Bayes,
        https://arxiv.org/abs/1312.6114, section 2.4

    Example:

    >>> mean, log_variance = keras.ops.ones((2, 3)), keras.ops.full((2, 3), -60.0)
    >>> z = Sampling(seed=1)([mean, log_variance], training=True)
    >>> bool(keras.ops.all(keras.ops.abs(z - 1) < 1e-6))  # hardly any variance
    True
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        self.check(input_shape)
        self.built = True

    def call(self, inputs, training=False):
        mean, log_variance = inputs
        if not training:
            return mean
        noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.generator)
        return mean + ops.exp(log_variance / 2) * noise

    def check(self, input_shape):
        if len(input_shape) != 2 or not all(
            isinstance(shape, list | tuple) for shape in input_shape
        ):
            raise ValueError(
                f"`Sampling` takes a list [mean, log_variance]. Received: input_shape={input_shape}"
            )
        mean, log_variance = map(tuple, input_shape)
        if len(mean) != len(log_variance) or any(
            a != b for a, b in zip(mean, log_variance, strict=True) if None not in (a, b)
        ):
            raise ValueError(
                f"Mean and log_variance must have one shape. Received: input_shape={input_shape}"
            )

    def compute_output_shape(self, input_shape):
        self.check(input_shape)
        return tuple(input_shape[0])

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}

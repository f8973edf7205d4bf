"""Random Fourier features: coordinates as sinusoids, so that small networks fit fine detail."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class FourierFeatures(keras.layers.Layer):
    """Sinusoids of random frequencies: `y = [cos(2π x B), sin(2π x B)]`, `B ~ N(0, scale²)`.

    An MLP on raw coordinates (a place on a map, a pixel) learns only smooth functions of them in
    reasonable time. On these features, points are near or far at the scale of the wavelengths. `B`
    is drawn once and not trained.

    Args:
        units: number of frequencies; the output has twice as many columns.
        scale: standard deviation of the frequencies, in periods per unit of the input. The
            features of two points that lie `0.3 / scale` or more apart have little in common.
        seed: integer for repeatable frequencies.

    Input shape:
        `(batch, …, coordinates)`.

    Output shape:
        `(batch, …, 2 * units)`.

    Reference:
        Tancik et al. (2020), https://arxiv.org/abs/2006.10739, equation 5; Rahimi & Recht (2007).

    Example:

    >>> places = keras.ops.array([[-122.4, 37.8], [-118.2, 34.1]])
    >>> tuple(FourierFeatures(units=16, scale=0.5, seed=1)(places).shape)
    (2, 32)
    """

    def __init__(self, units, scale=1.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be at least 1. Received: units={units}")
        if scale <= 0:
            raise ValueError(f"`scale` must be greater than 0. Received: scale={scale}")
        self.units = units
        self.scale = scale
        self.seed = seed
        self.input_spec = keras.layers.InputSpec(min_ndim=2)

    def build(self, input_shape):
        self.waves = self.add_weight(
            name="waves",
            shape=(input_shape[-1], self.units),
            initializer=keras.initializers.RandomNormal(stddev=self.scale, seed=self.seed),
            trainable=False,
            autocast=False,  # a small error in a large phase is a large error
        )
        self.built = True

    def call(self, inputs):
        phase = 2 * math.pi * ops.matmul(ops.cast(inputs, "float32"), self.waves)
        return ops.cast(
            ops.concatenate([ops.cos(phase), ops.sin(phase)], axis=-1), self.compute_dtype
        )

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 2 * self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "scale": self.scale, "seed": self.seed}

"""Codes that tell positions apart, and the layer that adds them to the vectors of a sequence."""

import keras
import numpy as np
from keras import ops

CODINGS = ("sinusoidal", "learned", "binary", "integer")


def positional_codes(positions, features, coding="sinusoidal", wavelength=10_000.0):
    """The code of each position, of shape `(len(positions), features)`, float32.

    - `"sinusoidal"`: `P[p, 2k] = sin(p / wavelength^(2k / features))` and `P[p, 2k + 1] = cos(…)` of the same angle.
    - `"binary"`: the digits of `p` in base 2, the units in the last column.
    - `"integer"`: `p` itself in every column.

    Args:
        positions: integers from 0 up, a list or one-dimensional tensor.
        features: number of columns.
        coding: one of the three.
        wavelength: of the slowest wave, in turns of 2π positions, if there were one column more.

    Example:

    >>> codes = positional_codes([1, 2, 3], features=4, coding="binary")
    >>> keras.ops.convert_to_numpy(codes).astype(int).tolist()
    [[0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 1, 1]]
    """
    positions = ops.expand_dims(ops.cast(positions, "float32"), -1)
    column = np.arange(features)
    if coding == "integer":
        return positions * np.ones(features, "float32")
    if coding == "binary":
        powers = 2.0 ** np.minimum(
            column[::-1], 100
        )  # exact in float32, and far beyond any position
        return ops.mod(ops.floor(positions / powers.astype("float32")), 2.0)
    if coding == "sinusoidal":
        angles = positions * (wavelength ** (-2.0 * (column // 2) / features)).astype("float32")
        return ops.where(column % 2 == 0, ops.sin(angles), ops.cos(angles))
    raise ValueError(
        f"`coding` must be 'sinusoidal', 'binary' or 'integer'. Received: coding={coding!r}"
    )


@keras.saving.register_keras_serializable(package="layers")
class PositionalEncoding(keras.layers.Layer):
    """Adds to each vector of a sequence the code of its place, counted from 0: `y_p = x_p + P_p`.

    Attention by itself takes a sequence for a set: permute the words, and the same outputs come out, permuted. With the
    code of its place in it, the same word is another vector at another place.

    Args:
        coding: how a place becomes a vector: `"sinusoidal"` (waves of many lengths), `"learned"` (a vector of weights
            for each place), `"binary"` (the digits of the place in base 2) or `"integer"` (the place itself).
        length: most steps a sequence may have; needed by `"learned"` and not allowed otherwise: the others have no end.
        wavelength: of the slowest of the sinusoids, see `positional_codes`.
        initializer: of the learned codes.

    Input shape:
        `(batch, steps, features)`, with or without a mask, which is passed on.

    Output shape:
        The same.

    Reference:
        Vaswani et al. (2017), https://arxiv.org/abs/1706.03762, section 3.5; learned: Gehring et al. (2017),
        https://arxiv.org/abs/1705.03122

    Example:

    >>> twice_the_same_word = keras.ops.ones((1, 2, 4))
    >>> first, second = PositionalEncoding()(twice_the_same_word)[0]
    >>> bool(keras.ops.any(first != second))
    True
    """

    def __init__(
        self, coding="sinusoidal", length=None, wavelength=10_000.0, initializer="uniform", **kwargs
    ):
        super().__init__(**kwargs)
        if coding not in CODINGS:
            raise ValueError(f"`coding` must be one of {CODINGS}. Received: coding={coding!r}")
        if (coding == "learned") != (length is not None):
            raise ValueError(
                f"`length` goes with 'learned', and only there. Received: {coding=}, {length=}"
            )
        if length is not None and length < 1:
            raise ValueError(f"`length` must be at least 1. Received: length={length}")
        if wavelength <= 0:
            raise ValueError(
                f"`wavelength` must be greater than 0. Received: wavelength={wavelength}"
            )
        self.coding = coding
        self.length = length
        self.wavelength = wavelength
        self.initializer = keras.initializers.get(initializer)
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        if self.coding == "learned":
            shape = (self.length, input_shape[-1])
            self.codes = self.add_weight(name="codes", shape=shape, initializer=self.initializer)
        self.built = True

    def call(self, inputs):
        self.compute_output_shape(inputs.shape)
        steps, features = ops.shape(inputs)[1], inputs.shape[-1]
        if self.coding == "learned":
            codes = self.codes[:steps]
        else:
            codes = positional_codes(
                ops.arange(steps, dtype="int32"), features, self.coding, self.wavelength
            )
        return inputs + ops.cast(codes, inputs.dtype)

    def compute_output_shape(self, input_shape):
        if self.length is not None and input_shape[1] is not None and input_shape[1] > self.length:
            raise ValueError(
                f"only {self.length} places have a code. Received: inputs of shape {tuple(input_shape)}"
            )
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "coding": self.coding,
            "length": self.length,
            "wavelength": self.wavelength,
            "initializer": keras.initializers.serialize(self.initializer),
        }

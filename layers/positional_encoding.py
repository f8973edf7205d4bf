"""Positional encodings, and the layer that adds them to the vectors of a sequence."""

import keras
import numpy as np
from keras import ops

ENCODINGS = ("sinusoidal", "learned", "binary", "integer")


def positional_encoding(positions, embed_dim, encoding="sinusoidal", wavelength=10_000.0):
    """The encoding of each position.

    - `"sinusoidal"`: `P[p, 2k] = sin(p / wavelength^(2k / embed_dim))`, and `P[p, 2k + 1]` is the
      cosine of the same angle.
    - `"binary"`: the digits of `p` in base 2, the units in the last column.
    - `"integer"`: `p` itself in every column.

    Args:
        positions: Integers from 0 up, a list or one-dimensional tensor.
        embed_dim: Number of columns.
        encoding: One of the three.
        wavelength: Base of the sinusoids' wavelengths, which grow geometrically from 2π positions
            to almost `2π * wavelength`.

    Returns:
        Tensor `(len(positions), embed_dim)`, float32.

    Raises:
        ValueError: If `encoding` is unknown; `"learned"` encodings are weights of the layer.

    Reference:
        Vaswani et al. (2017), https://arxiv.org/abs/1706.03762, section 3.5

    Example:

    >>> encoded = positional_encoding([1, 2, 3], embed_dim=4, encoding="binary")
    >>> keras.ops.convert_to_numpy(encoded).astype(int).tolist()
    [[0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 1, 1]]
    """
    positions = ops.expand_dims(ops.cast(positions, "float32"), -1)  # (positions, 1)
    column = np.arange(embed_dim)
    if encoding == "integer":
        return positions * np.ones(embed_dim, "float32")
    if encoding == "binary":
        # 2¹⁰⁰ is exact in float32, and far beyond any position.
        powers = 2.0 ** np.minimum(column[::-1], 100)
        return ops.mod(ops.floor(positions / powers.astype("float32")), 2.0)
    if encoding == "sinusoidal":
        frequencies = wavelength ** (-2.0 * (column // 2) / embed_dim)
        angles = positions * frequencies.astype("float32")
        return ops.where(column % 2 == 0, ops.sin(angles), ops.cos(angles))
    raise ValueError(
        f"`encoding` must be 'sinusoidal', 'binary' or 'integer'. Received: encoding={encoding!r}"
    )


@keras.saving.register_keras_serializable(package="layers")
class PositionalEncoding(keras.layers.Layer):
    """Adds to each vector of a sequence the encoding of its position: `y_p = x_p + P_p`.

    Attention by itself treats a sequence as a set: permuted inputs give the same outputs, permuted.
    With the encoding of its position added, the same word has a different vector at each position.

    Args:
        encoding: How a position becomes a vector: `"sinusoidal"` (sines and cosines of many
            wavelengths), `"learned"` (positional embedding: a vector of weights for each position),
            `"binary"` (the digits of the position in base 2) or `"integer"` (the position itself).
        length: Maximum number of steps; required by `"learned"` and not allowed otherwise, as the
            other encodings have no limit.
        wavelength: Base of the sinusoids' wavelengths, see `positional_encoding`.
        initializer: Of the learned embeddings.

    Input shape:
        `(batch, steps, embed_dim)`, with or without a mask, which is passed on.

    Output shape:
        The same.

    Raises:
        ValueError: For arguments out of range, and for sequences longer than `length`.

    Reference:
        Vaswani et al. (2017), https://arxiv.org/abs/1706.03762, section 3.5; learned: Gehring et
        al. (2017), https://arxiv.org/abs/1705.03122

    Example:

    >>> twice_the_same_word = keras.ops.ones((1, 2, 4))
    >>> first, second = PositionalEncoding()(twice_the_same_word)[0]
    >>> bool(keras.ops.any(first != second))
    True
    """

    def __init__(
        self,
        encoding="sinusoidal",
        length=None,
        wavelength=10_000.0,
        initializer="uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if encoding not in ENCODINGS:
            raise ValueError(
                f"`encoding` must be one of {ENCODINGS}. Received: encoding={encoding!r}"
            )
        if (encoding == "learned") != (length is not None):
            raise ValueError(
                f"`length` goes with 'learned', and only there. Received: {encoding=}, {length=}"
            )
        if length is not None and length < 1:
            raise ValueError(f"`length` must be at least 1. Received: length={length}")
        if wavelength <= 0:
            raise ValueError(
                f"`wavelength` must be greater than 0. Received: wavelength={wavelength}"
            )
        self.encoding = encoding
        self.length = length
        self.wavelength = wavelength
        self.initializer = keras.initializers.get(initializer)
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        if self.encoding == "learned":
            self.embeddings = self.add_weight(
                name="embeddings",
                shape=(self.length, input_shape[-1]),
                initializer=self.initializer,
            )
        self.built = True

    def call(self, inputs):
        self.compute_output_shape(inputs.shape)
        steps = ops.shape(inputs)[1]
        if self.encoding == "learned":
            encoded = self.embeddings[:steps]  # (steps, embed_dim)
        else:
            positions = ops.arange(steps, dtype="int32")
            encoded = positional_encoding(
                positions, inputs.shape[-1], self.encoding, self.wavelength
            )
        return inputs + ops.cast(encoded, inputs.dtype)

    def compute_output_shape(self, input_shape):
        steps = input_shape[1]
        if self.length is not None and steps is not None and steps > self.length:
            raise ValueError(
                f"only {self.length} positions have an embedding. "
                f"Received: inputs of shape {tuple(input_shape)}"
            )
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "encoding": self.encoding,
            "length": self.length,
            "wavelength": self.wavelength,
            "initializer": keras.initializers.serialize(self.initializer),
        }

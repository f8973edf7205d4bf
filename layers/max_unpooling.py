"""Max pooling that returns the indices of the maxima, and unpooling that puts values back there."""

import keras
from keras import ops


def check_pool_size(pool_size):
    if pool_size < 1:
        raise ValueError(f"`pool_size` must be positive. Received: pool_size={pool_size}")


@keras.saving.register_keras_serializable(package="layers")
class MaxPoolingWithIndices(keras.layers.Layer):
    """Max pooling over windows that do not overlap; also returns the index of each maximum.

    Args:
        pool_size: Height and width of the windows, an integer.
        **kwargs: Arguments of every layer, such as `name`.

    Input shape:
        `(batch, height, width, channels)`, height and width multiples of `pool_size`.

    Output shape:
        Two tensors `(batch, height / pool_size, width / pool_size, channels)`: the maxima, and
        their indices in the windows, int32, counted row by row from 0 to `pool_size² − 1`. Of
        equal values the first one counts.

    Raises:
        ValueError: if `pool_size` is below 1, or the input does not have four dimensions or cannot
            be divided into windows.

    Reference: Badrinarayanan et al. (2015), SegNet, https://arxiv.org/abs/1511.00561, figure 3.

    Example:

    >>> x = keras.ops.reshape(keras.ops.convert_to_tensor([1.0, 4.0, 3.0, 2.0]), (1, 2, 2, 1))
    >>> maxima, indices = MaxPoolingWithIndices()(x)
    >>> float(maxima[0, 0, 0, 0]), int(indices[0, 0, 0, 0])
    (4.0, 1)
    """

    def __init__(self, pool_size=2, **kwargs):
        super().__init__(**kwargs)
        check_pool_size(pool_size)
        self.pool_size = pool_size
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        for side in input_shape[1:3]:
            if side is not None and side % self.pool_size:
                raise ValueError(
                    f"Height and width must be multiples of {self.pool_size}. "
                    f"Received: input_shape={input_shape}"
                )
        self.built = True

    def call(self, inputs):
        size = self.pool_size
        # The first pixel of each window, the second, …: each (batch, rows, columns, channels).
        pixels = []
        for row in range(size):
            for column in range(size):
                pixels.append(inputs[:, row::size, column::size])
        windows = ops.stack(pixels, axis=3)  # (batch, rows, columns, size², channels)
        indices = ops.cast(ops.argmax(windows, axis=3), "int32")
        return ops.max(windows, axis=3), indices

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        height = None if height is None else height // self.pool_size
        width = None if width is None else width // self.pool_size
        shape = (batch, height, width, channels)
        return shape, shape

    def compute_output_spec(self, inputs):
        maxima, indices = self.compute_output_shape(inputs.shape)
        return (
            keras.KerasTensor(maxima, dtype=self.compute_dtype),
            keras.KerasTensor(indices, dtype="int32"),
        )

    def get_config(self):
        return {**super().get_config(), "pool_size": self.pool_size}


@keras.saving.register_keras_serializable(package="layers")
class MaxUnpooling(keras.layers.Layer):
    """Unpooling: each value goes to the position of its window's maximum, zeros to the others.

    Args:
        pool_size: Height and width of the windows, an integer.
        **kwargs: Arguments of every layer, such as `name`.

    Input shape:
        Two tensors `(batch, height, width, channels)`: values, and the indices from
        `MaxPoolingWithIndices`.

    Output shape:
        `(batch, height * pool_size, width * pool_size, channels)`.

    Raises:
        ValueError: if `pool_size` is below 1, or the inputs are not two of the same shape with four
            dimensions.

    Reference: Badrinarayanan et al. (2015), SegNet, https://arxiv.org/abs/1511.00561, figure 3.

    Example:

    >>> values = 5 * keras.ops.ones((1, 1, 1, 1))
    >>> index = 2 * keras.ops.ones((1, 1, 1, 1), dtype="int32")
    >>> keras.ops.convert_to_numpy(MaxUnpooling()([values, index]))[0, :, :, 0].tolist()
    [[0.0, 0.0], [5.0, 0.0]]
    """

    def __init__(self, pool_size=2, **kwargs):
        super().__init__(**kwargs)
        check_pool_size(pool_size)
        self.pool_size = pool_size

    def build(self, input_shape):
        values, indices = input_shape
        same = all(a == b or None in (a, b) for a, b in zip(values, indices, strict=False))
        if len(values) != 4 or len(indices) != 4 or not same:
            raise ValueError(
                "Values and indices must have the same shape of four dimensions. "
                f"Received: input_shape={input_shape}"
            )
        self.built = True

    def call(self, inputs):
        values, indices = inputs
        size = self.pool_size
        batch, height, width = ops.shape(values)[:3]
        channels = values.shape[-1]
        # The position of each value in its window: (batch, height, width, size², channels).
        places = ops.one_hot(indices, size * size, axis=3, dtype=values.dtype)
        x = places * values[:, :, :, None]
        # Arrange the pixels of each window in `size` rows and columns.
        x = ops.reshape(x, (batch, height, width, size, size, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (batch, height * size, width * size, channels))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape[0]
        height = None if height is None else height * self.pool_size
        width = None if width is None else width * self.pool_size
        return (batch, height, width, channels)

    def get_config(self):
        return {**super().get_config(), "pool_size": self.pool_size}

"""Images as sequences of patches, and the layer that makes vectors of them."""

import keras
from keras import ops


def images_to_patches(images, size):
    """Cuts images into patches: `(batch, height, width, channels)` to `(batch, patches, size * size * channels)`.

    Row by row, from the top left; within a patch also row by row. What is left over at the right and the bottom, when
    `size` does not divide an image's sides, is cut off; otherwise `patches_to_images` gives back the same images.

    Example:

    >>> patches = images_to_patches(keras.ops.reshape(keras.ops.arange(16), (1, 4, 4, 1)), size=2)
    >>> keras.ops.convert_to_numpy(patches)[0, 0].tolist()
    [0, 1, 4, 5]
    """
    images = ops.convert_to_tensor(images)
    channels = images.shape[-1]
    rows, columns = ops.shape(images)[1] // size, ops.shape(images)[2] // size
    images = images[:, : rows * size, : columns * size]
    images = ops.reshape(images, (-1, rows, size, columns, size, channels))
    return ops.reshape(
        ops.transpose(images, (0, 1, 3, 2, 4, 5)), (-1, rows * columns, size * size * channels)
    )


def patches_to_images(patches, size, rows, columns):
    """Puts patches together again: the inverse of `images_to_patches`, given how many rows and columns there were."""
    patches = ops.convert_to_tensor(patches)
    channels = patches.shape[-1] // size**2
    patches = ops.reshape(patches, (-1, rows, columns, size, size, channels))
    return ops.reshape(
        ops.transpose(patches, (0, 1, 3, 2, 4, 5)), (-1, rows * size, columns * size, channels)
    )


@keras.saving.register_keras_serializable(package="layers")
class PatchEmbedding(keras.layers.Layer):
    """Makes a sequence of an image: `z_0 = class token + P_0`, `z_i = x_i E + b + P_i`.

    Each patch `x_i`, flattened, goes through one linear map `E` to the vector that a Transformer then treats as a word.
    A code `P_i` is learned for each place: nothing else says which patch was beside which. A class token is a learned
    vector put before the patches, as a place for the encoder to gather what it has to say about the whole image.

    Args:
        units: features of each vector.
        patch_size: height and width of a patch, in pixels; must divide the height and width of the images.
        class_token: whether to put a class token first.
        positions: whether to add learned codes of places. With them, all images must be of one size, known when the
            layer is built.
        kernel_initializer: of the linear map.
        position_initializer: of the codes of places and of the class token.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, patches, units)` with `patches = height * width / patch_size**2`, plus one for a class token.

    Reference:
        Dosovitskiy et al. (2021), https://arxiv.org/abs/2010.11929, equation 1

    Example:

    >>> images = keras.ops.ones((2, 32, 32, 3))
    >>> tuple(PatchEmbedding(units=64, patch_size=4, class_token=True)(images).shape)
    (2, 65, 64)
    """

    def __init__(
        self,
        units,
        patch_size,
        class_token=False,
        positions=True,
        kernel_initializer="glorot_uniform",
        position_initializer="truncated_normal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be at least 1. Received: units={units}")
        if patch_size < 1:
            raise ValueError(f"`patch_size` must be at least 1. Received: patch_size={patch_size}")
        self.units = units
        self.patch_size = patch_size
        self.class_token = class_token
        self.positions = positions
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.position_initializer = keras.initializers.get(position_initializer)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        steps = self.compute_output_shape(input_shape)[1]
        shape = (self.patch_size**2 * input_shape[-1], self.units)
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=self.kernel_initializer
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        if self.class_token:
            self.token = self.add_weight(
                name="token", shape=(self.units,), initializer=self.position_initializer
            )
        if self.positions:
            if steps is None:
                raise ValueError(
                    f"learned places need the size of the images. Received: inputs of shape {input_shape}"
                )
            shape = (steps, self.units)
            self.codes = self.add_weight(
                name="codes", shape=shape, initializer=self.position_initializer
            )
        self.built = True

    def call(self, inputs):
        self.compute_output_shape(inputs.shape)
        outputs = ops.matmul(images_to_patches(inputs, self.patch_size), self.kernel) + self.bias
        if self.class_token:
            token = ops.broadcast_to(self.token, (ops.shape(inputs)[0], 1, self.units))
            outputs = ops.concatenate([ops.cast(token, outputs.dtype), outputs], axis=1)
        return outputs + ops.cast(self.codes, outputs.dtype) if self.positions else outputs

    def compute_output_shape(self, input_shape):
        sides = input_shape[1:3]
        if any(side is not None and side % self.patch_size for side in sides):
            raise ValueError(
                f"patches of {self.patch_size}×{self.patch_size} do not fill images without a rest. "
                f"Received: inputs of shape {tuple(input_shape)}"
            )
        if None in sides:
            return (input_shape[0], None, self.units)
        patches = (sides[0] // self.patch_size) * (sides[1] // self.patch_size)
        return (input_shape[0], patches + self.class_token, self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "patch_size": self.patch_size,
            "class_token": self.class_token,
            "positions": self.positions,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "position_initializer": keras.initializers.serialize(self.position_initializer),
        }

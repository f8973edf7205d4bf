"""Images as sequences of patches, and the layer that embeds them."""

import keras
from keras import ops


def images_to_patches(images, size):
    """Cuts images into patches.

    Patches are in row-major order from the top left, and so are the pixels within a patch. Where
    `size` does not divide an image's sides, the pixels left over at the right and the bottom are
    cut off.

    Args:
        images: Tensor `(batch, height, width, channels)`.
        size: Height and width of a patch, in pixels.

    Returns:
        Tensor `(batch, patches, size * size * channels)`.

    Example:

    >>> patches = images_to_patches(keras.ops.reshape(keras.ops.arange(16), (1, 4, 4, 1)), size=2)
    >>> keras.ops.convert_to_numpy(patches)[0, 0].tolist()
    [0, 1, 4, 5]
    """
    images = ops.convert_to_tensor(images)
    channels = images.shape[-1]
    rows = ops.shape(images)[1] // size
    columns = ops.shape(images)[2] // size
    images = images[:, : rows * size, : columns * size]
    images = ops.reshape(images, (-1, rows, size, columns, size, channels))
    patches = ops.transpose(images, (0, 1, 3, 2, 4, 5))  # (…, rows, columns, size, size, channels)
    return ops.reshape(patches, (-1, rows * columns, size * size * channels))


@keras.saving.register_keras_serializable(package="layers")
class PatchEmbedding(keras.layers.Layer):
    """Embeds the patches of an image: `z_0 = class token + P_0`, `z_i = x_i E + b + P_i`.

    Each flattened patch `x_i` is mapped linearly by `E` to a vector that a Transformer treats like
    a word. A positional embedding `P_i` is learned for each position: nothing else tells the
    network which patches are neighbors. A class token is a learned vector placed before the
    patches, in which the encoder gathers information about the whole image.

    Args:
        embed_dim: Dimension of the embeddings.
        patch_size: Height and width of a patch, in pixels; must divide the height and width of the
            images.
        class_token: Whether to put a class token first.
        positional_embedding: Whether to add learned positional embeddings. With them, all images
            must be of one size, known when the layer is built.
        kernel_initializer: Of the linear map.
        embedding_initializer: Of positional embeddings and class token.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, patches, embed_dim)` with `patches = height * width / patch_size**2`, plus one for
        a class token.

    Raises:
        ValueError: For arguments out of range, for images whose sides are not multiples of
            `patch_size`, and for positional embeddings of images of unknown size.

    Reference:
        Dosovitskiy et al. (2021), https://arxiv.org/abs/2010.11929, equation 1

    Example:

    >>> images = keras.ops.ones((2, 32, 32, 3))
    >>> tuple(PatchEmbedding(embed_dim=64, patch_size=4, class_token=True)(images).shape)
    (2, 65, 64)
    """

    def __init__(
        self,
        embed_dim,
        patch_size,
        class_token=False,
        positional_embedding=True,
        kernel_initializer="glorot_uniform",
        embedding_initializer="truncated_normal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if embed_dim < 1:
            raise ValueError(f"`embed_dim` must be at least 1. Received: embed_dim={embed_dim}")
        if patch_size < 1:
            raise ValueError(f"`patch_size` must be at least 1. Received: patch_size={patch_size}")
        self.embed_dim = embed_dim
        self.patch_size = patch_size
        self.class_token = class_token
        self.positional_embedding = positional_embedding
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.embedding_initializer = keras.initializers.get(embedding_initializer)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        steps = self.compute_output_shape(input_shape)[1]
        if self.positional_embedding and steps is None:
            raise ValueError(
                "positional embeddings need the size of the images. "
                f"Received: inputs of shape {tuple(input_shape)}"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.patch_size**2 * input_shape[-1], self.embed_dim),
            initializer=self.kernel_initializer,
        )
        self.bias = self.add_weight(name="bias", shape=(self.embed_dim,), initializer="zeros")
        if self.class_token:
            self.token = self.add_weight(
                name="token", shape=(self.embed_dim,), initializer=self.embedding_initializer
            )
        if self.positional_embedding:
            self.positions = self.add_weight(
                name="positions",
                shape=(steps, self.embed_dim),
                initializer=self.embedding_initializer,
            )
        self.built = True

    def call(self, inputs):
        self.compute_output_shape(inputs.shape)
        patches = images_to_patches(inputs, self.patch_size)  # (batch, patches, numbers of each)
        x = ops.matmul(patches, self.kernel) + self.bias  # (batch, patches, embed_dim)
        if self.class_token:
            token = ops.broadcast_to(self.token, (ops.shape(inputs)[0], 1, self.embed_dim))
            x = ops.concatenate([ops.cast(token, x.dtype), x], axis=1)
        if self.positional_embedding:
            x = x + ops.cast(self.positions, x.dtype)
        return x

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        if any(side is not None and side % self.patch_size for side in (height, width)):
            raise ValueError(
                f"patches of {self.patch_size}×{self.patch_size} do not fill images without a "
                f"rest. Received: inputs of shape {tuple(input_shape)}"
            )
        if height is None or width is None:
            return (batch, None, self.embed_dim)
        steps = (height // self.patch_size) * (width // self.patch_size)
        if self.class_token:
            steps += 1
        return (batch, steps, self.embed_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "embed_dim": self.embed_dim,
            "patch_size": self.patch_size,
            "class_token": self.class_token,
            "positional_embedding": self.positional_embedding,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "embedding_initializer": keras.initializers.serialize(self.embedding_initializer),
        }

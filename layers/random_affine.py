"""Random rotation, scale, shear, translation and flip of each image, in one operation."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class RandomAffine(keras.layers.Layer):
    """Rotates, scales, shears, shifts and flips each image by its own random amounts, in training.

    All five form one affine map and need one resampling of the image: cheaper and less blurred than
    a chain of `keras.layers.RandomRotation`, `RandomZoom`, `RandomShear`, `RandomTranslation` and
    `RandomFlip`. At inference the images pass unchanged. An output pixel `p` is the input at
    `c + A (p − c) − t`, where `c` is the image's center, `t` the shift, and `A` the product of
    rotation, shear, scale and flip.

    With TensorFlow, XLA (`jit_compile=True`, and every TPU) cannot compile the resampling
    operation. With the layer's attribute `xla` set to True, the layer uses operations that XLA can
    compile instead: the same images, more slowly.

    Args:
        rotation: largest rotation, in degrees, either way.
        scale: largest relative change of height and of width, drawn independently; 0.1 stands for
            0.9 to 1.1.
        shear: largest shear, as the shift of a row relative to its distance from the center.
        translation: largest shift of rows and of columns, in pixels; may be fractional.
        horizontal_flip: whether to flip left and right with a probability of 1/2.
        fill_mode: Values outside the image: `"nearest"` (the border's own pixels, right for dark
            and for light backgrounds alike), `"reflect"`, `"wrap"` or `"constant"` (zeros: black
            borders on a light photograph).
        interpolation: `"bilinear"` or `"nearest"`.
        seed: integer for repeatable draws.

    Input shape:
        `(batch, height, width, channels)`, of floating-point numbers.

    Output shape:
        As the input.

    Example:

    >>> images = keras.ops.ones((2, 28, 28, 1))
    >>> augment = RandomAffine(rotation=10, scale=0.1, translation=2, seed=1)
    >>> tuple(augment(images, training=True).shape)
    (2, 28, 28, 1)
    """

    def __init__(
        self,
        rotation=0.0,
        scale=0.0,
        shear=0.0,
        translation=0.0,
        horizontal_flip=False,
        fill_mode="nearest",
        interpolation="bilinear",
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value, limit in (
            ("rotation", rotation, 180),
            ("scale", scale, 0.9),
            ("shear", shear, 1),
            ("translation", translation, math.inf),
        ):
            if not 0 <= value <= limit:
                raise ValueError(
                    f"`{name}` must lie between 0 and {limit}. Received: {name}={value}"
                )
        if fill_mode not in ("constant", "nearest", "reflect", "wrap"):
            raise ValueError(
                "`fill_mode` must be constant, nearest, reflect or wrap. Received: "
                f"fill_mode={fill_mode}"
            )
        if interpolation not in ("bilinear", "nearest"):
            raise ValueError(
                "`interpolation` must be bilinear or nearest. Received: "
                f"interpolation={interpolation}"
            )
        self.rotation = rotation
        self.scale = scale
        self.shear = shear
        self.translation = translation
        self.horizontal_flip = horizontal_flip
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.seed = seed
        self.xla = False
        self.changes = any((rotation, scale, shear, translation, horizontal_flip))
        self.generator = keras.random.SeedGenerator(seed)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs, training=False):
        if not training or not self.changes:
            return inputs
        images = ops.cast(
            inputs, "float32"
        )  # half precision would misplace the pixels of a large image
        transforms = self.transforms(*ops.shape(images)[:3])
        move = gathered if self.xla else ops.image.affine_transform
        images = move(
            images, transforms, self.interpolation, self.fill_mode, data_format="channels_last"
        )
        return ops.reshape(ops.cast(images, inputs.dtype), ops.shape(inputs))

    def transforms(self, batch, height, width):
        """`(batch, 8)` random affine maps in the format of `keras.ops.image.affine_transform`."""
        draw = ops.moveaxis(keras.random.uniform((batch, 7), -1, 1, seed=self.generator), 1, 0)
        angle, shear = draw[0] * self.rotation * math.pi / 180, draw[1] * self.shear
        scale_x, scale_y = 1 + draw[2] * self.scale, 1 + draw[3] * self.scale
        if self.horizontal_flip:
            scale_x = scale_x * ops.where(draw[4] < 0, -1.0, 1.0)
        cosine, sine = ops.cos(angle), ops.sin(angle)
        # rotation @ [[1, shear], [0, 1]] @ diag(scale_x, scale_y)
        a, b = cosine * scale_x, (cosine * shear - sine) * scale_y
        c, d = sine * scale_x, (sine * shear + cosine) * scale_y
        x, y = (ops.cast(width, "float32") - 1) / 2, (ops.cast(height, "float32") - 1) / 2
        shift_x = x - a * x - b * y - draw[5] * self.translation
        shift_y = y - c * x - d * y - draw[6] * self.translation
        zero = ops.zeros_like(a)
        return ops.stack([a, b, shift_x, c, d, shift_y, zero, zero], axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "rotation": self.rotation,
            "scale": self.scale,
            "shear": self.shear,
            "translation": self.translation,
            "horizontal_flip": self.horizontal_flip,
            "fill_mode": self.fill_mode,
            "interpolation": self.interpolation,
            "seed": self.seed,
        }


def gathered(images, transforms, interpolation, fill_mode, data_format="channels_last"):
    """`keras.ops.image.affine_transform` from operations that XLA can compile.

    Args:
        images: `(batch, height, width, channels)`, of floating-point numbers.
        transforms: `(batch, 8)`, of which the last two are 0.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: `"constant"` (zeros), `"nearest"`, `"reflect"` or `"wrap"`.
        data_format: `"channels_last"`.
    """
    height, width = ops.shape(images)[1:3]

    # Where in the image each pixel comes from, by its own row and column.
    rows = ops.reshape(ops.arange(height, dtype="float32"), (1, height, 1))
    columns = ops.reshape(ops.arange(width, dtype="float32"), (1, 1, width))
    a, b, shift_x, c, d, shift_y = (transforms[:, n, None, None] for n in range(6))
    y = inside(c * columns + d * rows + shift_y, height, fill_mode)
    x = inside(a * columns + b * rows + shift_x, width, fill_mode)

    if interpolation == "nearest":
        return pixels(images, ops.round(y), ops.round(x))
    top, left = ops.floor(y), ops.floor(x)
    down, right = (y - top)[..., None], (x - left)[..., None]
    above = (1 - right) * pixels(images, top, left) + right * pixels(images, top, left + 1)
    below = (1 - right) * pixels(images, top + 1, left) + right * pixels(images, top + 1, left + 1)
    return (1 - down) * above + down * below


def inside(position, size, fill_mode):
    """Maps positions outside an axis of `size` pixels to the positions that supply their color."""
    if fill_mode == "constant":
        return position
    size = ops.cast(size, "float32")
    if fill_mode == "reflect":
        position = ops.mod(position, 2 * size)
        position = ops.where(position >= size, 2 * size - 1 - position, position)
    if fill_mode == "wrap":  # by whole axes, the gap between last and first pixel left out
        beyond = (position < 0) | (position > size - 1)
        turns = ops.floor(position / ops.maximum(size - 1, 1))
        position = ops.where(beyond, position - turns * size, position)
    return ops.clip(position, 0, size - 1)


def pixels(images, rows, columns):
    """The pixels at whole-numbered positions `(batch, height, width)`; zeros outside."""
    batch, height, width, channels = ops.shape(images)
    outside = (rows < 0) | (rows > height - 1) | (columns < 0) | (columns > width - 1)
    rows = ops.cast(ops.clip(rows, 0, height - 1), "int32")
    columns = ops.cast(ops.clip(columns, 0, width - 1), "int32")
    place = ops.reshape(rows * width + columns, (batch, height * width, 1))
    listed = ops.reshape(images, (batch, height * width, channels))
    found = ops.reshape(ops.take_along_axis(listed, place, axis=1), ops.shape(images))
    return ops.where(outside[..., None], ops.zeros_like(found), found)

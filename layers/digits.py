"""Pictures of handwritten digits: preprocessing as for MNIST, and a check of the result."""

import keras
from keras import ops

GRID = 64  # points along each side at which a whole picture is sampled
MARGIN = 14  # further points on each side that repeat its border
STROKE = 2 * MARGIN + 1  # points: narrower shapes are ink, wider ones are paper
LEAST_CONTRAST = 25.0  # of 255, between ink and paper


@keras.saving.register_keras_serializable(package="layers")
class CenterDigit(keras.layers.Layer):
    """Preprocesses pictures of a digit as MNIST's were: white on black, 20 pixels long, centered.

    1. Ink is lighter or darker than the border of the picture, whichever deviates more.
    2. Anything wider than nine twentieths of the picture is background (found by a gray opening)
       and is subtracted, shadows included; so is the noise of the paper.
    3. Specks, connected parts with less than a twentieth of the ink, are ignored.
    4. The longer side of the rest is scaled to 20 pixels, each a weighted mean of those it covers.
    5. Its center of mass moves to the middle of 28 × 28 pixels; the strongest ink becomes 255.

    A digit that already has this position and size, as MNIST's own have, stays unchanged. A picture
    without ink becomes black.

    Args:
        **kwargs: Arguments of every Keras layer, such as `name`.

    Input shape:
        `(batch, height, width, 1 or 3)`, integers or floats from 0 to 255; height and width may be
        unknown.

    Output shape:
        `(batch, 28, 28, 1)`, whole numbers from 0 to 255 as floats.

    Raises:
        ValueError: if the input does not have four dimensions and one or three channels.

    Reference:
        [LeCun et al. (1998)](https://doi.org/10.1109/5.726791), section III.A: how MNIST was
        prepared. The top-hat transform, image minus opening, is in Gonzalez & Woods, Digital Image
        Processing, chapter "Morphological Image Processing".

    Example:

    >>> paper = keras.ops.ones((1, 400, 300, 1)) * 200
    >>> tuple(CenterDigit()(paper).shape)
    (1, 28, 28, 1)
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)  # 16-bit floats would round gray values
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        if input_shape[-1] not in (1, 3):
            raise ValueError(
                f"Pictures must have 1 or 3 channels. Received: input_shape={input_shape}"
            )

    def call(self, inputs):
        pictures = ops.mean(ops.cast(inputs, "float32"), axis=-1)  # (batch, height, width)
        height, width = (ops.cast(size, "float32") for size in ops.shape(pictures)[1:])

        # Sample the whole picture at GRID × GRID points; beyond its border, repeat the border.
        points = ops.arange(-MARGIN, GRID + MARGIN, dtype="float32")[None]
        rows, columns = ((points + 0.5) / GRID * size - 0.5 for size in (height, width))
        grid = sample(pictures, rows, columns, height / GRID, width / GRID)
        sign = polarity(grid)[:, None, None]
        grid, pictures = grid * sign, pictures * sign  # from here on ink is lighter than paper
        background = opening(grid)
        ink = (grid - background)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
        noise = ops.maximum(3 * ops.median(ink, axis=(1, 2)), 0)[:, None, None]
        top, bottom, left, right, empty = outline(ink, ops.maximum(noise, LEAST_CONTRAST))

        def window(center_y, center_x, step):
            """28 × 28 pixels of ink, `step` pixels of the picture apart, around a point of it."""
            places = (ops.arange(28, dtype="float32") - 13.5)[None] * step[:, None]
            rows, columns = center_y[:, None] + places, center_x[:, None] + places
            grid_rows = (rows + 0.5) * GRID / height - 0.5 + MARGIN
            grid_columns = (columns + 0.5) * GRID / width - 0.5 + MARGIN
            paper = sample(background, grid_rows, grid_columns, 1.0, 1.0)
            ink = ops.relu(sample(pictures, rows, columns, step, step) - paper - noise)
            # Dark ink absorbs a fraction of the light, so the difference is smaller in shadow.
            light = ops.where(sign < 0, ops.maximum(-paper, LEAST_CONTRAST), 255.0)
            inside_y = (rows > -0.5) & (rows < height - 0.5)
            inside_x = (columns > -0.5) & (columns < width - 0.5)
            inside = ops.cast(inside_y[:, :, None] & inside_x[:, None, :], "float32")
            return ink * 255 / light * inside

        # A first window around the bounding box on the grid, then the digit's size and center of
        # mass in that window.
        long = ops.maximum((bottom - top) * height, (right - left) * width) / GRID
        step = ops.maximum(long, 1) / 20
        center_y = (top + bottom) / 2 * height / GRID - 0.5
        center_x = (left + right) / 2 * width / GRID - 0.5
        first = window(center_y, center_x, step)
        center_y = center_y + center_of_mass(ops.sum(first, axis=2)) * step
        center_x = center_x + center_of_mass(ops.sum(first, axis=1)) * step
        top, bottom, left, right, _ = outline(first, LEAST_CONTRAST)
        step = step * ops.maximum(bottom - top, right - left) / 20

        # A digit that already has the position and size keeps them, and so every pixel.
        middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
        off = ops.maximum(ops.abs(center_y - middle_y), ops.abs(center_x - middle_x))
        settled = (ops.abs(step - 1) < 0.15) & (off < 1.5)
        digit = window(
            ops.where(settled, middle_y, center_y),
            ops.where(settled, middle_x, center_x),
            ops.where(settled, 1.0, step),
        )
        peak = ops.max(digit, axis=(1, 2), keepdims=True)
        digit = ops.where(empty[:, None, None], 0.0, digit * 255 / ops.maximum(peak, 1))
        return ops.cast(ops.round(digit), self.compute_dtype)[..., None]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 28, 28, 1)


@keras.saving.register_keras_serializable(package="layers")
class UnlikeDigit(keras.layers.Layer):
    """Scores how unlike MNIST's digits pictures from `CenterDigit` are; above 0.5, distrust them.

    Each of four measures is divided by a limit that nearly all of MNIST's training digits keep (995
    of 1,000 for the second measure, 999 for the others). The score is half the largest quotient, at
    most 1. The measures grow with

    - too little ink or too much of it: a blank page, a blot;
    - ink outside the largest connected part: several digits, a text, a texture;
    - gray inside the strokes, which pens do not leave: shapes cut out of a photograph;
    - strong ink on few pixels, beside much faint ink.

    Shapes are not considered: a neatly written letter scores like a digit.

    Args:
        **kwargs: Arguments of every Keras layer, such as `name`.

    Input shape:
        `(batch, 28, 28, 1)`, numbers from 0 (paper) to 255 (ink).

    Output shape:
        `(batch,)`, numbers from 0 to 1.

    Raises:
        ValueError: if the input is of another shape.

    Example:

    >>> blank = keras.ops.zeros((1, 28, 28, 1))
    >>> keras.ops.convert_to_numpy(UnlikeDigit()(blank)).tolist()
    [1.0]
    """

    LEAST_INK, MOST_INK = 0.03, 0.3  # mean of all pixels; 1 is all ink
    MOST_APART = 0.25  # share of the ink outside the largest connected part
    MOST_GRAY = 0.05  # share of pixels inside strokes with less than two thirds of full ink
    LEAST_LENGTH = 17.0  # pixels, of the strong ink's longer side

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.input_spec = keras.layers.InputSpec(shape=(None, 28, 28, 1))

    def call(self, inputs):
        images = ops.cast(inputs, "float32") / 255
        digits = images[..., 0]
        total = ops.sum(digits, axis=(1, 2))

        # Ink outside the largest connected part and the pixels around it.
        strong = ops.cast(digits > 0.3, "float32")
        shares = parts(strong, digits)
        largest = ops.max(shares, axis=(1, 2), keepdims=True)
        main_part = strong * ops.cast(shares >= largest, "float32")
        near = around(main_part[..., None])[..., 0]
        apart = 1 - ops.sum(digits * near, axis=(1, 2)) / ops.maximum(total, 1e-6)

        # Pixels surrounded by ink that are gray themselves.
        inside = -around(-images)[..., 0] > 0.25
        gray = ops.sum(ops.cast(inside & (digits < 0.63), "float32"), axis=(1, 2))
        gray = gray / ops.maximum(ops.sum(ops.cast(digits > 0.25, "float32"), axis=(1, 2)), 1)

        share = total / (28 * 28)
        rows, columns = (ops.sum(ops.max(strong, axis=axis), axis=1) for axis in (2, 1))
        length = ops.maximum(rows, columns)
        quotients = [
            self.LEAST_INK / ops.maximum(share, 1e-6),
            share / self.MOST_INK,
            apart / self.MOST_APART,
            gray / self.MOST_GRAY,
            self.LEAST_LENGTH / ops.maximum(length, 1),
        ]
        unlike = ops.clip(ops.max(ops.stack(quotients, axis=1), axis=1) / 2, 0, 1)
        return ops.cast(unlike, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0],)


def around(images):
    """The largest value among each pixel of (batch, height, width, 1) and its eight neighbors."""
    return ops.max_pool(images, 3, 1, "same", data_format="channels_last")


def sample(pictures, rows, columns, row_spacing, column_spacing):
    """Samples (batch, height, width) pictures at all crossings of rows and columns: local means.

    Args:
        rows, columns: (batch or 1, number) coordinates in pixels; outside, the border is repeated.
        row_spacing, column_spacing: radius of the local mean, one number or one for each picture,
            at least 1; weights decrease with the distance.
    """

    def weights(points, length, spacing):
        pixels = ops.arange(length)
        points = ops.clip(points, 0, ops.cast(length - 1, "float32"))
        distances = ops.abs(points[:, :, None] - ops.cast(pixels, "float32"))
        reach = ops.reshape(ops.maximum(spacing, 1.0), (-1, 1, 1))
        near = ops.relu(1 - distances / reach)
        return near / ops.sum(near, axis=-1, keepdims=True)

    height, width = ops.shape(pictures)[1:]
    down = weights(rows, height, row_spacing)
    across = weights(columns, width, column_spacing)
    return ops.matmul(ops.matmul(down, pictures), ops.swapaxes(across, 1, 2))


def polarity(grid):
    """1 where the ink is lighter than the border of the picture, −1 where it is darker."""
    points = ops.arange(GRID + 2 * MARGIN, dtype="float32")[None]
    # Subtract slow changes, which are light and shadow.
    detail = (grid - sample(grid, points, points, GRID / 2, GRID / 2))[
        :, MARGIN:-MARGIN, MARGIN:-MARGIN
    ]
    sides = [detail[:, 0], detail[:, -1], detail[:, :, 0], detail[:, :, -1]]
    border = ops.median(ops.concatenate(sides, axis=1), axis=1)
    lighter = ops.max(detail, axis=(1, 2)) - border
    darker = border - ops.min(detail, axis=(1, 2))
    return ops.where(lighter >= darker, 1.0, -1.0)


def opening(grid):
    """The gray opening by a square, which removes light strokes narrower than STROKE."""

    def largest(x):
        x = ops.max_pool(x[..., None], (STROKE, 1), 1, "same", data_format="channels_last")
        return ops.max_pool(x, (1, STROKE), 1, "same", data_format="channels_last")[..., 0]

    return largest(-largest(-grid))


def parts(shown, ink):
    """For each shown point, the share of the shown ink in the connected part that it belongs to.

    Args:
        shown: (batch, height, width), 1 where there is ink and 0 elsewhere.
        ink: (batch, height, width), the strength of the ink.
    """
    batch, height, width = ops.shape(shown)
    points = height * width
    numbers = ops.reshape(ops.arange(1, points + 1), (1, height, width))
    labels = ops.cast(numbers, "float32") * shown

    # The largest label in each connected part spreads to all of it.
    def spread(labels, before):
        return around(labels[..., None])[..., 0] * shown, labels

    def changes(labels, before):
        return ops.any(labels != before)

    labels, _ = ops.while_loop(changes, spread, (labels, labels - 1), maximum_iterations=points)
    first = ops.reshape(ops.arange(batch) * (points + 1), (-1, 1, 1))
    segments = ops.reshape(ops.cast(labels, "int32") + ops.cast(first, "int32"), (-1,))
    weights = ops.reshape(ink * shown, (-1,))
    sums = ops.segment_sum(weights, segments, num_segments=batch * (points + 1))
    sums = ops.reshape(ops.take(sums, segments), (-1, height, width)) * shown
    total = ops.sum(ink * shown, axis=(1, 2), keepdims=True)
    return sums / ops.maximum(total, 1e-6)


def outline(ink, least):
    """First and last (exclusive) row and column of the strong ink, and whether there is none.

    Args:
        ink: (batch, height, width) differences from the paper.
        least: strong ink is above this, and above a quarter of the strongest ink.
    """
    least = ops.maximum(ops.max(ink, axis=(1, 2), keepdims=True) / 4, least)
    shown = ops.cast(ink > least, "float32")
    shown = shown * ops.cast(parts(shown, ink) > 0.05, "float32")  # no specks
    empty = ops.max(shown, axis=(1, 2)) == 0
    ends = []
    for axis in (2, 1):
        profile = ops.max(shown, axis=axis)
        ends.append(ops.argmax(profile, axis=1))
        ends.append(ops.shape(profile)[1] - ops.argmax(ops.flip(profile, axis=1), axis=1))
    return *(ops.cast(end, "float32") for end in ends), empty


def center_of_mass(profile):
    """Center of mass of a profile (batch, points), in points from its middle; 0 if it is empty."""
    points = ops.shape(profile)[1]
    places = ops.arange(points, dtype="float32") - (points - 1) / 2
    return ops.sum(profile * places, axis=1) / ops.maximum(ops.sum(profile, axis=1), 1e-6)

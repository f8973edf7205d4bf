"""im2col: a convolution as one product of matrices, and what that costs.

Slides: 002 «Costo de cómputo: convoluciones & desplegado».
Recipe: im2col.

Processors are fastest at matrix products. So each part of the image under the filter is written as
a row of F · F · Cin numbers, and each filter as a column: the product has a row for each position
and a column for each filter. Neighboring parts overlap, so the same pixel is in many rows; the
matrix is up to F² times as large as the image. Write the matrix and the convolution, and find how
much larger it is.
"""

import keras
import numpy as np

from recipes.common.exercise import check, finish


def im2col(image, size):
    """A matrix (positions, F · F · c) for the positions of the filter on an image (h, w, c)."""
    height, width, _ = image.shape
    # Your code: two loops over the positions; .ravel() makes a row of image[…, …, :].
    raise NotImplementedError


def conv2d(image, kernel):
    """Maps (h', w', filters), without padding, of an image (h, w, c): kernel (F, F, c, filters)."""
    size, _, _, filters = kernel.shape
    height, width, _ = image.shape
    # Your code: im2col, reshape the kernel to (F · F · c, filters), multiply, reshape.
    raise NotImplementedError


def growth(width, size):
    """Size of the matrix, relative to that of its image (width, width, c)."""
    # Your code: c cancels.
    raise NotImplementedError


def main():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(8, 6, 3)).astype("float32")
    kernel = rng.normal(size=(3, 3, 3, 4)).astype("float32")
    expected = keras.ops.convert_to_numpy(keras.ops.conv(image[None], kernel))[0]
    count = np.arange(12).reshape(3, 4, 1)
    return [
        check(
            "numbers 0 to 11 in three rows, F = 2",
            lambda: im2col(count, 2),
            [
                [0, 1, 4, 5],
                [1, 2, 5, 6],
                [2, 3, 6, 7],
                [4, 5, 8, 9],
                [5, 6, 9, 10],
                [6, 7, 10, 11],
            ],
        ),
        check("shape for 8 × 6 × 3, F = 3", lambda: im2col(image, 3).shape, [24, 27]),
        check("as Keras' convolution", lambda: conv2d(image, kernel), expected, 1e-4),
        check("growth, 28 pixels, F = 3", lambda: growth(28, 3), 7.760204),
        check("growth, 224 pixels, F = 3: nearly 9", lambda: growth(224, 3), 8.840003),
    ]


if __name__ == "__main__":
    finish(main())

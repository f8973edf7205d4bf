"""Convolution by hand: the slide's example, channels, and which way round.

Slides: 001 «Cálculo de convoluciones», 001 «¿Qué es una convolución? (fórmula)», 001 «Entradas,
        salidas y pesos».
Recipe: convolution_by_hand.

A kernel is placed at each position of the image where it fits; overlapping numbers are multiplied,
and the products added up. The formula of the slide,

    (f * g)[x, y] = Σ Σ f[n₁, n₂] g[x − n₁, y − n₂],

first rotates the kernel by 180°: a convolution. Keras' Conv2D does not, which is called a
correlation. Rotation does not change the kernels of the slides, so their examples do not show the
difference. With several channels, each has its kernel, and the results are added up. Write all
three.
"""

import numpy as np
import scipy.signal

from recipes.common.exercise import check, finish

IMAGE = np.array(
    [
        [0, 1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 0, 0, 1, 1, 1, 0],
        [0, 0, 0, 1, 1, 0, 0],
        [0, 0, 1, 1, 0, 0, 0],
        [0, 1, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
    ]
)
KERNEL = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
EDGES = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
ASYMMETRIC = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])


def correlate(image, kernel):
    """Correlation (h − f + 1, w − f + 1) of an image (h, w) with a kernel (f, f)."""
    size = len(kernel)
    height, width = image.shape
    output = np.zeros((height - size + 1, width - size + 1))
    # Your code: for each position, the sum of the kernel times the part of the image below it.
    for row, column in np.ndindex(output.shape):
        part = image[row : row + size, column : column + size]
        output[row, column] = np.sum(part * kernel)
    return output


def convolve(image, kernel):
    """Convolution by the formula."""
    # Your code: kernel[::-1, ::-1] is rotated by 180°.
    return correlate(image, kernel[::-1, ::-1])


def conv2d(image, kernels):
    """One map (h − f + 1, w − f + 1) of an image (h, w, c) with a filter (f, f, c), as in Keras."""
    # Your code: one correlation for each channel, added up.
    maps = [correlate(image[:, :, c], kernels[:, :, c]) for c in range(image.shape[2])]
    return np.sum(maps, axis=0)


def main():
    printed = [[1, 4, 3, 4, 1], [1, 2, 4, 3, 3], [1, 2, 3, 4, 1], [1, 3, 3, 1, 1], [3, 3, 1, 1, 0]]
    turned = scipy.signal.convolve2d(IMAGE, ASYMMETRIC, mode="valid")
    color = np.stack([IMAGE, 1 - IMAGE, np.ones((7, 7))], axis=2)
    filters = np.stack([KERNEL, EDGES, ASYMMETRIC], axis=2)
    # EDGES sums to 0, so it gives the opposite for the opposite image; ASYMMETRIC to 45.
    summed = printed - scipy.signal.convolve2d(IMAGE, EDGES, mode="valid") + 45
    return [
        check("the slide's I * K", lambda: correlate(IMAGE, KERNEL), printed),
        check(
            "edges of a gray area", lambda: correlate(np.full((4, 4), 7), EDGES), np.zeros((2, 2))
        ),
        check("convolution with 1, 2, …, 9", lambda: convolve(IMAGE, ASYMMETRIC), turned),
        # 5 + 6 + 9 of the kernel, not rotated.
        check(
            "correlation with 1, 2, …, 9",
            lambda: correlate(np.array([[0, 0, 0], [0, 1, 1], [0, 0, 1]]), ASYMMETRIC),
            [[20]],
        ),
        check("three channels", lambda: conv2d(color, filters), summed),
    ]


if __name__ == "__main__":
    finish(main())

"""Pooling: maximum and mean of each block, and the gradient's way back.

Slides: 002 «Max pooling 2×2 paso 2», 001 «Pooling Layer (valor medio vs máximo)», 002 «Matrices de
        características».
Recipes: pooling, x_image.

2 × 2 pooling with stride 2 reduces each block to one number: its largest, or its mean. If the width
is odd, as in the slide's 7 × 7 map of the X, the last row and column are repeated. (The maxima
would be the same without.)

In backpropagation the gradient of a mean is divided equally among the four numbers; that of a
maximum goes to the largest alone. Write the blocks, both kinds of pooling, and the gradient of the
maximum.
"""

import numpy as np

from recipes.common.exercise import check, finish

SAMPLE = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])
# Nine times the slide's map of the X and the falling diagonal.
X_MAP = np.array(
    [
        [7, -1, 1, 3, 5, -1, 3],
        [-1, 9, -1, 3, -1, 1, -1],
        [1, -1, 9, -3, 1, -1, 5],
        [3, 3, -3, 5, -3, 3, 3],
        [5, -1, 1, -3, 9, -1, 1],
        [-1, 1, -1, 3, -1, 9, -1],
        [3, -1, 5, 3, 1, -1, 7],
    ]
)


def blocks(image):
    """The 2 × 2 blocks (h / 2, w / 2, 2, 2) of an image (h, w); odd sides are padded first."""
    height, width = image.shape
    image = np.pad(image, [(0, height % 2), (0, width % 2)], mode="edge")
    # Your code: with its new sides, reshape it to (h / 2, 2, w / 2, 2), then np.swapaxes.
    raise NotImplementedError


def max_pool(image):
    """The largest number (h / 2, w / 2) of each block."""
    # Your code: reduce the last two axes of the blocks.
    raise NotImplementedError


def mean_pool(image):
    """The mean (h / 2, w / 2) of each block."""
    # Your code: in the same way.
    raise NotImplementedError


def relu(image):
    return np.maximum(image, 0)


def max_pool_gradient(image, gradient):
    """∂E/∂image (h, w), of even sides, from ∂E/∂output (h / 2, w / 2)."""
    # Your code: compare the image with its maxima; np.kron(…, np.ones((2, 2))) enlarges a matrix.
    raise NotImplementedError


def main():
    pooled = [[9, 3, 5, 3], [3, 9, 3, 5], [5, 3, 9, 1], [3, 5, 1, 7]]
    routed = [[0, 0, 0, 0], [0, 10, 0, 20], [30, 0, 0, 0], [0, 0, 0, 40]]
    return [
        check("second block", lambda: blocks(SAMPLE)[0, 1], [[2, 4], [7, 8]]),
        check("maximum", lambda: max_pool(SAMPLE), [[6, 8], [3, 4]]),
        check("mean", lambda: mean_pool(SAMPLE), [[3.25, 5.25], [2, 2]]),
        check("the X after ReLU and pooling", lambda: max_pool(relu(X_MAP)), pooled),
        check(
            "gradient of the maxima",
            lambda: max_pool_gradient(SAMPLE, np.array([[10, 20], [30, 40]])),
            routed,
        ),
    ]


if __name__ == "__main__":
    finish(main())

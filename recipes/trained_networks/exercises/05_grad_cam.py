"""Grad-CAM: which part of the image speaks for the class?

Slides: 000 «Atención…».
Recipe: grad_cam.

The last convolution's maps, (height, width, channels), still have spatial information. The gradient
of a class's score with respect to these maps, averaged over the pixels, is a weight for each
channel; the weighted sum of the maps is the map of the class. Negative values are evidence for
other classes, and are set to 0.

If global average pooling and one dense layer follow, the gradient is the dense layer's weight,
divided by the number of pixels: Grad-CAM is then the older class activation map (CAM). If the
weights are shuffled, the map must change: a map that does not depend on them only shows edges.
"""

import numpy as np

from recipes.common.exercise import check, finish

# 2 × 2 pixels, three channels: an ear (top left), a wheel (bottom right), and grass everywhere.
MAPS = np.array([[[4.0, 0.0, 1.0], [0.0, 0.0, 1.0]], [[0.0, 0.0, 1.0], [0.0, 2.0, 1.0]]])
CAT = np.array([1.0, -1.0, 0.2])  # weights of the dense layer
CAR = np.array([-1.0, 2.0, 0.2])


def score(maps, weights):
    """The class's score: global average pooling, then one dense unit."""
    # Your code: the mean over the pixels of each channel, times the weights.
    raise NotImplementedError


def gradient(maps, weights):
    """The gradient of the score with respect to the maps, in their shape."""
    height, width, _ = maps.shape
    # Your code: np.broadcast_to(row, shape) repeats a row of channels for each pixel.
    raise NotImplementedError


def grad_cam(maps, gradients):
    """The map (height, width) of a class, from maps and gradients (height, width, channels)."""
    # Your code: the mean gradient of each channel; the weighted sum of the maps; not below 0.
    raise NotImplementedError


def pointed_at(heat):
    """Row and column of the map's maximum; in the pointing game the object should be there."""
    # Your code: np.unravel_index(index, shape) converts argmax to row and column.
    raise NotImplementedError


def main():
    def map_of(weights):
        return grad_cam(MAPS, gradient(MAPS, weights))

    return [
        check("score of the cat", lambda: score(MAPS, CAT), 0.7),
        check("score of the car", lambda: score(MAPS, CAR), 0.2),
        check("a gradient", lambda: gradient(MAPS, CAT)[1, 0], [0.25, -0.25, 0.05]),
        check("map of the cat", lambda: map_of(CAT), [[1.05, 0.05], [0.05, 0]]),
        check("map of the car", lambda: map_of(CAR), [[0, 0.05], [0.05, 1.05]]),
        check("where the cat is", lambda: pointed_at(map_of(CAT)), (0, 0)),
        check("where the car is", lambda: pointed_at(map_of(CAR)), (1, 1)),
    ]


if __name__ == "__main__":
    finish(main())

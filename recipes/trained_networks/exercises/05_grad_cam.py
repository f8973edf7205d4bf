"""Grad-CAM: which part of the image speaks for the class?

Slides: 000 «Atención…».
Recipe: grad_cam.

The last convolution's maps, (height, width, channels), still say where something is. The gradient
of a class's score by these maps, averaged over the pixels, is a weight for each channel; the maps,
weighted by it and added up, are the map of the class. Negative numbers speak for other classes, and
are set to 0.

Where global average pooling and one dense layer follow, the gradient is the dense layer's weight,
divided by the number of pixels: Grad-CAM is the older class activation map (CAM). Shuffle the
weights, and the map must change: a map that stays the same shows edges, and not what the network
knows.
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
    """The gradient of the score by each number of the maps, in their shape."""
    height, width, _ = maps.shape
    # Your code: np.broadcast_to(row, shape) repeats a row of channels for each pixel.
    raise NotImplementedError


def grad_cam(maps, gradients):
    """The map (height, width) of a class, from maps and gradients (height, width, channels)."""
    # Your code: the mean gradient of each channel; the weighted sum of the maps; not below 0.
    raise NotImplementedError


def pointed_at(heat):
    """Row and column of the map's largest number: the pointing game asks if the object is there."""
    # Your code: np.unravel_index(place, shape) makes row and column of argmax.
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

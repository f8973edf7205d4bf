"""PilotNet from the camera to the wheel: sizes and 252,219 parameters.

Slides: 000 «DAVE-2 (NVIDIA 2016)».
Recipe: pilotnet.

The input of NVIDIA's steering network is an image of 66 × 200 pixels with three channels:

    5 × 5, stride 2: 24, 36 and 48 filters
    3 × 3, stride 1: 64 and 64 filters
    fully connected: 100, 50, 10 units and 1

There is no padding. Compute the output shape of each layer, then count parameters; the last
question is which layer has most of them.
"""

import numpy as np

from recipes.common.exercise import check, finish

CONVOLUTIONS = [
    (5, 2, 24),
    (5, 2, 36),
    (5, 2, 48),
    (3, 1, 64),
    (3, 1, 64),
]  # width, stride, filters
UNITS = [100, 50, 10, 1]


def shapes(height, width):
    """Height and width (5, 2) of the maps after each convolution."""
    # Your code: (W − F) / S + 1, rounded down, for both sides.
    raise NotImplementedError


def flat_size():
    """The number of inputs of the first fully connected layer."""
    # Your code: the last maps, all of them.
    raise NotImplementedError


def parameters():
    """Parameters (9,) of all layers, in order."""
    # Your code: (F · F · channels + 1) · filters, then (inputs + 1) · units.
    raise NotImplementedError


def main():
    maps = [[31, 98], [14, 47], [5, 22], [3, 20], [1, 18]]
    return [
        check("maps", lambda: shapes(66, 200), maps),
        check("numbers after flattening", flat_size, 1_152),
        check("first layer", lambda: parameters()[0], 1_824),
        check("in all", lambda: np.sum(parameters()), 252_219),
        check("largest layer: its number, from 0", lambda: np.argmax(parameters()), 5),
        check("… and its share", lambda: np.max(parameters()) / np.sum(parameters()), 0.457142),
    ]


if __name__ == "__main__":
    finish(main())

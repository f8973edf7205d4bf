"""Grouped convolutions and the channel shuffle: who hears of whom?

Slides: 003 «ShuffleNet (2017)», 003 «AlexNet».
Recipe: shufflenet.

AlexNet ran on two GPUs, so each half of its filters was connected to half of the maps: a
convolution in two groups has half the weights. But in any number of such layers, no information
passes from one half to the other. ShuffleNet mixes the maps in between: written as a table with a
row for each group, they are read column by column. Six maps in two groups, 0 1 2 | 3 4 5, become
0 3 1 4 2 5. Write the shuffle and a grouped convolution, and see which outputs an input reaches.
"""

import numpy as np

from recipes.common.exercise import check, finish


def shuffle(x, groups):
    """Maps (…, channels) in their new order."""
    # Your code: reshape the last axis to (groups, channels / groups), np.swapaxes, reshape back.
    raise NotImplementedError


def unshuffle(x, groups):
    """Maps (…, channels), back in their original order."""
    # Your code: with another number of groups, shuffle does it.
    raise NotImplementedError


def grouped_weights(channels, groups):
    """Weights, without biases, of a grouped 1 × 1 convolution to as many channels."""
    # Your code: each group has channels / groups inputs and outputs.
    raise NotImplementedError


def grouped_1x1(x, kernels):
    """Output (n, channels) for x (n, channels) and one kernel (size, size) for each group."""
    groups, size, _ = kernels.shape
    # Your code: the g-th kernel is for channels g · size to (g + 1) · size; np.concatenate.
    raise NotImplementedError


def reached(between):
    """How many of 6 outputs depend on input 0, through two layers in 2 groups and `between`."""
    impulse = np.eye(6)[:1]
    kernels = np.ones((2, 3, 3))
    hidden = between(grouped_1x1(impulse, kernels))
    return np.count_nonzero(grouped_1x1(hidden, kernels))


def main():
    image = np.arange(24).reshape(2, 2, 6)
    kernels = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
    return [
        check("0 1 2 | 3 4 5", lambda: shuffle(np.arange(6), 2), [0, 3, 1, 4, 2, 5]),
        check("three groups", lambda: shuffle(np.arange(6), 3), [0, 2, 4, 1, 3, 5]),
        check("each pixel on its own", lambda: shuffle(image, 2)[1, 0], [12, 15, 13, 16, 14, 17]),
        check("there and back", lambda: unshuffle(shuffle(image, 3), 3), image),
        check("weights, 240 channels, 3 groups", lambda: grouped_weights(240, 3), 19_200),
        check(
            "1 × 1 in two groups", lambda: grouped_1x1(np.ones((1, 4)), kernels), [[4, 6, 12, 14]]
        ),
        check("without shuffle", lambda: reached(lambda x: x), 3),
        check("with shuffle", lambda: reached(lambda x: shuffle(x, 2)), 6),
    ]


if __name__ == "__main__":
    finish(main())

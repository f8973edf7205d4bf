"""Weights and multiplications: a layer dense, convolutional, separable.

Slides: 002 «Capa de convolución: 14,45M / 450 / ~350K», 003 «Capas convolucionales: F×F×Cin».
Recipe: separable_convolution.

An image of 32 × 32 × 3 becomes six maps of 28 × 28. A fully connected layer has a weight for each
pair of input and output. A convolution has F × F × Cin of them for each filter, however large the
image is; but it uses each at every position of the output, so it has many more multiplications. The
slide prints 450 parameters: those are the weights, without the biases.

A separable convolution first applies an F × F filter to each channel separately, and then mixes the
channels with 1 × 1 filters. Count all of these.
"""

import math

from recipes.common.exercise import check, finish


def dense_weights(inputs, outputs):
    """Weights, without biases, of a fully connected layer between two shapes (h, w, channels)."""
    # Your code: math.prod multiplies the numbers of a shape.
    return math.prod(inputs) * math.prod(outputs)


def conv_parameters(size, channels_in, filters, bias=True):
    """Weights of a convolutional layer of F × F filters, with biases if `bias` is true."""
    # Your code: F · F · Cin for each filter; bias counts as 1 or 0.
    return (size * size * channels_in + bias) * filters


def conv_multiplications(size, channels_in, output):
    """Multiplications for one image, with the shape (h, w, filters) of the output."""
    # Your code: F · F · Cin for each number of the output.
    return size * size * channels_in * math.prod(output)


def separable_weights(size, channels_in, filters):
    """Weights, without biases, of a depthwise separable convolution."""
    # Your code: one F × F filter for each channel, then 1 × 1 filters.
    return size * size * channels_in + channels_in * filters


def main():
    image, maps = (32, 32, 3), (28, 28, 6)
    return [
        check("fully connected", lambda: dense_weights(image, maps), 14_450_688),
        check("six 5 × 5 filters", lambda: conv_parameters(5, 3, 6, bias=False), 450),
        check("… with biases", lambda: conv_parameters(5, 3, 6), 456),
        check("… multiplications", lambda: conv_multiplications(5, 3, maps), 352_800),
        check("AlexNet's first: 96 of 11 × 11 × 3", lambda: conv_parameters(11, 3, 96), 34_944),
        check("3 × 3, 64 to 128 channels", lambda: conv_parameters(3, 64, 128, bias=False), 73_728),
        check("… separable", lambda: separable_weights(3, 64, 128), 8_768),
        check(
            "… the ratio is 1/Cout + 1/F²",
            lambda: separable_weights(3, 64, 128) / conv_parameters(3, 64, 128, bias=False),
            1 / 128 + 1 / 9,
        ),
    ]


if __name__ == "__main__":
    finish(main())

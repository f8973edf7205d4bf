"""An inception module: what its 1 × 1 convolutions save.

Slides: 001 «Inception layers», 001 «Convoluciones 1x1».
Recipes: googlenet, conv_1x1.

Four parallel branches have the same input maps, and their outputs are concatenated. The input of
GoogLeNet's first module, 3a, is 192 maps of 28 × 28; its branches are

    1 × 1, 64 filters
    1 × 1, 96 filters, then 3 × 3, 128 filters
    1 × 1, 16 filters, then 5 × 5, 32 filters
    maximum of 3 × 3, then 1 × 1, 32 filters

The naive module has the same numbers of 1 × 1, 3 × 3 and 5 × 5 filters, and the maximum, directly
on the input, without 1 × 1 convolutions before or after. All convolutions have padding and biases.
Count the parameters of both, and more.
"""

from recipes.common.exercise import check, finish


def conv(size, channels_in, filters):
    """Parameters of a convolutional layer with biases."""
    return (size * size * channels_in + 1) * filters


def module(channels_in):
    """Parameters of the module 3a."""
    # Your code: add up six calls of conv.
    return (
        conv(1, channels_in, 64)
        + conv(1, channels_in, 96)
        + conv(3, 96, 128)
        + conv(1, channels_in, 16)
        + conv(5, 16, 32)
        + conv(1, channels_in, 32)
    )


def naive_module(channels_in):
    """Parameters of the naive module."""
    # Your code: three calls of conv; the maximum has no parameters.
    return conv(1, channels_in, 64) + conv(3, channels_in, 128) + conv(5, channels_in, 32)


def channels_out(channels_in):
    """Number of output maps of the module 3a, and of the naive one."""
    # Your code: add up the branches; a maximum has as many maps as its input. Return both.
    return [64 + 128 + 32 + 32, 64 + 128 + 32 + channels_in]


def multiplications_5x5(side, channels_in):
    """Multiplications of the third branch, and of the naive 5 × 5 filters, on maps of this side."""
    # Your code: F · F · Cin for each number of an output (side, side, filters). Return both.
    with_1x1 = side * side * (channels_in * 16 + 5 * 5 * 16 * 32)
    return [with_1x1, side * side * 5 * 5 * channels_in * 32]


def main():
    return [
        check("module 3a", lambda: module(192), 163_696),
        check("naive", lambda: naive_module(192), 387_296),
        check("maps that come out", lambda: channels_out(192), [256, 416]),
        check(
            "multiplications of the 5 × 5 branch",
            lambda: multiplications_5x5(28, 192),
            [12_443_648, 120_422_400],
        ),
        check("module 3a on 256 maps", lambda: module(256), 163_696 + 64 * (64 + 96 + 16 + 32)),
    ]


if __name__ == "__main__":
    finish(main())

"""Output sizes and receptive fields of stacked convolutions.

Slides: 003 «Capas convolucionales: tamaño de salida», 001 «Campo receptivo».
Recipe: convolution_by_hand.

A filter of width F with stride S, on an input of width W padded with P zeros at either end, fits in
(W − F + 2P) / S + 1 positions. The slide says that this "must be an integer". Keras does not
require it: it rounds down, and ignores the remaining columns.

The part of the image on which a unit depends is its receptive field. For a unit in the first layer
it is F wide; every further layer adds F − 1 steps, whose length is the product of the strides of
all earlier layers. Write the formulas.
"""

from recipes.common.exercise import check, finish


def output_size(width, size, padding, stride):
    """Width of the output in Keras."""
    # Your code: the formula, rounded down.
    raise NotImplementedError


def unread(width, size, padding, stride):
    """Number of columns at the end that no filter covers, including the padding."""
    # Your code: the remainder of the division by the stride.
    raise NotImplementedError


def same_padding(size):
    """The padding at either end with which an odd filter of stride 1 keeps the width."""
    # Your code: solve (W − F + 2P) + 1 = W.
    raise NotImplementedError


def receptive_field(layers):
    """Receptive field of a unit of the last layer; layers are pairs (filter width, stride)."""
    field, step = 1, 1
    # Your code: in each layer, widen the field by (F − 1) · step, then lengthen the step.
    raise NotImplementedError


def main():
    return [
        check("W = 32, F = 5, P = 0, S = 1", lambda: output_size(32, 5, 0, 1), 28),
        check("W = 227, F = 11, P = 0, S = 4: AlexNet", lambda: output_size(227, 11, 0, 4), 55),
        check("W = 224, F = 11, P = 0, S = 4", lambda: output_size(224, 11, 0, 4), 54),
        check("columns it leaves unread", lambda: unread(224, 11, 0, 4), 1),
        check("… and of W = 227", lambda: unread(227, 11, 0, 4), 0),
        check("… of W = 10, F = 4, P = 1, S = 3", lambda: unread(10, 4, 1, 3), 2),
        check("W = 28, F = 3, P = 1, S = 2", lambda: output_size(28, 3, 1, 2), 14),
        check("same padding of F = 7", lambda: same_padding(7), 3),
        check("two layers of 3", lambda: receptive_field([(3, 1), (3, 1)]), 5),
        check("three layers of 3", lambda: receptive_field([(3, 1)] * 3), 7),
        # The discriminator of pix2pix.
        check(
            "4 wide, strides 2, 2, 2, 1, 1",
            lambda: receptive_field([(4, 2)] * 3 + [(4, 1)] * 2),
            70,
        ),
    ]


if __name__ == "__main__":
    finish(main())

"""Arithmetic of convolution and pooling: output sizes and receptive fields, in whole numbers."""

import operator


def conv_output(size, kernel, padding=0, stride=1):
    """Size of one side of a feature map: `(W − F + 2P) / S + 1`, which must be an integer.

    Keras rounds down and leaves the last rows of the image unread; this function raises instead, as the slides ask.

    Args:
        size: W, size of the image (or of one of its sides).
        kernel: F, size of the filter.
        padding: P, zeros added on either side.
        stride: S, pixels from one position of the filter to the next.

    Returns:
        The number of positions.

    Example:

    >>> conv_output(32, kernel=5), conv_output(227, kernel=11, stride=4)
    (28, 55)
    >>> conv_output(224, kernel=11, stride=4)
    Traceback (most recent call last):
    ...
    ValueError: (224 − 11 + 2·0)/4 + 1 = 54.25 is not an integer: the filter does not fit the image evenly.
    """
    size, kernel, padding, stride = map(operator.index, (size, kernel, padding, stride))
    if size < 1 or kernel < 1 or padding < 0 or stride < 1:
        raise ValueError(
            "`size`, `kernel` and `stride` must be at least 1 and `padding` at least 0. "
            f"Received: size={size}, kernel={kernel}, padding={padding}, stride={stride}"
        )
    formula = f"({size} − {kernel} + 2·{padding})/{stride} + 1"
    free = size - kernel + 2 * padding
    if free < 0:
        raise ValueError(f"{formula} is below 1: the filter is larger than the padded image.")
    if free % stride:
        raise ValueError(
            f"{formula} = {free / stride + 1:g} is not an integer: the filter does not fit the image evenly."
        )
    return free // stride + 1


def receptive_field(kernels, strides):
    """Side, in pixels of the input, of what one unit sees at the end of a chain of convolutions or poolings.

    The first layer sees F. Each further one adds F − 1 steps as wide as one of its pixels is in the input: the product
    of the strides before it.

    Args:
        kernels: sizes of the filters, first layer first.
        strides: their strides.

    Returns:
        The side of the receptive field.

    Example:

    >>> receptive_field(kernels=[3, 3], strides=[1, 1])
    5
    >>> receptive_field(kernels=[4, 4, 4, 4, 4], strides=[2, 2, 2, 1, 1])
    70
    """
    if len(kernels) != len(strides):
        raise ValueError(
            f"Give one stride for each kernel. Received: kernels={kernels}, strides={strides}"
        )
    if any(number < 1 for number in (*kernels, *strides)):
        raise ValueError(
            f"Kernels and strides must be at least 1. Received: kernels={kernels}, strides={strides}"
        )
    field, step = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        field += (kernel - 1) * step
        step *= stride
    return field

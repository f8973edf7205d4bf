"""The roofline: is a network limited by arithmetic or by memory?

Slides: 000 «DSAs: intensidad aritmética operations/weight = 2·DimFM²», 000 «TPU applications (MLP0
        … CNN1)».
Recipe: arithmetic_intensity.

A chip is limited by its peak, and by the bandwidth of its memory:

    attainable operations/s = min(peak, bandwidth · intensity),

with the intensity in operations per byte read. A weight of a convolution is used at every position
of its feature map, and each use is a multiplication and an addition: 2 · DimFM² operations for a
map of DimFM × DimFM. A weight of a dense layer is used once for each example of the batch.

The slide's table of the TPU's applications counts a multiplication with its addition as one. Its
weights have one byte, its peak is 92 · 10¹² operations per second, its bandwidth 34 · 10⁹ bytes per
second. Write the roofline, and find the batch size that reaches the peak.
"""

from recipes.common.exercise import check, finish

PEAK = 92e12  # operations per second; a multiplication and an addition are two
BANDWIDTH = 34e9  # bytes per second


def conv_intensity(side):
    """Operations per weight of a convolution whose output is side × side, for one example."""
    # Your code: see above.
    raise NotImplementedError


def dense_intensity(batch):
    """Operations per weight of a dense layer, for a batch."""
    # Your code: see above.
    raise NotImplementedError


def attainable(intensity):
    """Operations per second on the TPU, for operations per byte."""
    # Your code: the roofline.
    raise NotImplementedError


def ridge():
    """The least intensity at which arithmetic is the limit."""
    # Your code: where are the two limits equal?
    raise NotImplementedError


def smallest_batch():
    """The smallest batch size with which a dense layer reaches the peak."""
    # Your code: a whole number; -(-a // b) rounds up.
    raise NotImplementedError


def main():
    return [
        check("feature map 19 × 19", lambda: conv_intensity(19), 722),
        # CNN0 of the table plays Go: 19² · 8 = 2888, with additions not counted.
        check("… half of it, batch of 8", lambda: conv_intensity(19) / 2 * 8, 2888),
        check("MLP0: batch of 200", lambda: dense_intensity(200), 400),
        check("MLP0: 13.6 · 10¹² operations/s", lambda: attainable(400) / 1e12, 13.6),
        check("CNN0: 92 · 10¹² operations/s", lambda: attainable(2 * 2888) / 1e12, 92),
        check("ridge", ridge, 2705.882353, 1e-4),
        check("batch that reaches the peak", smallest_batch, 1353),
    ]


if __name__ == "__main__":
    finish(main())

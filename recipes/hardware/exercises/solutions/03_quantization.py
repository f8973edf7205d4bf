"""Eight bits: round weights to integers, multiply, and see what is lost.

Slides: 000 «DSAs: reducción de la precisión (8, 16 bit)».
Recipe: quantization.

A tensor of floats becomes integers from −127 to 127 and one scale, the largest absolute value
divided by 127:

    q = round(w / scale),    w ≈ q · scale.

A product of two such tensors is computed in integers, and multiplied by both scales once, at the
end. One large weight makes the scale too coarse for all others, so each output channel often has
its own scale. Every further bit halves the error and adds 6 dB to the signal-to-noise ratio.
Quantize, multiply, and quantize column by column.
"""

import numpy as np

from recipes.common.exercise import check, finish


def quantize(w, bits=8):
    """Integers of the shape of w, from −(2^(bits−1) − 1) to 2^(bits−1) − 1, and the scale."""
    # Your code: the scale first; np.round.
    largest = 2 ** (bits - 1) - 1
    scale = np.abs(w).max() / largest
    return np.round(w / scale), scale


def largest_error(w, bits=8):
    """The largest difference between a weight and its quantized value."""
    # Your code: q · scale against w.
    q, scale = quantize(w, bits)
    return np.abs(q * scale - w).max()


def integer_product(x, w):
    """x (n, d) times w (d, units), both quantized, multiplied as integers."""
    # Your code: quantize both, multiply, then the two scales.
    q_x, scale_x = quantize(x)
    q_w, scale_w = quantize(w)
    return (q_x @ q_w) * (scale_x * scale_w)


def by_channel(w):
    """w (d, units) after quantizing each column with its own scale, as floats again."""
    # Your code: np.abs(w).max(axis=0).
    scales = np.abs(w).max(axis=0) / 127
    return np.round(w / scales) * scales


def main():
    rng = np.random.default_rng(0)
    w = np.array([0.634, -1.27, 0.004, 0.006])  # a scale of 0.01
    x = np.array([[1.27, 0.5]])
    uneven = rng.uniform(-1, 1, (50, 2)) * [100, 1]
    many = np.linspace(-1, 1, 10_001)
    column_errors = np.abs(by_channel_reference(uneven) - uneven).max(axis=0)
    return [
        check("0.634, −1.27, 0.004, 0.006", lambda: quantize(w)[0], [63, -127, 0, 1]),
        check("their scale", lambda: quantize(w)[1], 0.01),
        check("largest error, 8 bits: half a step", lambda: largest_error(many), 0.5 / 127, 1e-5),
        check("largest error, 4 bits", lambda: largest_error(many, 4), 0.5 / 7, 1e-4),
        # 127 · 127 + 50 · 50 = 18629 hundredths of hundredths
        check("product", lambda: integer_product(x, np.array([[1.27], [0.5]])), [[1.8629]]),
        check(
            "column by column: errors",
            lambda: np.abs(by_channel(uneven) - uneven).max(axis=0),
            column_errors,
        ),
        check(
            "one scale for both: values left", lambda: len(np.unique(quantize(uneven)[0][:, 1])), 3
        ),
    ]


def by_channel_reference(w):
    """The same, column by column in a loop."""
    columns = []
    for column in w.T:
        scale = np.abs(column).max() / 127
        columns.append([round(value / scale) * scale for value in column])
    return np.array(columns).T


if __name__ == "__main__":
    finish(main())

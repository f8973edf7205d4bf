"""Positional encoding: mend the slide's formula, and shift by a rotation.

Slides: 001 «Positional encoding: seno(pos/i)», 001 «Positional encoding: codificación binaria».
Recipe: positional_encodings.

Attention does not know the order of the words, so their positions are added to them as vectors. As
binary numbers, 0001, 0010, 0011 …, the last digit changes with every position, the first ones
slowly. Sinusoids do the same smoothly, each pair of dimensions with its own frequency:

    PE(pos, 2k) = sin(pos / 10000^(2k/d)),    PE(pos, 2k + 1) = cos(pos / 10000^(2k/d)).

The slide prints sin(pos / i) for i = 0, …, d: it divides by 0 in the first dimension. A shift by
one position is a rotation of each pair, the same at every position. Write both encodings, the
wavelength, and the rotation.
"""

import numpy as np

from recipes.common.exercise import check, finish


def binary(position, digits):
    """The position as a vector (digits,) of zeros and ones, the ones' place last."""
    # Your code: f"{position:0{digits}b}" is the text.
    return [int(digit) for digit in f"{position:0{digits}b}"]


def encoding(position, d):
    """PE (d,) of a position, for an even d."""
    # Your code: angles for k = 0, 1, …, d/2 − 1; sines at 0, 2, …, cosines at 1, 3, …
    angles = position / 10_000 ** (2 * np.arange(d // 2) / d)
    result = np.empty(d)
    result[0::2] = np.sin(angles)
    result[1::2] = np.cos(angles)
    return result


def wavelength(k, d):
    """The number of positions after which the pair k repeats."""
    # Your code: when is the angle 2π?
    return 2 * np.pi * 10_000 ** (2 * k / d)


def shift(k, d, steps):
    """Matrix (2, 2) from (sin, cos) of the pair k at pos to those at pos + steps."""
    # Your code: sin(a + b) = sin a cos b + cos a sin b, cos(a + b) = cos a cos b − sin a sin b.
    b = steps / 10_000 ** (2 * k / d)
    return np.array([[np.cos(b), np.sin(b)], [-np.sin(b), np.cos(b)]])


def main():
    first = [0.8415, 0.5403, 0.0998, 0.9950, 0.0100, 1.0000, 0.0010, 1.0000]
    third = [0.1411, -0.9900, 0.2955, 0.9553, 0.0300, 0.9996, 0.0030, 1.0000]
    digits = [[0, 0, 1, 0], [0, 0, 1, 1], [0, 1, 1, 0]]
    # sin and cos of 0.07 and of 0.02: pair 2 of d = 8 has the angle pos / 100.
    at_7, at_2 = np.array([0.069943, 0.997551]), np.array([0.019999, 0.999800])
    return [
        check("binary, positions 2, 3 and 6", lambda: [binary(i, 4) for i in (2, 3, 6)], digits),
        check("position 0, d = 8", lambda: encoding(0, 8), [0, 1, 0, 1, 0, 1, 0, 1]),
        check("position 1, d = 8", lambda: encoding(1, 8), first, 1e-4),
        check("position 3, d = 8", lambda: encoding(3, 8), third, 1e-4),
        check("wavelength of pair 0", lambda: wavelength(0, 8), 6.283185),
        check("wavelength of pair 3, d = 8", lambda: wavelength(3, 8), 6283.185307),
        check("pair 2 from position 2 to 7", lambda: shift(2, 8, 5) @ at_2, at_7, 1e-5),
    ]


if __name__ == "__main__":
    finish(main())

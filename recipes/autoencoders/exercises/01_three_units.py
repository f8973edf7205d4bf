"""The 8-3-8 autoencoder by hand: a code of three units, and one of one.

Slides: 001 «Auto-encoders (8-3-8)», 001 «Ejemplo de autoencoder».
Recipe: autoencoder_8_3_8.

Eight patterns, each with a single 1, have to be reconstructed from a code of three units. The
encoder is a table: its row i is the code of pattern i, and the binary numbers 0 to 7 will do. The
decoder is a dense layer of eight units, whose largest score determines the output. It finds the
nearest code if unit i has the weights 2 cᵢ and the bias −‖cᵢ‖², because

    ‖h − cᵢ‖² = ‖h‖² − (2 cᵢ·h − ‖cᵢ‖²).

This holds for any codes that differ, and so for a layer of one unit, too: three units are needed
for bits, not for numbers. Write codes and decoder, and count the parameters.
"""

import numpy as np

from recipes.common.exercise import check, finish

PATTERNS = np.eye(8)


def binary_codes():
    """The codes (8, 3): row i has the binary digits of i, the ones' place last."""
    # Your code: f"{i:03b}" is the text of a number; or write the table down.
    raise NotImplementedError


def decoder(codes):
    """Weights (units, 8) and biases (8,) of the output layer, for codes (8, units)."""
    # Your code: one column for each code, as above.
    raise NotImplementedError


def line_codes():
    """Codes (8, 1) for a hidden layer of a single unit."""
    # Your code: any eight numbers that differ.
    raise NotImplementedError


def parameters(units):
    """Weights and biases of the autoencoder 8-units-8."""
    # Your code: two dense layers.
    raise NotImplementedError


def output(codes):
    """The index (8,) of the winning unit, for each of the eight patterns."""
    hidden = PATTERNS @ codes  # (8, units)
    W, b = decoder(codes)
    return np.argmax(hidden @ W + b, axis=1)


def main():
    two = np.array([[0.0, 1.0], [3.0, 4.0]])
    return [
        check("code of pattern 6", lambda: binary_codes()[6], [1, 1, 0]),
        check("decoder's weights", lambda: decoder(two)[0], [[0, 6], [2, 8]]),
        check("decoder's biases", lambda: decoder(two)[1], [-1, -25]),
        check("three units: out comes what went in", lambda: output(binary_codes()), range(8)),
        check("one unit: likewise", lambda: output(line_codes()), range(8)),
        check("shape of its codes", lambda: line_codes().shape, [8, 1]),
        check("parameters of 8-3-8", lambda: parameters(3), 59),
        check("parameters of 8-1-8", lambda: parameters(1), 25),
    ]


if __name__ == "__main__":
    finish(main())

"""YOLO's grid: which cell answers for a box, and with which numbers?

Slides: 001 «YOLO v1: S×S×(B·5 + C)», 001 «YOLO v1: loss (coords, confianza, clases)».
Recipe: yolo_v1.

The image is divided into S × S cells. The cell that contains the center of a box is responsible for
it, and predicts five numbers: the center's position in the cell, x and y from 0 to 1; the square
roots of width and height, relative to the image; and a confidence. Each cell has B such boxes, and
C class scores in all.

Due to the root, an error of one pixel has more weight for a small box than for a large one. Boxes
are given here by left, top, right and bottom, from 0 to 1 in the image.
"""

import math

from recipes.common.exercise import check, finish


def outputs(cells, boxes, classes):
    """The number of outputs of the network."""
    # Your code: S × S × (B · 5 + C).
    raise NotImplementedError


def cell_of(box, cells):
    """Row and column of the cell that is responsible for a box."""
    left, top, right, bottom = box
    # Your code: the center, counted in cells, rounded down.
    raise NotImplementedError


def encode(box, cells):
    """The targets x, y, √width, √height for a box."""
    left, top, right, bottom = box
    row, column = cell_of(box, cells)
    # Your code: x is the center counted in cells, without the whole cells on its left.
    raise NotImplementedError


def decode(numbers, row, column, cells):
    """The box (left, top, right, bottom), decoded from a cell's outputs."""
    x, y, root_width, root_height = numbers
    # Your code: the center first; then half of the width to either side.
    raise NotImplementedError


def error_of_width(width, error):
    """Squared error of the root, if the network predicts width + error."""
    # Your code: the difference of two roots, squared.
    raise NotImplementedError


def main():
    box = (0.20, 0.40, 0.30, 0.90)  # its center is (0.25, 0.65)
    return [
        check("the slide's 7 × 7 × 30", lambda: outputs(7, 2, 20), 1470),
        check("shapes of three kinds", lambda: outputs(7, 2, 3), 637),
        check("row and column", lambda: cell_of(box, 7), (4, 1)),
        check("numbers to learn", lambda: encode(box, 7), (0.75, 0.55, 0.316228, 0.707107), 1e-5),
        check("there and back", lambda: decode(encode(box, 7), *cell_of(box, 7), 7), box),
        check(
            "2 pixels of 448 too wide, at 20",
            lambda: error_of_width(20 / 448, 2 / 448),
            1.0636e-4,
            1e-7,
        ),
        check("… and at 200", lambda: error_of_width(200 / 448, 2 / 448), 1.1105e-5, 1e-8),
    ]


if __name__ == "__main__":
    finish(main())

"""The road in the camera: where a point is seen, and how far away it is.

Slides: 000 «DAVE-2 (NVIDIA 2016)».
Recipe: pilotnet.

A camera at height h looks straight ahead over flat ground. With the focal length f in pixels, a
point that is z meters ahead and x meters to the right appears

    f h / z rows below the horizon, and f x / z columns right of the center.

So distant ground is compressed into few rows just below the horizon, although the network has to
react to it in time. The camera of the recipe has h = 1.4 m, f = 110 pixels, the horizon in row 12
of 66 and its center in column 100 of 200. Write the projection and its inverse, and count rows.
"""

import numpy as np

from recipes.common.exercise import check, finish

HEIGHT = 1.4  # of the camera, in m
FOCAL_LENGTH = 110.0  # pixels
HORIZON = 12.0  # row
MIDDLE = 100.0  # column


def project(x, z):
    """Row and column of a point x meters to the right and z meters ahead."""
    # Your code: the two formulas; return row, column.
    raise NotImplementedError


def on_the_ground(row, column):
    """x and z of the point on the ground at this pixel, for a row below the horizon."""
    # Your code: solve the first formula for z, then the second for x.
    raise NotImplementedError


def nearest_seen(rows):
    """The distance of the ground at the lower edge of an image with the given number of rows."""
    # Your code: the lower edge is row `rows`.
    raise NotImplementedError


def rows_between(near, far):
    """The number of image rows for the ground from `near` to `far` meters ahead."""
    # Your code: the difference of two rows.
    raise NotImplementedError


def main():
    xs = np.array([-3.0, 0.0, 3.0])
    return [
        check("3 m right, 11 m ahead", lambda: project(3.0, 11.0), [26, 130]),
        check("a straight road 6 m wide, at 22 m", lambda: project(xs, 22.0)[1], [85, 100, 115]),
        check("what is seen in row 26, column 130", lambda: on_the_ground(26.0, 130.0), [3, 11]),
        check("nearest ground", lambda: nearest_seen(66), 2.851852),
        check("rows from 10 to 20 m", lambda: rows_between(10, 20), 7.7),
        check("rows from 40 to 80 m", lambda: rows_between(40, 80), 1.925),
    ]


if __name__ == "__main__":
    finish(main())

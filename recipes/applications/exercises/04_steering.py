"""Steering to a point ahead: the curvature that a good driver would take.

Slides: 000 «DAVE-2 (NVIDIA 2016)».
Recipe: pilotnet.

The network predicts 1/r, the curvature of the path, so that straight on is 0 and not an infinite
radius. One method for the target is pure pursuit: choose a point of the road, x meters to the right
and z meters ahead, and take the circle through it that starts in the direction of the car. Its
curvature is

    1/r = 2 x / (x² + z²),    positive to the right.

The wheels of a car of wheelbase b are then turned by atan(b / r). Write these formulas, and the
view from the car.
"""

import numpy as np

from recipes.common.exercise import check, finish


def curvature(x, z):
    """1/r of the circle through a point x to the right and z ahead."""
    # Your code: the formula.
    raise NotImplementedError


def point_on_circle(bend, angle):
    """x and z after driving through this angle, in radians, on a circle of curvature 1/r > 0."""
    # Your code: the circle's center is r to the right.
    raise NotImplementedError


def in_the_cars_view(point, position, heading):
    """x and z of a point (2,), as (east, north), seen from a position (2,).

    The heading is in radians, 0 to the north, positive to the east.
    """
    east, north = np.asarray(point) - np.asarray(position)
    # Your code: ahead is the direction (sin, cos) of the heading; right is (cos, −sin).
    raise NotImplementedError


def wheel_angle(bend, wheelbase):
    """The angle in degrees by which the wheels are turned."""
    # Your code: np.arctan, np.degrees.
    raise NotImplementedError


def main():
    return [
        check("straight ahead", lambda: curvature(0.0, 8.0), 0),
        check("2 m right, 4 m ahead", lambda: curvature(2.0, 4.0), 0.2),
        check("2 m left, 4 m ahead", lambda: curvature(-2.0, 4.0), -0.2),
        check("half a circle, r = 50", lambda: point_on_circle(0.02, np.pi), [100, 0]),
        check("a quarter of a circle, r = 50", lambda: point_on_circle(0.02, np.pi / 2), [50, 50]),
        check(
            "there and back, r = 50, 0.3 rad",
            lambda: curvature(*point_on_circle(0.02, 0.3)),
            0.02,
        ),
        check("heading north", lambda: in_the_cars_view([3, 9], [1, 4], 0.0), [2, 5]),
        check("heading east", lambda: in_the_cars_view([3, 9], [1, 4], np.pi / 2), [-5, 2]),
        check("wheels, r = 20 m, 2.8 m apart", lambda: wheel_angle(0.05, 2.8), 7.969610),
    ]


if __name__ == "__main__":
    finish(main())

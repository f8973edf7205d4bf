"""The closed loop: when does steering swing up?

Slides: 000 «DAVE-2 (NVIDIA 2016)», 000 «DARPA Grand Challenge 2005».
Recipe: pilotnet.

A car is y meters off the center line of a straight road and points θ away from it. Each step of s
meters changes y by s θ and θ by s times the curvature. Steering to a point L meters ahead on the
center line gives, for small angles, the curvature −2 (y + L θ) / L². So a step is a matrix,

    y ← y + s θ,    θ ← θ − s · 2 (y + L θ) / L²,

with the old θ in both. Errors die out if both eigenvalues of the matrix are smaller than 1 in
absolute value. If L is too small, the oscillation of the car grows.

A network trained on perfect driving has no examples of corrections. If it steers by half of the
necessary curvature, errors last longer; if it does not steer, they add up. Write the matrix, and
find the smallest stable L.
"""

import numpy as np

from recipes.common.exercise import check, finish


def step_matrix(step, ahead, share=1.0):
    """Matrix (2, 2) from (y, θ) to (y, θ) one step later; `share` multiplies the curvature."""
    # Your code: read its rows off the two lines above.
    raise NotImplementedError


def decay(matrix):
    """The absolute value of the larger eigenvalue: the factor of an error per step."""
    # Your code: np.linalg.eigvals.
    raise NotImplementedError


def drive(y, steps, step, ahead, share=1.0):
    """y (steps + 1,) of a car that starts y meters off the center line, pointing straight on."""
    state = np.array([y, 0.0])
    offsets = [y]
    # Your code: multiply by the matrix again and again.
    raise NotImplementedError


def shortest_stable(step, aheads):
    """The smallest of the distances L (n,), in ascending order, for which errors die out."""
    # Your code: try them in turn.
    raise NotImplementedError


def main():
    return [
        check("s = 1, L = 2", lambda: step_matrix(1, 2), [[1, 1], [-0.5, 0]]),
        check("s = 2, L = 4", lambda: step_matrix(2, 4), [[1, 2], [-0.25, 0]]),
        check("the first three steps, s = 1, L = 2", lambda: drive(1.0, 3, 1, 2), [1, 1, 0.5, 0]),
        check("decay with eigenvalues ½, −0.9", lambda: decay(np.diag([0.5, -0.9])), 0.9),
        # Eigenvalues (7 ± i) / 8
        check("decay, s = 1, L = 8", lambda: decay(step_matrix(1, 8)), np.sqrt(50) / 8),
        check("… half of the steering", lambda: decay(step_matrix(1, 8, share=0.5)), 0.943729),
        check("… without steering", lambda: decay(step_matrix(1, 8, share=0)), 1),
        # The product of the eigenvalues is 1 − 2 s / L + 2 s² / L²: below 1 if L > s.
        check(
            "the nearest point, s = 1", lambda: shortest_stable(1, np.arange(0.55, 3, 0.1)), 1.05
        ),
        check("… s = 2", lambda: shortest_stable(2, np.arange(0.55, 3, 0.1)), 2.05),
        check("without steering: 1 m stays", lambda: drive(1.0, 3, 1, 8, share=0), [1, 1, 1, 1]),
    ]


if __name__ == "__main__":
    finish(main())

"""Mode collapse in numbers: coverage and quality of a generator's samples.

Slides: 001 «Problemas: colapso modal», 001 «Problemas: copias de baja calidad».
Recipe: gan_toy.

Real points come from eight narrow Gaussians on a circle, the modes. A sample is of high quality if
it lies within three standard deviations of a mode. Coverage is a sum over the modes: each counts
with the share of all samples near it, but at most ⅛, so the sum is 1 at best. A collapsed generator
has high quality but low coverage. Write these measures.
"""

import numpy as np

from recipes.common.exercise import check, finish

MODES = 8
DEVIATION = 0.05
ANGLES = 2 * np.pi * np.arange(MODES) / MODES
CENTERS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def distances(points):
    """Distances (n, 8) of points (n, 2) from all modes."""
    # Your code: points[:, None] − CENTERS is of shape (n, 8, 2); np.linalg.norm(…, axis=-1).
    return np.linalg.norm(points[:, None] - CENTERS, axis=-1)


def shares(points):
    """Share of all points (n, 2) within three standard deviations of each mode: (8,)."""
    # Your code: compare, then the mean over the points.
    return np.mean(distances(points) < 3 * DEVIATION, axis=0)


def quality(points):
    """Share of high-quality samples."""
    # Your code: no point is near two modes.
    return np.sum(shares(points))


def coverage(points):
    """Mode coverage, from 0 to 1."""
    # Your code: np.minimum.
    return np.sum(np.minimum(shares(points), 1 / MODES))


def main():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, DEVIATION, (4000, 2))
    real = CENTERS[np.arange(4000) % MODES] + noise
    collapsed = CENTERS[2] + noise
    # Nine points: three at mode 0, one at mode 4, one just inside and one just outside of mode 2.
    nine = np.array(
        [[1, 0], [1, 0.1], [0.9, 0], [-1, 0], [0, 1.149], [0, 1.151], [0, 0], [3, 3], [0.5, 0]]
    )
    # 1 − e^(−9/2) of a Gaussian in the plane.
    inside = 0.988891
    return [
        check("from the middle", lambda: distances(np.zeros((1, 2))), np.ones((1, 8))),
        check("nine points", lambda: 9 * shares(nine), [3, 0, 1, 0, 1, 0, 0, 0]),
        check("their quality", lambda: quality(nine), 5 / 9),
        check("their coverage", lambda: coverage(nine), 1 / 8 + 1 / 9 + 1 / 9),
        check("real points: quality", lambda: quality(real), inside, 0.01),
        check("real points: coverage", lambda: coverage(real), inside, 0.01),
        check("collapsed: quality", lambda: quality(collapsed), inside, 0.01),
        check("collapsed: coverage", lambda: coverage(collapsed), 1 / 8),
    ]


if __name__ == "__main__":
    finish(main())

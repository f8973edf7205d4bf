"""Synthetic scenes for detectors: circles, squares and triangles on a textured background."""

import numpy as np
import scipy.ndimage

from recipes.common.boxes import iou

SHAPES = ["circle", "square", "triangle"]
SIDE = 112  # pixels along each side of a scene
MOST = 4  # shapes in a scene, at most
CONTRAST = 60  # least distance between the colors of a shape and of the background


def background(color, rng):
    """A texture (SIDE, SIDE, 3) of soft spots and fine grain around a `color`."""
    spots = rng.normal(0, 20, (SIDE // 8, SIDE // 8, 3))
    spots = scipy.ndimage.zoom(spots, (8, 8, 1), order=1)
    return color + spots + rng.normal(0, 8, (SIDE, SIDE, 3))


def other_color(color, rng):
    """A random color that differs from a given one (3,)."""
    while True:
        found = rng.uniform(0, 255, 3)
        if np.linalg.norm(found - color) > CONTRAST:
            return found


def inside(label, x, y):
    """Whether points in a shape's box are inside the shape; x and y range from −1 to 1."""
    if label == 0:
        return x**2 + y**2 < 1
    if label == 1:
        return (np.abs(x) < 1) & (np.abs(y) < 1)
    return (np.abs(x) < (y + 1) / 2) & (y < 1)  # its tip is on top


def random_box(rng):
    """A box of 16 to 48 pixels along each side, within the scene: left, top, right, bottom."""
    size = rng.uniform(16, 48) * np.exp(rng.uniform(-0.2, 0.2, 2))
    size = np.clip(size, 16, 48)
    corner = rng.uniform(0, SIDE - size)
    return np.concatenate([corner, corner + size])


def cell_of(box, cells):
    """Column and row of the cell that contains the center of a box (4,) in pixels.

    The scene is divided into `cells` × `cells` cells.
    """
    center = (box[:2] + box[2:]) / 2
    return tuple((center * cells / SIDE).astype(int))


def sample_scene(rng, cells=7):
    """Draw a scene of one to `MOST` shapes.

    Args:
        rng: A NumPy generator.
        cells: No two centers of shapes lie in the same of `cells` × `cells` cells.

    Returns:
        image: Array (SIDE, SIDE, 3), uint8.
        boxes: Array (n, 4) in pixels: left, top, right, bottom.
        labels: Integers (n,), indices into `SHAPES`.
    """
    ground = rng.uniform(40, 215, 3)
    image = background(ground, rng)
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    boxes, labels = [], []
    for _ in range(rng.integers(1, MOST + 1)):
        box = random_box(rng)
        # Skip a shape whose cell is taken, or that overlaps another too much.
        taken = cell_of(box, cells) in {cell_of(other, cells) for other in boxes}
        if taken or (boxes and iou(box[None], boxes).max() > 0.1):
            continue
        label = int(rng.integers(len(SHAPES)))
        center = (box[:2] + box[2:]) / 2
        half = (box[2:] - box[:2]) / 2
        mask = inside(label, (columns - center[0]) / half[0], (rows - center[1]) / half[1])
        image[mask] = other_color(ground, rng) + rng.normal(0, 8, (mask.sum(), 3))
        boxes.append(box)
        labels.append(label)
    return np.clip(image, 0, 255).astype("uint8"), np.array(boxes), np.array(labels)

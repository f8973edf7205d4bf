"""Intersection over union: how well does a box, or a mask, fit?

Slides: 001 «YOLO: IoU, supresión de no máximos», 000 «Segmentación de imágenes».
Recipes: yolo_v1, unet.

A detector's box counts as correct if its intersection over union (IoU) with a true box is at least
0.5. A box is given by its left, top, right and bottom edges. Two boxes that do not overlap have no
intersection: a negative width times a negative height must not become a positive area.

For masks the same ratio is counted in pixels. It measures U-Net's masks better than accuracy: if
one pixel in five is a membrane, the prediction "no membrane" everywhere is 80 % correct.
"""

import numpy as np

from recipes.common.exercise import check, finish


def area(box):
    """The area of a box (left, top, right, bottom); 0 if it is empty."""
    left, top, right, bottom = box
    # Your code: neither width nor height is below 0.
    return max(right - left, 0) * max(bottom - top, 0)


def intersection(box, other):
    """The intersection (left, top, right, bottom) of two boxes; it may be empty."""
    # Your code: the larger of the two left edges, and so on.
    return (
        max(box[0], other[0]),
        max(box[1], other[1]),
        min(box[2], other[2]),
        min(box[3], other[3]),
    )


def iou(box, other):
    """Intersection over union of two boxes."""
    # Your code: the union is the sum of both areas, without counting the intersection twice.
    common = area(intersection(box, other))
    return common / (area(box) + area(other) - common)


def mask_iou(mask, truth):
    """Intersection over union of two masks (height, width) of 0 and 1."""
    # Your code: pixels in both, by pixels in at least one.
    return np.sum(mask & truth) / np.sum(mask | truth)


def main():
    truth = np.zeros((10, 10), int)
    truth[:, :2] = 1  # a fifth of the pixels
    shifted = np.roll(truth, 1, axis=1)
    return [
        check("an area", lambda: area((1, 2, 4, 6)), 12),
        check("both edges the wrong way round", lambda: area((4, 6, 1, 2)), 0),
        check("common part", lambda: intersection((0, 0, 4, 4), (2, 1, 6, 3)), (2, 1, 4, 3)),
        check("half of it in common", lambda: iou((0, 0, 2, 2), (1, 0, 3, 2)), 1 / 3),
        check("one inside the other", lambda: iou((0, 0, 4, 4), (1, 1, 3, 3)), 0.25),
        check("far apart in both directions", lambda: iou((0, 0, 1, 1), (2, 2, 3, 3)), 0),
        check("the same box", lambda: iou((1, 1, 3, 4), (1, 1, 3, 4)), 1),
        check("a mask of nothing: accuracy 0.8, IoU", lambda: mask_iou(0 * truth, truth), 0),
        check("a mask one column off", lambda: mask_iou(shifted, truth), 1 / 3),
    ]


if __name__ == "__main__":
    finish(main())

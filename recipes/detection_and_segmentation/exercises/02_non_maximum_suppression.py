"""Non-maximum suppression: one box for each object.

Slides: 001 «YOLO: IoU, supresión de no máximos».
Recipes: yolo_v1, face_detector.

Several cells of a detector find the same object, and each predicts a box and a score. The best box
is kept, and all others that overlap it too much are dropped; then the best of the rest is kept, and
so on. Boxes of different classes do not compete: a rider may overlap a horse.

With a high threshold, an object may keep two boxes; with a low one, one of two neighbors may be
lost. Write the loop, and see both.
"""

import numpy as np

from recipes.common.exercise import check, finish

BOXES = np.array(
    [
        [0, 0, 10, 10],
        [1, 0, 11, 10],  # the first one, a pixel to the right
        [4, 0, 14, 10],  # a neighbor, half hidden
        [30, 30, 40, 40],
    ]
)
SCORES = np.array([0.8, 0.9, 0.7, 0.6])


def iou(boxes):
    """Intersection over union of each box (n, 4) with each of them: (n, n)."""
    one, other = boxes[:, None], boxes[None]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    common = np.prod(np.maximum(sides, 0), axis=-1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1)
    return common / (areas[:, None] + areas - common)


def suppress(boxes, scores, threshold):
    """Indices of the boxes that are kept, the best first.

    Args:
        boxes: Array (n, 4) of left, top, right and bottom.
        scores: Array (n,).
        threshold: A box is dropped if its IoU with a kept one is above it.
    """
    overlaps = iou(boxes)  # (n, n)
    kept = []
    # Your code: go through the boxes from the best score on (np.argsort); keep those that overlap
    # none of the kept ones by more than the threshold.
    raise NotImplementedError


def suppress_by_class(boxes, scores, labels, threshold):
    """The same for each class separately; the best of all classes first."""
    kept = []
    # Your code: np.flatnonzero(labels == label) are the indices of a class; sort all by score.
    raise NotImplementedError


def main():
    labels = np.array([0, 1, 0, 0])
    return [
        # The first two overlap by 9/11, the second and third by 7/13, the first and third by 6/14.
        check("threshold 0.6", lambda: suppress(BOXES, SCORES, 0.6), [1, 2, 3]),
        check("threshold 0.5: the neighbor is lost", lambda: suppress(BOXES, SCORES, 0.5), [1, 3]),
        check("threshold 0.9: one twice", lambda: suppress(BOXES, SCORES, 0.9), [1, 0, 2, 3]),
        check(
            "dropped boxes drop no others",
            lambda: suppress(BOXES[:3], np.array([0.8, 0.7, 0.6]), 0.5),
            [0, 2],
        ),
        check(
            "two classes",
            lambda: suppress_by_class(BOXES, SCORES, labels, 0.5),
            [1, 0, 2, 3],
        ),
        check(
            "two classes, threshold 0.4",
            lambda: suppress_by_class(BOXES, SCORES, labels, 0.4),
            [1, 0, 3],
        ),
    ]


if __name__ == "__main__":
    finish(main())

"""Bounding boxes: overlap, non-maximum suppression and average precision, in NumPy.

Boxes are arrays (count, 4) of left, top, right and bottom, in any unit: the formats `"xyxy"` and
`"rel_xyxy"` of `keras.utils.bounding_boxes`, which converts other formats.
"""

import numpy as np


def iou(boxes, others):
    """Intersection over union of each box with each of the others.

    Args:
        boxes: Array (n, 4).
        others: Array (m, 4).

    Returns:
        Array (n, m), from 0 for disjoint or empty boxes to 1 for equal ones.

    >>> iou(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2], [5, 5, 6, 6]])).round(3)
    array([[0.333, 0.   ]])
    """
    boxes = np.asarray(boxes, "float64")[:, None]  # (n, 1, 4)
    others = np.asarray(others, "float64")  # (m, 4)
    top_left = np.maximum(boxes[..., :2], others[..., :2])
    bottom_right = np.minimum(boxes[..., 2:], others[..., 2:])
    intersection = np.prod(np.maximum(bottom_right - top_left, 0), axis=-1)
    union = area(boxes) + area(others) - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)


def area(boxes):
    """The area of boxes (…, 4): (…)."""
    return np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1)


def non_maximum_suppression(boxes, scores, threshold=0.5):
    """Non-maximum suppression: keep only the best of the boxes that overlap.

    Args:
        boxes: Array (n, 4).
        scores: Array (n,).
        threshold: A box is dropped if its IoU with a better box that is kept exceeds this.

    Returns:
        Indices of the boxes to keep, the best first.
    """
    overlaps = iou(boxes, boxes)
    left = np.argsort(-np.asarray(scores), kind="stable")
    kept = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(best)
        left = left[overlaps[best, left] <= threshold]
    return np.array(kept, dtype=int)


def match(boxes, truths, threshold=0.5):
    """Match detections with true boxes, each at most once, as in COCO's protocol.

    Args:
        boxes: Array (n, 4), the best first: each is matched with the true box of largest IoU among
            those not yet matched.
        truths: Array (m, 4).
        threshold: The smallest IoU of a match.

    Returns:
        Array (n,) of bool: which detections are matched.
    """
    overlaps = iou(boxes, truths)
    hits = np.zeros(len(overlaps), dtype=bool)
    for index, row in enumerate(overlaps):
        if row.size and row.max() >= threshold:
            hits[index] = True
            overlaps[:, row.argmax()] = -1  # no other detection can match it
    return hits


def precision_and_recall(scores, hits, count):
    """Precision and recall of the best 1, 2, … n detections.

    Args:
        scores: Array (n,), of the detections of one class in all images.
        hits: Array (n,) of bool: which of them are true positives.
        count: Number of true boxes.

    Returns:
        Two arrays (n,).
    """
    order = np.argsort(-np.asarray(scores), kind="stable")
    found = np.cumsum(np.asarray(hits, dtype=bool)[order])
    return found / np.arange(1, len(order) + 1), found / count


def average_precision(scores, hits, count):
    """Average precision: the mean, over 101 recalls, of the best precision at that recall or more.

    Args: as for `precision_and_recall`. The recalls are evenly spaced from 0 to 1.

    Returns:
        A number from 0 to 1; NaN if there are no true boxes.

    >>> average_precision([0.9, 0.8, 0.7], [True, False, True], count=2).round(4)
    np.float64(0.835)
    """
    if not count:
        return np.nan
    precision, recall = precision_and_recall(scores, hits, count)
    # Make precision decrease with recall: a lower threshold may also raise precision.
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    # Not np.linspace as in pycocotools, where 7 / 10 does not reach 0.7, which is a little more.
    recalls = np.arange(101) / 100
    places = np.searchsorted(recall, recalls, side="left")
    return np.append(precision, 0.0)[places].mean()


class Detections:
    """Collect detections and true boxes of many images, for average precision."""

    def __init__(self, classes):
        self.scores = [[] for _ in range(classes)]
        self.hits = [[] for _ in range(classes)]
        self.counts = np.zeros(classes, int)

    def add(self, boxes, labels, scores, true_boxes, true_labels):
        """Add an image: its detections, the best first, and its true boxes (n, 4), labels (n,)."""
        for label in range(len(self.counts)):
            mine = labels == label
            true = true_boxes[true_labels == label]
            self.hits[label].extend(match(boxes[mine], true))
            self.scores[label].extend(scores[mine])
            self.counts[label] += len(true)

    def average_precisions(self):
        """The average precision of each class; NaN where there are no true boxes."""
        rows = zip(self.scores, self.hits, self.counts, strict=True)
        return np.array([average_precision(*row) for row in rows])

    def recalls(self, score=0.0):
        """For each class, the share of true boxes found by detections of at least this score.

        NaN where there are no true boxes.
        """
        found = np.full(len(self.counts), np.nan)
        for label in np.flatnonzero(self.counts):
            sure = np.array(self.scores[label]) >= score
            found[label] = np.sum(sure & np.array(self.hits[label], bool)) / self.counts[label]
        return found

    def mean_average_precision(self):
        """The mean over the classes with true boxes; 0 if there are none."""
        found = self.average_precisions()
        return np.nanmean(found) if self.counts.any() else 0.0

"""Object detection: IoU for losses, the detections of an image, and mean average precision.

Boxes are left, top, right and bottom, as in `recipes.common.boxes`, relative to the image's size.
"""

import keras
import numpy as np
from keras import ops

from recipes.common import boxes as box_tools

SURE = 0.25  # lowest score of a detection that is shown
BINS = 20_000  # of scores from 0 to 1, in which the metric counts detections


def overlap(boxes, others):
    """Intersection over union of boxes with others, tensors (…, 4): (…). Differentiable."""
    top_left = ops.maximum(boxes[..., :2], others[..., :2])
    bottom_right = ops.minimum(boxes[..., 2:], others[..., 2:])
    sides = ops.maximum(bottom_right - top_left, 0.0)
    intersection = sides[..., 0] * sides[..., 1]
    size = boxes[..., 2:] - boxes[..., :2]
    other = others[..., 2:] - others[..., :2]
    union = size[..., 0] * size[..., 1] + other[..., 0] * other[..., 1] - intersection
    return intersection / ops.maximum(union, 1e-9)


def detect(boxes, scores, candidates=20, threshold=0.0):
    """The detections in one image, after non-maximum suppression within each class.

    Args:
        boxes: Array (n, 4).
        scores: Array (n, classes).
        candidates: Number of boxes to consider, those with the highest scores.
        threshold: Detections must have a higher score than this.

    Returns:
        Boxes (m, 4), labels (m,) and scores (m,), the best first.
    """
    labels = scores.argmax(axis=-1)
    best = scores.max(axis=-1)
    order = np.argsort(-best, kind="stable")[:candidates]
    order = order[best[order] > threshold]
    # Shift the boxes of each class far from those of the others, so that they do not overlap.
    shifted = boxes[order] + 10 * labels[order, None]
    order = order[box_tools.non_maximum_suppression(shifted, best[order])]
    return boxes[order], labels[order], best[order]


def truth_of(boxes, scores):
    """The true boxes (m, 4) and labels (m,) of a target: boxes with a score above 0 are objects.

    Args:
        boxes: Array (n, 4).
        scores: Array (n, classes).
    """
    there = scores.max(axis=-1) > 0
    return boxes[there], scores[there].argmax(axis=-1)


def fixed_point(step, start):
    """Repeat `step`, from a tensor of bool to another of the same shape, until nothing changes."""

    def changes(new, old):
        return ops.any(new != old)

    def repeat(new, old):
        return step(new), new

    found, _ = ops.while_loop(changes, repeat, (step(start), start))
    return found


def detect_in_batch(boxes, scores, candidates=20):
    """The same detections as `detect` with a threshold of 0, in a batch of images.

    Args:
        boxes: Tensor (batch, n, 4).
        scores: Tensor (batch, n, classes).
        candidates: Number of boxes to consider in each image, at most n: k.

    Returns:
        Boxes (batch, k, 4), labels (batch, k) and scores (batch, k) of the candidates, the best
        first, and whether each of them is a detection: bool (batch, k).
    """
    labels = ops.argmax(scores, axis=-1)
    scores = ops.max(scores, axis=-1)
    candidates = min(candidates, scores.shape[1])
    scores, order = ops.top_k(scores, candidates)
    labels = ops.take_along_axis(labels, order, axis=1)
    boxes = ops.take_along_axis(boxes, order[..., None], axis=1)
    # Whether each box, if it is kept, suppresses each of the others: (batch, k, k).
    overlaps = overlap(boxes[:, :, None], boxes[:, None])
    same_class = labels[:, :, None] == labels[:, None]
    places = ops.arange(candidates)
    worse = places > places[:, None]
    suppresses = (overlaps > 0.5) & same_class & worse

    # Non-maximum suppression: whether a box is kept depends on better boxes only. Thus the first
    # repetition is right about the best box, the second about the best two, and so on.
    def suppress(kept):
        suppressed = ops.any(kept[:, :, None] & suppresses, axis=1)
        return (scores > 0) & ~suppressed

    return boxes, labels, scores, fixed_point(suppress, scores > 0)


def match_in_batch(overlaps, threshold=0.5):
    """The same matches as those of `boxes.match`, in a batch of images.

    Args:
        overlaps: Tensor (batch, k, m), the IoU of each detection, the best first, with each true
            box; 0 for pairs that must not be matched.
        threshold: The smallest IoU of a match.

    Returns:
        Tensor (batch, k) of bool: which detections are matched.
    """
    count = overlaps.shape[2]

    # As in `detect_in_batch`, a detection's match depends on better detections only.
    def match(matches):
        matches = ops.cast(matches, "int32")
        matched_before = ops.cumsum(matches, axis=1) - matches > 0
        free = ops.where(matched_before, 0.0, overlaps)
        choice = ops.one_hot(ops.argmax(free, axis=-1), count, dtype="bool")
        return choice & (free >= threshold)

    matches = fixed_point(match, ops.zeros_like(overlaps, "bool"))
    return ops.any(matches, axis=-1)


def bin_of(scores):
    """The bin of each score: 0 from 1 on, and below in steps of 1 / BINS up to BINS - 1."""
    bins = ops.cast((1 - scores) * BINS, "int32")
    return ops.clip(bins, 0, BINS - 1)


def histogram(numbers, size, there):
    """How often each integer from 0 to size - 1 occurs among `numbers` where `there` is true."""
    there = ops.cast(ops.ravel(there), "float32")
    return ops.segment_sum(there, ops.ravel(numbers), size)


class MeanAveragePrecision(keras.metrics.Metric):
    """Mean average precision at an IoU of 1/2, with static shapes, so that XLA can compile it.

    It is that of `boxes.Detections`, but for detections with scores in the same of `BINS` bins:
    they count as equally good, as if the wrong ones came first. Bins as fine as these make the
    result less by less than a thousandth.

    A subclass converts targets and outputs to boxes (batch, n, 4) and scores (batch, n, classes)
    in its methods `decode_truth` and `decode_answer`. The boxes of a target with a score above 0
    are its objects.

    Args:
        classes: Number of classes.
        candidates: Number of boxes to consider in each image.
    """

    def __init__(self, classes, candidates=20, name="map50", **options):
        super().__init__(name=name, **options)
        self.classes = classes
        self.candidates = candidates
        # Numbers of detections and of matched detections, by class and bin, and of objects.
        cells = classes * BINS
        self.found = self.add_weight(name="found", shape=(cells,), initializer="zeros")
        self.hits = self.add_weight(name="hits", shape=(cells,), initializer="zeros")
        self.counts = self.add_weight(name="counts", shape=(classes,), initializer="zeros")

    def update_state(self, truth, answer, sample_weight=None):
        arrays = [*self.decode_truth(truth), *self.decode_answer(answer)]
        arrays = [ops.cast(array, "float32") for array in arrays]
        true_boxes, true_scores, boxes, scores = arrays
        true_labels = ops.argmax(true_scores, axis=-1)  # (batch, m)
        there = ops.max(true_scores, axis=-1) > 0
        boxes, labels, scores, kept = detect_in_batch(boxes, scores, self.candidates)
        # Match detections with objects of the same class.
        overlaps = overlap(boxes[:, :, None], true_boxes[:, None])  # (batch, k, m)
        same_class = labels[:, :, None] == true_labels[:, None]
        both = kept[:, :, None] & there[:, None]
        hits = match_in_batch(ops.where(same_class & both, overlaps, 0.0))
        # Count them.
        cells = labels * BINS + bin_of(scores)
        size = self.classes * BINS
        self.found.assign_add(histogram(cells, size, kept))
        self.hits.assign_add(histogram(cells, size, hits))
        self.counts.assign_add(histogram(true_labels, self.classes, there))

    def result(self):
        # The precision of all detections down to each bin, (classes, BINS).
        shape = (self.classes, BINS)
        hits = ops.cumsum(ops.reshape(self.hits, shape), axis=1)
        found = ops.cumsum(ops.reshape(self.found, shape), axis=1)
        precision = hits / ops.maximum(found, 1)
        # Their recall, in percent, rounded down.
        hits = ops.cast(hits, "int32")
        counts = ops.cast(self.counts, "int32")[:, None]
        recall = 100 * hits // ops.maximum(counts, 1)
        # The best precision at each recall: (classes, 101).
        cells = ops.arange(self.classes)[:, None] * 101 + recall
        best = ops.segment_max(ops.ravel(precision), ops.ravel(cells), self.classes * 101)
        best = ops.reshape(best, (self.classes, 1, 101))
        # The best precision at each recall or more.
        recalls = ops.arange(101)
        best = ops.max(ops.where(recalls >= recalls[:, None], best, 0.0), axis=-1)
        # The mean over the classes with objects.
        there = ops.cast(counts[:, 0] > 0, "float32")
        return ops.sum(there * ops.mean(best, axis=1)) / ops.maximum(ops.sum(there), 1)

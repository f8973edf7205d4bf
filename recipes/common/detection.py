"""Object detection: IoU for losses, the detections of an image, and mean average precision.

Boxes are left, top, right and bottom, as in `recipes.common.boxes`, relative to the image's size.
"""

import keras
import numpy as np
import tensorflow as tf

from recipes.common import boxes as box_tools

SURE = 0.25  # lowest score of a detection that is shown


def overlap(boxes, others):
    """Intersection over union of boxes with others, tensors (…, 4): (…). Differentiable."""
    top_left = keras.ops.maximum(boxes[..., :2], others[..., :2])
    bottom_right = keras.ops.minimum(boxes[..., 2:], others[..., 2:])
    sides = keras.ops.maximum(bottom_right - top_left, 0.0)
    intersection = sides[..., 0] * sides[..., 1]
    size = boxes[..., 2:] - boxes[..., :2]
    other = others[..., 2:] - others[..., :2]
    union = size[..., 0] * size[..., 1] + other[..., 0] * other[..., 1] - intersection
    return intersection / keras.ops.maximum(union, 1e-9)


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


class MeanAveragePrecision(keras.metrics.Metric):
    """Mean average precision at an IoU of 1/2, computed with NumPy and therefore not under XLA.

    A subclass converts targets and outputs to boxes (batch, n, 4) and scores (batch, n, classes)
    in its methods `decode_truth` and `decode_answer`.

    Args:
        classes: Number of classes.
        candidates: Number of boxes to consider in each image.
    """

    def __init__(self, classes, candidates=20, name="map50", **options):
        super().__init__(name=name, **options)
        self.classes = classes
        self.candidates = candidates
        self.reset_state()

    def reset_state(self):
        self.detections = box_tools.Detections(self.classes)

    def update_state(self, truth, answer, sample_weight=None):
        arrays = [*self.decode_truth(truth), *self.decode_answer(answer)]
        arrays = [keras.ops.cast(array, "float32") for array in arrays]
        tf.numpy_function(self.add, arrays, [])

    def add(self, *arrays):
        """Add a batch: boxes and scores of the targets, and of the outputs."""
        for true_boxes, truth, boxes, scores in zip(*arrays, strict=True):
            found = detect(boxes, scores, self.candidates)
            self.detections.add(*found, *truth_of(true_boxes, truth))

    def result(self):
        return tf.ensure_shape(tf.numpy_function(self.compute, [], "float32"), [])

    def compute(self):
        return np.float32(self.detections.mean_average_precision())

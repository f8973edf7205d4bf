"""Overlap in a loss is the tools' own; detections, and what the metric makes of them, by hand."""

import keras
import numpy as np
import pytest

from recipes.common import boxes as box_tools
from recipes.common import detection


def test_overlap_is_that_of_the_tools():
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 1, (2, 30, 2)).astype("float32")
    boxes, others = np.concatenate([corner, corner + rng.uniform(0, 1, corner.shape)], axis=-1)
    expected = np.diag(box_tools.iou(boxes, others))
    assert (expected > 0).any()
    np.testing.assert_allclose(detection.overlap(boxes, others), expected, atol=1e-5)


def test_detections_of_different_classes_may_overlap():
    boxes = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.49], [0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]])
    scores = np.array([[0.2, 0.9, 0], [0, 0.8, 0], [0.7, 0, 0.1], [0, 0, -0.1]])
    found, labels, best = detection.detect(boxes, scores)
    assert labels.tolist() == [1, 0]
    assert best.tolist() == [0.9, 0.7]
    np.testing.assert_array_equal(found, boxes[[0, 2]])


def test_few_candidates_of_some_confidence_are_looked_at():
    corner = np.arange(6.0)[:, None]
    boxes = np.concatenate([corner, corner, corner + 0.5, corner + 0.5], axis=1)
    scores = np.array([[0.1], [0.6], [0.3], [0.5], [0.2], [0.4]])
    assert detection.detect(boxes, scores, candidates=2)[2].tolist() == [0.6, 0.5]
    assert detection.detect(boxes, scores, threshold=0.3)[2].tolist() == [0.6, 0.5, 0.4]


def test_truth_is_what_has_a_score():
    boxes, labels = detection.truth_of(np.eye(4), np.array([[0, 1], [0, 0], [1, 0], [0, 0]]))
    np.testing.assert_array_equal(boxes, np.eye(4)[[0, 2]])
    assert labels.tolist() == [1, 0]


class Plain(detection.MeanAveragePrecision):
    """Targets and answers are boxes and the scores of two classes, side by side."""

    def decode_truth(self, truth):
        return truth[..., :4], truth[..., 4:]

    decode_answer = decode_truth


def test_the_metric_counts_over_all_batches():
    """Two images, one object each: one is found, the other is taken for another class."""
    truth = np.array([[[0, 0, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0]]] * 2, "float32")
    answer = np.array([[[0, 0, 1, 0.9, 0.8, 0.1]], [[0, 0, 1, 0.9, 0.1, 0.8]]], "float32")
    metric = Plain(classes=2)
    metric.update_state(truth[:1], answer[:1])
    assert float(metric.result()) == 1
    metric.update_state(truth[1:], answer[1:])
    # Precision is 1 up to a recall of 1/2; of the other class there is none.
    assert float(metric.result()) == pytest.approx(51 / 101)
    metric.reset_state()
    assert float(metric.result()) == 0


def test_the_metric_looks_at_the_candidates():
    """The second best is right: it counts only where two are looked at."""
    truth = np.array([[[0, 0, 1, 1, 1, 0]]], "float32")
    answer = np.array([[[2, 2, 3, 3, 0.9, 0], [0, 0, 1, 1, 0.8, 0]]], "float32")
    scores = []
    for candidates in (1, 2):
        metric = Plain(2, candidates)
        metric.update_state(keras.ops.array(truth), keras.ops.array(answer))
        scores.append(float(metric.result()))
    assert scores == [0, pytest.approx(0.5)]

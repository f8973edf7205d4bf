"""Overlap in a loss is the tools' own; detections by hand; the metric by hand and by the tools."""

import keras
import numpy as np
import pytest
import tensorflow as tf

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


CLASSES = 3


def random_boxes(rng, shape):
    corner = rng.uniform(0, 0.6, (*shape, 2))
    return np.concatenate([corner, corner + rng.uniform(0.1, 0.4, (*shape, 2))], axis=-1)


def random_batches(rng, levels):
    """Batches of targets and answers for `Plain`; most boxes are near an object's.

    All their sizes are random. Some have no objects, or no detections. Scores are one of `levels`.
    """
    objects = rng.integers(1, 10)
    count = rng.integers(1, 20)
    batches = []
    for _ in range(rng.integers(1, 4)):
        images = rng.integers(1, 5)
        true_boxes = random_boxes(rng, (images, objects))
        labels = rng.integers(CLASSES, size=(images, objects))
        there = rng.random((images, objects, 1)) < rng.choice([0, 0.5, 1])
        truth = np.concatenate([true_boxes, there * np.eye(CLASSES)[labels]], axis=-1)
        source = rng.integers(objects, size=(images, count, 1))
        noise = rng.choice([0, 0.02, 0.06]) * rng.normal(size=(count, 4))
        near = np.take_along_axis(true_boxes, source, axis=1) + noise
        far = random_boxes(rng, (images, count))
        boxes = np.where(rng.random((images, count, 1)) < 0.7, near, far)
        boxes[..., 2:] = np.maximum(boxes[..., 2:], boxes[..., :2])
        scores = rng.integers(levels, size=(images, count, CLASSES)) / levels
        scores *= rng.choice([0, 0.5, 0.5, 1])
        # The best class is often the object's.
        right = np.take_along_axis(labels[..., None], source, axis=1)[..., 0]
        scores *= 1 + rng.integers(2) * np.eye(CLASSES)[right]
        answer = np.concatenate([boxes, scores], axis=-1)
        batches.append((truth.astype("float32"), answer.astype("float32")))
    return batches


def by_metric(batches, candidates):
    metric = Plain(CLASSES, candidates)
    for truth, answer in batches:
        metric.update_state(truth, answer)
    return float(metric.result())


def by_tools(batches, candidates):
    detections = box_tools.Detections(CLASSES)
    for truths, answers in batches:
        for truth, answer in zip(truths, answers, strict=True):
            found = detection.detect(answer[:, :4], answer[:, 4:], candidates)
            detections.add(*found, *detection.truth_of(truth[:, :4], truth[:, 4:]))
    return detections


def with_bins(detections):
    """The mean average precision if, of detections in the same bin, wrong ones come first."""
    for label, (scores, hits) in enumerate(zip(detections.scores, detections.hits, strict=True)):
        bins = keras.ops.convert_to_numpy(detection.bin_of(np.array(scores, "float32")))
        order = np.lexsort([hits, bins])
        detections.hits[label] = np.array(hits, bool)[order]
        detections.scores[label] = -np.arange(len(order))
    return detections.mean_average_precision()


def test_the_metric_is_that_of_the_tools():
    """Single precision has an error of 6e-8 in each of 303 precisions, and in their mean."""
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        batches = random_batches(rng, levels=rng.choice([3, 1000]))
        candidates = int(rng.integers(1, 20))
        detections = by_tools(batches, candidates)
        found = sum(map(len, detections.scores))
        most = max(truth[..., 4:].sum(axis=(1, 2)).max() for truth, _ in batches)
        exact = detections.mean_average_precision()
        expected = with_bins(detections)
        assert by_metric(batches, candidates) == pytest.approx(expected, abs=1e-6)
        kinds = {
            "ties": expected < exact,
            "no objects": not detections.counts.any(),
            "objects of all classes": detections.counts.all(),
            "no detections": not found,
            "many objects are found": exact > 0.3,
            "more objects than candidates": most > candidates,
        }
        seen |= {name for name, there in kinds.items() if there}
    assert seen == kinds.keys()


def test_bins_cost_less_than_a_thousandth():
    """The scores of 2,100 detections are the probabilities that they are right."""
    rng = np.random.default_rng(0)
    detections = box_tools.Detections(CLASSES)
    for label in range(CLASSES):
        detections.scores[label] = rng.random(700)
        detections.hits[label] = rng.random(700) < detections.scores[label]
        detections.counts[label] = 400
    exact = detections.mean_average_precision()
    assert exact - 0.001 < with_bins(detections) < exact


def test_xla_compiles_the_metric():
    batches = random_batches(np.random.default_rng(2), levels=1000)
    metric = Plain(CLASSES, candidates=5)

    @tf.function(jit_compile=True)
    def step(truth, answer):
        metric.update_state(truth, answer)
        return metric.result()

    for truth, answer in batches:
        found = step(truth, answer)
    assert float(found) > 0
    assert float(found) == pytest.approx(by_metric(batches, candidates=5), abs=1e-6)

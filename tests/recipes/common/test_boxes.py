"""Overlap, suppression and average precision, by hand and beside Keras and pycocotools."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.common import boxes as box_tools


def random_boxes(count, seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(15, 40, (count, 2))], axis=1)


def test_iou_by_hand():
    box = np.array([[0, 0, 4, 2]])
    others = np.array([[0, 0, 4, 2], [2, 1, 6, 3], [4, 0, 5, 2], [1, 0, 2, 2], [3, 3, 3, 3]])
    # Equal; 2 of 8 + 8 − 2; side by side; 2 of 8, inside; empty.
    np.testing.assert_allclose(box_tools.iou(box, others), [[1, 2 / 14, 0, 2 / 8, 0]])


def test_iou_is_that_of_keras():
    boxes, others = random_boxes(7, seed=0), random_boxes(5, seed=1)
    expected = keras.utils.bounding_boxes.compute_iou(boxes, others, "xyxy")
    np.testing.assert_allclose(box_tools.iou(boxes, others), expected, atol=1e-5)


def test_suppression_keeps_the_best_of_those_that_overlap():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [2, 0, 12, 10], [20, 20, 30, 30]])
    # The second overlaps both of its neighbors by 9/11; the first and the third overlap by 8/12.
    assert box_tools.non_maximum_suppression(boxes, [0.5, 0.9, 0.6, 0.7]).tolist() == [1, 3]
    kept = box_tools.non_maximum_suppression(boxes, [0.9, 0.6, 0.8, 0.7], threshold=0.7)
    assert kept.tolist() == [0, 2, 3], "what is dropped drops no other"
    assert box_tools.non_maximum_suppression(np.zeros((0, 4)), []).tolist() == []


@pytest.mark.parametrize("threshold", [0.2, 0.5])
def test_suppression_is_that_of_tensorflow(threshold):
    boxes = random_boxes(60, seed=2)
    scores = np.random.default_rng(3).random(60)
    expected = tf.image.non_max_suppression(boxes, scores, 60, threshold).numpy()
    assert 5 < len(expected) < 55
    found = box_tools.non_maximum_suppression(boxes, scores, threshold)
    np.testing.assert_array_equal(found, expected)


def test_a_true_box_is_found_once():
    truths = np.array([[0, 0, 10, 10], [20, 0, 30, 10]])
    boxes = np.array([[0, 0, 10, 9], [0, 0, 10, 10], [20, 0, 30, 5.1], [20, 0, 30, 4]])
    assert box_tools.match(boxes, truths).tolist() == [True, False, True, False]
    assert box_tools.match(boxes, np.zeros((0, 4))).tolist() == [False] * 4


def test_average_precision_by_hand():
    # Right, wrong, right, of four: precision 1 up to recall 1/4, 2/3 up to 1/2, then 0.
    scores = [0.7, 0.9, 0.8]
    hits = [True, True, False]
    expected = (26 * 1 + 25 * 2 / 3) / 101
    assert box_tools.average_precision(scores, hits, 4) == pytest.approx(expected)
    assert box_tools.average_precision([], [], 4) == 0
    assert np.isnan(box_tools.average_precision([0.5], [False], 0))


def test_recalls_are_reached_in_spite_of_rounding():
    for found in range(1, 11):
        hits = np.ones(found)
        precision = box_tools.average_precision(hits, hits, 10)
        assert precision == pytest.approx((10 * found + 1) / 101)


def scenes():
    """True boxes, and detections with scores, of 20 images of one class."""
    rng = np.random.default_rng(0)
    truths, detections = {}, {}
    for image in range(1, 21):
        truths[image] = random_boxes(4, seed=image)
        shifted = truths[image] + rng.normal(0, 2.5, (4, 4))
        found = np.concatenate([shifted, random_boxes(3, seed=100 + image)])
        detections[image] = found, rng.uniform(size=7)
    return truths, detections


def by_our_tools(truths, detections):
    """Average precision at an IoU of 1/2."""
    scores, hits = [], []
    for image, (found, confidence) in detections.items():
        order = np.argsort(-confidence)
        hits.extend(box_tools.match(found[order], truths[image]))
        scores.extend(confidence[order])
    return box_tools.average_precision(scores, hits, sum(map(len, truths.values())))


def test_average_precision_is_what_pycocotools_gave():
    assert by_our_tools(*scenes()) == pytest.approx(0.609320, abs=1e-6)


def test_average_precision_is_that_of_pycocotools():
    pytest.importorskip("pycocotools", reason="in the extra dev")
    assert by_our_tools(*scenes()) == pytest.approx(by_pycocotools(*scenes()), abs=1e-9)


def by_pycocotools(truths, detections):
    """Average precision at an IoU of 1/2 by pycocotools, as COCO measures it."""
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    known = coco.COCO()
    rows = []
    for image, boxes in truths.items():
        for left, top, right, bottom in boxes:
            box = [left, top, right - left, bottom - top]
            row = {"id": len(rows) + 1, "image_id": image, "category_id": 1, "bbox": box}
            rows.append({**row, "area": box[2] * box[3], "iscrowd": 0})
    known.dataset = {
        "images": [{"id": image} for image in truths],
        "annotations": rows,
        "categories": [{"id": 1}],
    }
    known.createIndex()
    rows = []
    for image, (boxes, scores) in detections.items():
        for (left, top, right, bottom), score in zip(boxes, scores, strict=True):
            box = [left, top, right - left, bottom - top]
            row = {"image_id": image, "category_id": 1, "bbox": box, "score": score}
            rows.append(row)
    evaluation = cocoeval.COCOeval(known, known.loadRes(rows), "bbox")
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.evaluate()
    evaluation.accumulate()
    return float(evaluation.eval["precision"][0, :, 0, 0, 2].mean())


def test_recall_is_the_share_that_is_found_for_sure():
    detections = box_tools.Detections(3)
    truths = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]])
    labels = np.array([0, 0, 0, 1])
    boxes = np.array([[0, 0, 10, 9], [20, 0, 30, 9], [40, 0, 43, 10]])
    detections.add(boxes, np.zeros(3, int), np.array([0.9, 0.4, 0.3]), truths, labels)
    np.testing.assert_allclose(detections.recalls(), [2 / 3, 0, np.nan])
    np.testing.assert_allclose(detections.recalls(score=0.5), [1 / 3, 0, np.nan])

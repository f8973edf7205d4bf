"""YOLO v3's numbers as published; anchors, boxes, responsibility and loss by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.detection_and_segmentation import yolo_v3 as recipe
from recipes.detection_and_segmentation.figures import yolo_v3 as pictures
from tests.layers.conformance import check_layer

# Two anchors on a map of 1 × 2 cells, two smaller ones on one of 2 × 4.
ANCHORS = [[0.5, 0.5], [0.25, 0.5], [0.2, 0.2], [0.1, 0.1]]
GRIDS = [[1, 2], [1, 2], [2, 4], [2, 4]]
PREDICTIONS = 2 * 2 + 8 * 2
FAR = -30.0  # the logit of what is not there


def boxes_by_hand(answers, weights):
    """Of a map of 2 × 3 cells and two anchors, number by number."""
    found = []
    for row, column, anchor in np.ndindex(2, 3, 2):
        x, y, width, height, one, *classes = np.split(
            answers[:, row, column, 8 * anchor : 8 * anchor + 8], 8, axis=-1
        )
        x = (column + 1 / (1 + np.exp(-x))) / 3
        y = (row + 1 / (1 + np.exp(-y))) / 2
        width = ANCHORS[anchor][0] * np.exp(width)
        height = ANCHORS[anchor][1] * np.exp(height)
        found.append(np.concatenate([x, y, width, height, one - recipe.RARE, *classes], axis=-1))
    return np.stack(found, axis=1)


def test_boxes_is_a_layer_like_keras_own():
    check_layer(
        recipe.Boxes,
        {"anchors": ANCHORS[:2]},
        (2, 2, 3, 16),
        reference=boxes_by_hand,
        parameters=0,
        unknown_sizes=False,
    )


def yolo_loss():
    return recipe.YoloLoss(ANCHORS, GRIDS, per_cell=2)


def targets(*rows):
    """Targets (1, 3, 5) with these objects."""
    return np.array([[*rows, *[[0] * 5] * (3 - len(rows))]], "float32")


def nothing():
    """Predictions (1, PREDICTIONS, 8), sure of seeing nothing, of small boxes in a corner."""
    answer = np.zeros((1, PREDICTIONS, 8), "float32")
    answer[..., 2:4] = 0.01
    answer[..., 4] = FAR
    return answer


def perfect(answer, index, box, label):
    """Has one prediction say what is true of a box: left, top, right, bottom."""
    box = np.array(box)
    answer[0, index] = [*(box[:2] + box[2:]) / 2, *box[2:] - box[:2], -FAR, FAR, FAR, FAR]
    answer[0, index, 5 + label] = -FAR


def loss(truth, answer):
    return float(yolo_loss()(tf.constant(truth), tf.constant(answer)))


@pytest.mark.slides
def test_the_published_network(monkeypatch):
    """Darknet-53's 52 convolutions and 23 of the heads; zeros are faster than random weights."""
    zeros = keras.initializers.Zeros()
    monkeypatch.setattr(
        keras.initializers.GlorotUniform, "__call__", lambda self, *given, **named: zeros(*given)
    )
    images = keras.Input((416, 416, 3))
    model = keras.Model(images, recipe.yolo(images))
    assert model.output_shape == [(None, side, side, 3 * 85) for side in (13, 26, 52)]
    assert 3 * (13**2 + 26**2 + 52**2) == 10_647
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) == 52 + 23
    added = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    assert len(added) == 1 + 2 + 8 + 8 + 4
    assert model.count_params() == 62_001_757
    trainable = sum(np.prod(weight.shape) for weight in model.trainable_weights)
    assert trainable == 61_949_149
    # Darknet-53, without its dense layer.
    backbone = keras.Model(images, recipe.darknet(images))
    assert backbone.output_shape == [(None, 13, 13, 1024), (None, 26, 26, 512), (None, 52, 52, 256)]
    assert backbone.count_params() == 40_620_640


@pytest.fixture(scope="module")
def batches():
    """Training batches of one photograph, with cells of nine sizes."""
    sizes = np.geomspace(0.1, 0.9, 9)
    rows = [[0, 0, size, size, index % 3] for index, size in enumerate(sizes)]
    images = np.zeros((1, recipe.HEIGHT, recipe.WIDTH, 3), "uint8")
    rows = np.array([rows + [[0] * 5] * 2], "float32")
    return tf.data.Dataset.from_tensor_slices((images, rows)).batch(1)


@pytest.mark.parametrize(
    ("scales", "predictions", "parameters", "trainable"),
    [(3, 3024, 2_262_944, 2_255_648), (1, 432, 1_944_224, 1_938_848)],
)
def test_the_networks_that_are_trained(batches, scales, predictions, parameters, trainable):
    model = recipe.build_model(scales=scales, train=batches)
    assert model.output_shape == (None, predictions, 8)
    assert model.count_params() == parameters
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == trainable
    layers = [layer for layer in model.layers if isinstance(layer, recipe.Boxes)]
    anchors = np.concatenate([layer.anchors for layer in layers])
    # The largest are on the coarsest map.
    assert (np.diff(anchors[:, 0]) <= 0).all()
    np.testing.assert_allclose(anchors[[0, -1]], [[0.9, 0.9], [0.1, 0.1]], rtol=1e-5)
    assert [layer.input.shape[1] for layer in layers] == [6, 12, 24][:scales]
    # The loss knows the same anchors, and maps of the same size.
    np.testing.assert_allclose(model.loss.anchors, anchors)
    expected = np.repeat([layer.input.shape[1:3] for layer in layers], 9 // scales, axis=0)
    np.testing.assert_array_equal(model.loss.grids, expected)


def test_anchors_are_the_means_of_clusters():
    rng = np.random.default_rng(0)
    centers = np.array([[0.05, 0.05], [0.3, 0.05], [0.2, 0.3], [0.6, 0.6]])
    sizes = np.repeat(centers, 50, axis=0) * rng.uniform(0.9, 1.1, (200, 2))
    means = recipe.k_means(rng.permutation(sizes), count=4)
    np.testing.assert_allclose(means, centers, rtol=0.05)


def test_overlap_and_not_distance_decides_of_clusters():
    """0.12 is nearer to 0.05 than to 0.2, but more of it is in common with 0.2."""
    sizes = np.array([[0.05, 0.05], [0.12, 0.12], [0.2, 0.2], [0.2, 0.2]])
    np.testing.assert_allclose(recipe.k_means(sizes, count=2)[0], [0.05, 0.05])


def test_cells_are_read_from_the_data_set():
    boxes = [[0.1, 0.2, 0.3, 0.5], [0.0, 0.5, 0.25, 1.0]]  # top, left, bottom, right
    image = np.full((480, 640, 3), 100, "uint8")
    image[:240] = 200
    example = {"image": image, "objects": {"bbox": np.float32(boxes), "label": np.array([2, 1])}}
    example = tf.nest.map_structure(tf.constant, example)
    image, found = recipe.prepare(example)
    assert (image.shape, image.dtype) == ((recipe.HEIGHT, recipe.WIDTH, 3), tf.uint8)
    assert np.unique(image[: recipe.HEIGHT // 2]).tolist() == [200]
    assert found.shape == (recipe.MOST, 5)
    np.testing.assert_allclose(found[:2], [[0.2, 0.1, 0.5, 0.3, 2], [0.5, 0, 1, 0.25, 1]])
    assert not np.any(found[2:])


def test_the_shape_is_the_same_however_many_objects_there_are():
    """As a TPU wants it."""
    objects = {"bbox": tf.TensorSpec((None, 4)), "label": tf.TensorSpec((None,), tf.int64)}
    given = {"image": tf.TensorSpec((480, 640, 3), tf.uint8), "objects": objects}
    _, shape = tf.function(recipe.prepare).get_concrete_function(given).output_shapes
    assert shape == (recipe.MOST, 5)


def test_boxes_stay_around_their_cells_when_the_image_is_mirrored():
    """A bright block on a dark ground is in the box whichever way the image is turned."""
    image = np.full((12, 16, 3), 40, "uint8")
    image[1:4, 2:8] = 200
    true = targets([2 / 16, 1 / 12, 8 / 16, 4 / 12, 1])[0]
    seen = set()
    augment = tf.function(recipe.augment)
    for seed in range(20):
        turned, found = augment(tf.constant(image), tf.constant(true), tf.constant([seed, 7]))
        turned, found = turned.numpy(), found.numpy()
        left, top, right, bottom = np.rint(found[0, :4] * [16, 12, 16, 12]).astype(int)
        bright = turned.mean(axis=-1) > 120
        assert bright[top:bottom, left:right].all()
        assert bright.sum() == (bottom - top) * (right - left) == 18
        assert found[0, 4] == 1
        # Rows that are left over stay empty.
        np.testing.assert_array_equal(found[1:, 0], found[1:, 2])
        assert not recipe.decode_objects(found[None])[1][0, 1:].numpy().any()
        seen.add((left, top))
    assert len(seen) == 4


def test_boxes_by_hand():
    """Two anchors on a map of 2 × 4 cells; the answer of one cell, the others are zeros."""
    answers = np.zeros((1, 2, 4, 2 * 8), "float32")
    answers[0, 1, 2, 8:] = [0, np.log(3), np.log(2), np.log(0.5), 1, 2, 3, 4]
    boxes = recipe.Boxes([[0.1, 0.2], [0.3, 0.4]])(answers).numpy()
    assert boxes.shape == (1, 16, 8)
    # σ(0) is 1/2 and σ(log 3) is 3/4 of a cell.
    np.testing.assert_allclose(
        boxes[0, 2 * (4 + 2) + 1],
        [2.5 / 4, 1.75 / 2, 0.6, 0.2, 1 - recipe.RARE, 2, 3, 4],
        rtol=1e-6,
    )
    np.testing.assert_allclose(boxes[0, 0, :4], [0.5 / 4, 0.5 / 2, 0.1, 0.2], rtol=1e-6)


def test_decoded_boxes_and_scores_by_hand():
    answer = np.array([[[0.5, 0.4, 0.2, 0.6, 0, np.log(3), 0, FAR]]], "float32")
    boxes, scores = recipe.decode(answer)
    np.testing.assert_allclose(boxes, [[[0.4, 0.1, 0.6, 0.7]]], rtol=1e-5)
    np.testing.assert_allclose(scores, [[[0.5 * 0.75, 0.5 * 0.5, 0]]], atol=1e-6)


def test_the_anchor_most_like_a_box_is_responsible_where_its_center_lies():
    center = np.array([[0.7, 0.9], [0.7, 0.9], [0.7, 0.9], [0.1, 0.1], [1.0, 1.0]], "float32")
    size = [[0.5, 0.4], [0.2, 0.5], [0.22, 0.2], [0.1, 0.12], [0.1, 0.1]]
    index, maps = yolo_loss().responsible(center, np.array(size, "float32"))
    # Map 1 × 2: second cell. Map 2 × 4: second row, third cell; first cell; last cell.
    expected = [2 + 0, 2 + 1, 4 + 2 * (4 + 2) + 0, 4 + 1, 4 + 2 * 7 + 1]
    assert index.numpy().tolist() == expected
    assert maps.numpy().tolist() == [[2, 1], [2, 1], [4, 2], [4, 2], [4, 2]]


def test_a_perfect_answer_costs_nothing():
    answer = nothing()
    large, small = [0.45, 0.2, 0.95, 0.7], [0.1, 0.6, 0.2, 0.7]
    truth = targets([*large, 1], [*small, 2])
    assert loss(truth, answer) > 50
    perfect(answer, 2, large, 1)  # second cell, first anchor
    perfect(answer, 4 + 2 * 4 + 1, small, 2)  # second row, first cell, second anchor
    assert loss(truth, answer) == pytest.approx(0, abs=1e-5)


def test_the_loss_by_hand():
    """One prediction a little wrong in everything; that of another cell sees what is not there."""
    answer = nothing()
    box = [0.45, 0.2, 0.95, 0.7]
    perfect(answer, 2, box, 1)
    # Its center is off by 0.1 of the width and 0.2 of the height, of 2 × 1 cells.
    answer[0, 2] = [0.8, 0.65, 0.5 * np.e**0.5, 0.5 * np.e**-0.25, 1, 0, 2, -1]
    expected = 0.2**2 + 0.2**2 + 0.5**2 + 0.25**2
    expected += np.log1p(np.exp(-1))  # sure of an object, not quite
    expected += np.log(2) + np.log1p(np.exp(-2)) + np.log1p(np.exp(-1))  # of classes 0, 1 and 2
    assert loss(targets([*box, 1]), answer) == pytest.approx(expected, rel=1e-5)
    answer[0, 7, 4] = 0.5
    expected += np.log1p(np.exp(0.5))
    assert loss(targets([*box, 1]), answer) == pytest.approx(expected, rel=1e-5)


def test_a_box_that_overlaps_a_cell_may_be_sure():
    answer = nothing()
    box = [0.45, 0.2, 0.95, 0.7]
    perfect(answer, 2, box, 1)
    perfect(answer, 9, [0.45, 0.2, 0.95, 0.5], 0)  # an IoU of 0.6
    assert loss(targets([*box, 1]), answer) == pytest.approx(0, abs=1e-5)
    perfect(answer, 9, [0.45, 0.2, 0.95, 0.4], 0)  # an IoU of 0.4
    assert loss(targets([*box, 1]), answer) == pytest.approx(-FAR, rel=1e-5)


def test_an_image_without_cells_wants_silence():
    answer = nothing()
    assert loss(targets(), answer) == pytest.approx(0, abs=1e-5)
    answer[0, 0, 4] = 1
    assert loss(targets(), answer) == pytest.approx(np.log1p(np.e), rel=1e-5)


def test_what_the_targets_say_is_found_by_the_metric():
    """Predictions that are the targets have a mean average precision of 1."""
    boxes = [[0.45, 0.2, 0.95, 0.7], [0.1, 0.6, 0.2, 0.7]]
    answer = nothing()
    perfect(answer, 2, boxes[0], 1)
    perfect(answer, 13, boxes[1], 2)
    metric = recipe.MeanAveragePrecision()
    metric.update_state(targets([*boxes[0], 1], [*boxes[1], 2]), answer)
    assert float(metric.result()) == 1
    metric.update_state(targets([0.5, 0.5, 0.6, 0.6, 0]), nothing())
    assert float(metric.result()) == pytest.approx(2 / 3)


def test_photographs_with_the_most_platelets_are_shown():
    platelet = recipe.CLASSES.index("platelet")
    truths = []
    for platelets in (1, 0, 3, 2):
        labels = np.array([platelet] * platelets + [platelet - 1] * 5)
        truths.append((np.zeros((len(labels), 4)), labels))
    assert pictures.most_platelets(truths).tolist() == [2, 3, 0]


def test_cells_by_color():
    """A pink disk, a purple one and a small purple one on a pale ground."""
    image = np.full((recipe.HEIGHT, recipe.WIDTH, 3), (200, 205, 200), "uint8")
    rows, columns = np.mgrid[: recipe.HEIGHT, : recipe.WIDTH]
    places = [(50, 60, 22, (180, 140, 140)), (120, 150, 26, (110, 90, 190))]
    places += [(40, 200, 9, (140, 130, 190))]
    true = []
    for row, column, radius, color in places:
        image[np.hypot(rows - row, columns - column) < radius] = color
        box = np.array([column - radius, row - radius, column + radius, row + radius])
        true.append(box)
    boxes, labels, scores = recipe.by_color(image, purple=12, contrast=30)
    assert sorted(labels) == [0, 1, 2]
    pixels = boxes[np.argsort(labels)] * ([recipe.WIDTH, recipe.HEIGHT] * 2)
    np.testing.assert_allclose(pixels, true, atol=4)
    assert (np.diff(scores) <= 0).all()
    boxes, labels, scores = recipe.by_color(np.zeros_like(image), purple=12, contrast=30)
    assert (boxes.shape, labels.shape, scores.shape) == ((0, 4), (0,), (0,))

"""YOLO's numbers as published; targets, loss, detections and mean average precision by hand."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

from recipes.detection_and_segmentation import yolo_v1 as recipe
from recipes.detection_and_segmentation.figures import yolo_v1 as pictures

CLASSES = len(recipe.SHAPES)


def answer(cells=2):
    """An answer of no box at all: (1, cells, cells, 13)."""
    return np.zeros((1, cells, cells, 10 + CLASSES), "float32")


def loss(truth, given):
    return keras.ops.convert_to_numpy(recipe.yolo_loss(tf.constant(truth), tf.constant(given)))


@pytest.mark.slides
def test_the_published_network(monkeypatch):
    """24 convolutions and two dense layers; zeros are made faster than random weights."""
    zeros = keras.initializers.Zeros()
    monkeypatch.setattr(
        keras.initializers.GlorotUniform, "__call__", lambda self, *given, **named: zeros(*given)
    )
    images = keras.Input((448, 448, 3))
    model = keras.Model(images, recipe.yolo(images))
    assert model.output_shape == (None, 7, 7, 30)
    assert np.prod(model.output_shape[1:]) == 7 * 7 * (2 * 5 + 20) == 1470
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert len(convolutions) == 24
    assert [layer.units for layer in dense] == [4096, 1470]
    assert dense[0].kernel.shape == (7 * 7 * 1024, 4096)
    assert sum(layer.count_params() for layer in dense) == 205_524_992 + 6_022_590
    channels = 3
    expected = 0
    for filters, size, _ in (layer for layer in recipe.PUBLISHED if layer != "pool"):
        expected += (size * size * channels + 1) * filters
        channels = filters
    assert model.count_params() == expected + 211_547_582 == 271_703_550


def test_a_target_by_hand():
    box = np.array([20.0, 30.0, 40.0, 66.0])  # its center is at 30, 48: cell 1, 3
    grid = recipe.encode(box[None], [2])
    assert np.argwhere(grid[..., 4]).tolist() == [[3, 1]]
    x, y, width, height, confidence, *classes = grid[3, 1]
    assert (x, y) == (30 / 16 - 1, 0)
    assert (width, height) == pytest.approx((np.sqrt(20 / 112), np.sqrt(36 / 112)))
    assert (confidence, classes) == (1, [0, 0, 1])


def test_targets_are_decoded_to_the_boxes_they_were_made_of():
    rng = np.random.default_rng(0)
    for _ in range(20):
        _, boxes, labels = recipe.sample_scene(rng)
        decoded = recipe.decode(recipe.encode(boxes, labels)[None], 1)
        found, scores = (keras.ops.convert_to_numpy(part)[0] for part in decoded)
        there = scores.max(axis=-1) > 0
        order = np.lexsort(boxes.T)
        mine = np.lexsort(found[there].round(5).T)
        assert there.sum() == len(boxes)
        np.testing.assert_allclose(found[there][mine] * recipe.SIDE, boxes[order], atol=1e-4)
        np.testing.assert_array_equal(scores[there][mine].argmax(axis=-1), labels[order])


def test_a_perfect_answer_costs_nothing():
    rng = np.random.default_rng(0)
    _, boxes, labels = recipe.sample_scene(rng)
    truth = recipe.encode(boxes, labels)[None]
    given = np.zeros((1, 7, 7, 13), "float32")
    # The second box of each cell answers.
    given[..., 5:10] = truth[..., :5]
    given[..., 10:] = truth[..., 5:]
    assert loss(truth, given) == pytest.approx([0], abs=1e-9)
    given[..., 10:] = 0
    assert loss(truth, given) == pytest.approx([len(boxes)])


def test_the_loss_by_hand():
    """One object in one of four cells; nothing of the numbers is the same."""
    truth = np.zeros((1, 2, 2, 5 + CLASSES), "float32")
    # Center (0.25, 0.75) of a scene of side 1, width 0.25, height 0.36.
    truth[0, 1, 0] = [0.5, 0.5, 0.5, 0.6, 1, 0, 1, 0]
    given = answer()
    # The first box is as large as the object and lies 0.125 to the right: it overlaps by a third.
    given[0, 1, 0, :5] = [0.75, 0.5, 0.5, 0.6, 0.8]
    # The second does not meet it.
    given[0, 1, 0, 5:10] = [0.5, -1.0, 0.2, 0.2, 0.3]
    given[0, 1, 0, 10:] = [0.1, 0.6, 0.2]
    # A cell without an object: what its box is like and its classes do not matter.
    given[0, 0, 1] = [0.4, 0.1, 0.9, 0.8, 0.5, 0, 0, 0, 0, -0.2, 0.7, 0.7, 0.7]
    coordinates = 5 * 0.25**2
    confidence = (0.8 - 1 / 3) ** 2
    no_object = 0.5 * (0.3**2 + 0.5**2 + 0.2**2)
    classes = 0.1**2 + 0.4**2 + 0.2**2
    expected = coordinates + confidence + no_object + classes
    assert loss(truth, given) == pytest.approx([expected], rel=1e-5)


def test_sizes_count_by_their_square_roots():
    truth = np.zeros((1, 1, 1, 5 + CLASSES), "float32")
    truth[0, 0, 0] = [0.5, 0.5, 0.5, 0.8, 1, 1, 0, 0]
    given = answer(cells=1)
    given[0, 0, 0] = [0.5, 0.5, 0.4, 0.8, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    overlap = 0.16 / 0.25
    assert loss(truth, given) == pytest.approx([5 * 0.1**2 + overlap**2], rel=1e-5)


def test_the_overlap_itself_is_not_trained():
    """The confidence is to follow the overlap, not the other way round."""
    truth = np.zeros((1, 1, 1, 5 + CLASSES), "float32")
    truth[0, 0, 0] = [0.5, 0.5, 0.5, 0.5, 1, 1, 0, 0]
    given = answer(cells=1)
    given[0, 0, 0, :5] = [0.6, 0.5, 0.5, 0.5, 0.0]
    given = tf.Variable(given)
    with tf.GradientTape() as tape:
        value = recipe.yolo_loss(tf.constant(truth), given)
    slopes = tape.gradient(value, given).numpy()[0, 0, 0]
    assert slopes[0] == pytest.approx(2 * 5 * 0.1, rel=1e-5)
    assert slopes[2] == 0


def test_the_metric_counts_over_all_batches():
    """Two scenes, one shape each: one is found, the other is taken for another class."""
    truth = np.zeros((2, 7, 7, 5 + CLASSES), "float32")
    truth[:, 2, 3] = [0.5, 0.5, 0.4, 0.4, 1, 1, 0, 0]
    given = np.zeros((2, 7, 7, 10 + CLASSES), "float32")
    given[:, 2, 3, :5] = [0.5, 0.5, 0.4, 0.4, 0.9]
    given[0, 2, 3, 10:] = [1, 0, 0]
    given[1, 2, 3, 10:] = [0, 1, 0]
    metric = recipe.MeanAveragePrecision()
    metric.update_state(truth[:1], given[:1])
    assert float(metric.result()) == 1
    metric.update_state(truth[1:], given[1:])
    # Precision is 1 up to a recall of 1/2; of the other classes there is none.
    assert float(metric.result()) == pytest.approx(51 / 101)
    metric.reset_state()
    assert float(metric.result()) == 0


def test_what_the_pictures_count():
    """Two detections of one shape count once; one of another class or elsewhere does not count."""
    boxes = np.array([[0, 0, 0.4, 0.4], [0, 0, 0.4, 0.5], [0.5, 0.5, 0.9, 0.9], [0.5, 0, 0.7, 0.2]])
    labels = np.array([0, 0, 1, 2])
    scores = np.array([0.9, 0.25, 0.6, 0.24])
    sure = pictures.sure_detections(boxes, labels, scores)
    assert sure[2].tolist() == [0.9, 0.25, 0.6]
    true = np.array([[0, 0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9], [0.5, 0, 0.7, 0.2]])
    assert pictures.count_found(boxes, labels, true, np.array([0, 2, 2])) == 2
    assert pictures.count_found(*sure[:2], true, np.array([0, 2, 2])) == 1
    figure = pictures.plot_steps(
        np.zeros((112, 112, 3)), boxes, np.eye(CLASSES)[labels] * 0.3, sure
    )
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[1:] == ["4 with a score of 0.25 or more", "3 after suppression"]
    plt.close(figure)


def test_components_find_a_square_on_a_plain_ground():
    image = np.full((112, 112, 3), 50, "uint8")
    image[30:60, 70:100] = 200
    boxes, labels, _ = recipe.components(image, contrast=60)
    np.testing.assert_allclose(boxes * 112, [[70, 30, 100, 60]], atol=1)
    assert labels.tolist() == [1]
    boxes, labels, scores = recipe.components(np.zeros_like(image), contrast=60)
    assert (boxes.shape, labels.shape, scores.shape) == ((0, 4), (0,), (0,))

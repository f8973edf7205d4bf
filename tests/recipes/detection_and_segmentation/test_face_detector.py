"""Boxes by hand, and what the real network answers."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.detection_and_segmentation import face_detector as recipe

RNG = np.random.default_rng(0)


def logit(share):
    return np.log(share / (1 - share))


def test_a_box_by_hand():
    """The second anchor of the cell in row 1, column 0, of 2 × 2 cells."""
    answer = np.full((2, 2, 25), -50.0)
    answer[1, 0, 5:10] = logit(0.25), logit(0.75), np.log(0.5), 0, logit(0.9)
    boxes, scores = recipe.decode(answer)
    best = scores.argmax()
    assert scores[best] == pytest.approx(0.9)
    width, height = recipe.ANCHORS[1]
    center_x, center_y = (0 + 0.25) / 2, (1 + 0.75) / 2
    expected = [
        center_x - width / 8,
        center_y - height / 4,
        center_x + width / 8,
        center_y + height / 4,
    ]
    np.testing.assert_allclose(boxes[best], expected)
    assert len(boxes) == len(scores) == 2 * 2 * 5


def test_images_lie_at_the_upper_left():
    image = np.full((20, 40, 3), 255, "uint8")
    found = recipe.squared(image, side=64)
    white = (255 - np.array(recipe.MEAN)) / 255
    np.testing.assert_allclose(found[:32], np.broadcast_to(white, (32, 64, 3)), rtol=1e-5)
    np.testing.assert_allclose(
        found[32:, 5], np.broadcast_to(-np.array(recipe.MEAN) / 255, (32, 3))
    )


@pytest.fixture(scope="module")
def detector():
    return recipe.build_detector()


def test_the_network_answers_as_published(detector):
    """A black image, in the middle; the numbers are those of the original in TensorFlow.js."""
    assert detector.count_params() == 193_321
    answer = detector(np.zeros((1, 416, 416, 3)))
    assert answer.shape == (1, 13, 13, 25)
    known = [0.1648, -0.8556, 0.0162, -0.2161, -7.0926]
    np.testing.assert_allclose(answer[0, 6, 6, :5], known, atol=2e-4)


def test_it_finds_a_face_and_nothing_in_noise(detector):
    image = recipe.photograph(recipe.PHOTOGRAPH)
    noise = RNG.integers(0, 256, image.shape).astype("uint8")
    (boxes, scores), (nothing, _) = recipe.detect(detector, [image, noise])
    assert len(nothing) == 0
    ((left, top, right, bottom),) = boxes
    assert scores > 0.9
    # The nose lies about here.
    assert left < 260 < right
    assert top < 230 < bottom
    # Half as large in the corner of a wider image, it is found there.
    wide = np.zeros((image.shape[0], 2 * image.shape[1], 3), "uint8")
    wide[:, : image.shape[1]] = image
    ((found, _),) = recipe.detect(detector, [wide])
    assert len(found) == 1
    assert np.abs(found[0] - boxes[0]).max() < 40


def test_faces_lie_where_their_boxes_are():
    faces = np.full((3, 64, 64, 1), 255, "uint8")
    images, boxes = recipe.on_gray_ground(faces, 48, np.random.default_rng(0))
    for image, (left, top, right, bottom) in zip(images, boxes, strict=True):
        assert image.shape == (416, 416, 3)
        assert (right - left, bottom - top) == (48, 48)
        assert np.all(image[top:bottom, left:right] == 255)
        assert image.mean() < 230


def test_recall_by_hand():
    boxes = np.array([[0, 0, 40, 40], [100, 100, 140, 140]])
    right = np.array([[5.0, 5, 35, 35], [200, 200, 240, 240]])
    small = np.array([[115.0, 115, 125, 125]])  # inside, but only a part of it
    found = [(right, np.array([0.9, 0.8])), (small, np.array([0.7]))]
    assert recipe.recall_and_false_positives(found, boxes) == (0.5, 1.0)
    nothing = (np.zeros((0, 4)), np.zeros(0))
    assert recipe.recall_and_false_positives([nothing, nothing], boxes) == (0, 0)


def test_another_size_has_other_cells():
    network = recipe.tiny_yolo(64)
    assert network.output_shape == (None, 2, 2, 25)
    assert isinstance(network, keras.Model)


def test_title_counts_the_boxes_of_the_size_that_was_chosen():
    answer = np.zeros((3, 3, 25))
    image = np.zeros((6, 6, 3), "uint8")
    figure = recipe.plot_photograph(image, np.zeros((0, 4)), [], answer)
    assert figure.axes[0].get_title() == "What is left of 45 boxes"
    plt.close(figure)

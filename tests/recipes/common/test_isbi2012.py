"""Slices are split as said; crops and classes fit each other; scores by hand."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from recipes.common import isbi2012


def test_slices_are_split_as_said():
    numbers = []
    for split in isbi2012.SPLITS:
        instruction = tfds.core.ReadInstruction.from_spec(split)
        (part,) = instruction.to_absolute({"train": tfds.core.SplitInfo("train", [30], 0)})
        numbers.append((part.from_ or 0, part.to or 30))
    assert numbers == [(0, 20), (20, 25), (25, 30)]


def test_images_and_classes_are_cropped_alike():
    gray = np.random.default_rng(0).integers(0, 256, (9, 8, 1)).astype("uint8")
    slice_ = {"image": tf.constant(gray), "membrane": tf.constant(gray)}
    crops = set()
    for number in range(40):
        image, classes = isbi2012.random_crop(slice_, tf.constant([number, 5]), size=4)
        assert image.shape == (4, 4, 1)
        np.testing.assert_array_equal(image[..., 0], classes)
        crops.add(image.numpy().tobytes())
        row = np.sort(gray[..., 0].ravel())
        assert np.isin(image, row).all()
    assert len(crops) > 30


def test_a_crop_is_turned_in_all_eight_ways():
    gray = np.arange(9, dtype="uint8").reshape(3, 3, 1)
    slice_ = {"image": tf.constant(gray), "membrane": tf.constant(gray)}
    found = set()
    for number in range(60):
        image, _ = isbi2012.random_crop(slice_, tf.constant([number, 1]), size=3)
        found.add(image.numpy().tobytes())
    turned = [np.rot90(gray[..., 0], count) for count in range(4)]
    assert found == {way.tobytes() for each in turned for way in (each.copy(), each.T.copy())}


def test_threshold_scores_by_hand():
    images = np.array([[10, 20, 30, 40]])[..., None, None]
    classes = np.array([[1, 0, 1, 0]])[..., None]
    scores = isbi2012.threshold_scores(images, classes, threshold=25)
    # Found are the first two: one of three in either.
    assert scores == {"iou": pytest.approx(1 / 3), "accuracy": 0.5}


def test_baseline_learns_its_threshold():
    train = tf.data.Dataset.from_tensors((np.array([[[[50], [90]]]]), np.array([[[1, 0]]])))
    test = tf.data.Dataset.from_tensors((np.array([[[[50], [51]]]]), np.array([[[0, 1]]])))
    scores = isbi2012.best_threshold(train, test)
    assert scores == {"iou": 0.5, "accuracy": 0.5}, "both are below what divides 50 from 90"

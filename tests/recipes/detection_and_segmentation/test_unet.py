"""U-Net as published; crops and answers fit their images; scores by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from recipes.detection_and_segmentation import unet as recipe
from recipes.detection_and_segmentation.figures import unet as figures


@pytest.mark.slides
def test_the_published_network():
    images = keras.Input((572, 572, 1))
    model = keras.Model(images, recipe.unet(images, classes=2))
    assert model.count_params() == 31_030_658
    assert model.output_shape == (None, 388, 388, 2)
    pooled = [layer.output.shape[1] for layer in model.layers if "pooling" in layer.name]
    assert pooled == [284, 140, 68, 32]
    assert sum(isinstance(layer, keras.layers.Cropping2D) for layer in model.layers) == 4


def test_the_middle_of_the_maps_is_copied():
    maps = np.arange(7 * 6, dtype="float32").reshape(1, 7, 6, 1)
    middle = recipe.crop_to(maps, np.zeros((1, 4, 2, 1)))
    np.testing.assert_array_equal(middle, maps[:, 1:5, 2:4])


def test_answers_are_as_large_as_images():
    for skips in (True, False):
        model = recipe.build_model(filters=2, depth=2, skips=skips)
        probabilities = model(np.zeros((1, 12, 20, 1)))
        assert probabilities.shape == (1, 12, 20, 2)
        np.testing.assert_allclose(np.sum(probabilities, axis=-1), 1, atol=1e-6)


def test_skips_bring_back_what_the_bottom_does_not_tell():
    """With the coarsest maps set to nothing, the answer still depends on the image; not without."""
    keras.utils.set_random_seed(0)
    noise = np.random.default_rng(0).normal(size=(1, 16, 16, 1))
    spreads = []
    for skips in (True, False):
        images = keras.Input((16, 16, 1))
        model = keras.Model(images, recipe.unet(images, 2, 2, 2, padding="same", skips=skips))
        # The second of the two convolutions with the most filters.
        bottom = [layer for layer in model.layers if getattr(layer, "filters", 0) == 8][1]
        bottom.set_weights([np.zeros_like(weight) for weight in bottom.get_weights()])
        spreads.append(np.ptp(model(noise)[..., 1]))
    assert spreads[0] > 0.01
    assert spreads[1] == 0


def test_slices_are_split_as_said():
    numbers = []
    for split in recipe.SPLITS:
        instruction = tfds.core.ReadInstruction.from_spec(split)
        (part,) = instruction.to_absolute({"train": tfds.core.SplitInfo("train", [30], 0)})
        numbers.append((part.from_ or 0, part.to or 30))
    assert numbers == [(0, 20), (20, 25), (25, 30)]


def test_images_and_classes_are_cropped_alike():
    gray = np.random.default_rng(0).integers(0, 256, (9, 8, 1)).astype("uint8")
    slice_ = {"image": tf.constant(gray), "membrane": tf.constant(gray)}
    crops = set()
    for number in range(40):
        image, classes = recipe.random_crop(slice_, tf.constant([number, 5]), size=4)
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
        image, _ = recipe.random_crop(slice_, tf.constant([number, 1]), size=3)
        found.add(image.numpy().tobytes())
    turned = [np.rot90(gray[..., 0], count) for count in range(4)]
    assert found == {way.tobytes() for each in turned for way in (each.copy(), each.T.copy())}


def test_threshold_scores_by_hand():
    images = np.array([[10, 20, 30, 40]])[..., None, None]
    classes = np.array([[1, 0, 1, 0]])[..., None]
    scores = recipe.threshold_scores(images, classes, threshold=25)
    # Found are the first two: one of three in either.
    assert scores == {"iou": pytest.approx(1 / 3), "accuracy": 0.5}


def test_baseline_learns_its_threshold():
    train = tf.data.Dataset.from_tensors((np.array([[[[50], [90]]]]), np.array([[[1, 0]]])))
    test = tf.data.Dataset.from_tensors((np.array([[[[50], [51]]]]), np.array([[[0, 1]]])))
    scores = recipe.baseline(train, test)
    assert scores == {"iou": 0.5, "accuracy": 0.5}, "both are below what divides 50 from 90"


def test_the_metric_is_the_iou_of_membranes():
    model = recipe.build_model(filters=2, depth=1)
    true = np.array([[[1, 0], [1, 0]]])
    found = np.array([[[1, 1], [0, 0]]])
    scores = model.compute_metrics(None, true, np.eye(2)[found])
    assert float(scores["iou"]) == pytest.approx(1 / 3)
    assert float(scores["accuracy"]) == 0.5
    assert figures.iou(found, true) == pytest.approx(1 / 3)


def test_errors_have_their_colors():
    found = np.array([[1, 1, 0, 0]])
    true = np.array([[1, 0, 1, 0]])
    expected = [figures.COLORS[name] for name in ("found", "invented", "missed")] + [(255,) * 3]
    assert figures.painted(found, true)[0].tolist() == [list(color) for color in expected]

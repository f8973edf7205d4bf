"""U-Net as published; answers fit their images; scores by hand."""

import keras
import numpy as np
import pytest

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

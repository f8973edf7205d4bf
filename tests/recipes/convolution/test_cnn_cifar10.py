"""The two networks of the recipe, their cost, and the data augmentation."""

import keras
import numpy as np
import pytest

from recipes.convolution import cnn_cifar10


def multiplications(model):
    """In all convolutions, for one image."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            total += np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3])
    return total


@pytest.mark.slides
def test_parameters_of_the_slides_pattern():
    assert cnn_cifar10.build_model(**cnn_cifar10.VARIANTS["slide"]).count_params() == 376_226


@pytest.mark.slides
def test_slide_has_two_convolutions_before_each_of_three_pools():
    kinds = {keras.layers.Conv2D: "C", keras.layers.MaxPooling2D: "P", keras.layers.Dense: "F"}
    letters = [kinds.get(type(layer), "") for layer in cnn_cifar10.build_slide().layers]
    assert "".join(letters) == "CCPCCPCCPFFF"


def test_networks_cost_about_the_same():
    strided = multiplications(cnn_cifar10.build_strided())
    slide = multiplications(cnn_cifar10.build_slide())
    assert 0.7 < slide / strided < 1.4


def test_training_mirrors_and_moves_by_whole_pixels():
    """With nearest-neighbor interpolation no new gray values appear."""
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype("uint8")
    model = cnn_cifar10.build_strided()
    augment = keras.Model(model.inputs, model.layers[1].output)
    np.testing.assert_allclose(
        np.asarray(augment([images], training=False)), images / 255, atol=1e-6
    )
    trained = np.rint(255 * np.asarray(augment([images], training=True)))
    assert np.abs(trained - images).max() > 50
    center = trained[:, 8:24, 8:24]
    for moved, image in zip(center, images, strict=True):
        windows = [
            version[8 + down : 24 + down, 8 + right : 24 + right]
            for version in (image, image[:, ::-1])
            for down in range(-5, 6)
            for right in range(-5, 6)
        ]
        assert any(np.array_equal(moved, window) for window in windows)

"""The two networks of the recipe: their sizes, their cost, and that only training distorts the images."""

import keras
import numpy as np

from recipes.convolution import cnn_cifar10


def multiplications(model):
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    return sum(
        np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3]) for layer in convolutions
    )


def test_parameters():
    assert cnn_cifar10.build_strided().count_params() == 300_170
    assert cnn_cifar10.build_slide().count_params() == 376_226


def test_slide_has_two_convolutions_before_each_of_three_pools():
    kinds = {keras.layers.Conv2D: "C", keras.layers.MaxPooling2D: "P", keras.layers.Dense: "F"}
    assert (
        "".join(kinds.get(type(layer), "") for layer in cnn_cifar10.build_slide().layers)
        == "CCPCCPCCPFFF"
    )


def test_networks_cost_about_the_same():
    strided, slide = (
        multiplications(build()) for build in (cnn_cifar10.build_strided, cnn_cifar10.build_slide)
    )
    assert 0.7 < slide / strided < 1.4


def test_training_mirrors_and_moves_by_whole_pixels():
    """With nearest-neighbour interpolation no new grey values appear."""
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype("uint8")
    model = cnn_cifar10.build_strided()
    augment = keras.Model(model.inputs, model.layers[1].output)
    np.testing.assert_allclose(
        np.asarray(augment([images], training=False)), images / 255, atol=1e-6
    )
    trained = np.rint(255 * np.asarray(augment([images], training=True)))
    assert np.abs(trained - images).max() > 50
    centre = trained[:, 8:24, 8:24]
    for moved, image in zip(centre, images, strict=True):
        windows = [
            version[8 + down : 24 + down, 8 + right : 24 + right]
            for version in (image, image[:, ::-1])
            for down in range(-5, 6)
            for right in range(-5, 6)
        ]
        assert any(np.array_equal(moved, window) for window in windows)

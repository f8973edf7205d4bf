"""The sizes of its feature maps, its data augmentation and its learning-rate schedule."""

import keras
import numpy as np
import pytest

from layers.random_affine import RandomAffine
from recipes.convolution import cnn_mnist


@pytest.fixture(scope="module")
def digits():
    return np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1)).astype("uint8")


def test_maps_shrink_by_halves_while_their_number_doubles():
    shapes = [layer.output.shape[1:] for layer in cnn_mnist.build_sequential().layers]
    assert [shape for n, shape in enumerate(shapes) if shape not in shapes[:n]] == [
        (28, 28, 1), (14, 14, 16), (14, 14, 32), (7, 7, 32), (7, 7, 64), (3, 3, 64), (576,), (10,),
    ]  # fmt: skip


def test_only_training_distorts_and_augment_zero_does_not(digits):
    """Two passes over the same images differ where the augmentation works, and only there."""

    def passes(augment, training):
        model = cnn_mnist.build_sequential(augment=augment)
        distort = keras.Model(model.inputs, model.layers[1].output)
        return [np.asarray(distort([digits], training=training)) for _ in range(2)]

    first, second = passes(1.0, training=True)
    assert np.abs(first - second).max() > 0.1
    for augment, training in ((1.0, False), (0.0, True)):
        for images in passes(augment, training):
            np.testing.assert_allclose(images, digits / 255, atol=1e-3)


@pytest.mark.parametrize("build", [cnn_mnist.build_sequential, cnn_mnist.build_functional])
@pytest.mark.parametrize("brightness", [0, 255])
def test_what_comes_in_from_outside_a_photograph_is_no_black_border(build, brightness):
    model = build(augment=2.0)
    (augment,) = [layer for layer in model.layers if isinstance(layer, RandomAffine)]
    distort = keras.Model(model.inputs, augment.output)
    paper = np.full((6, 28, 28, 1), brightness, "uint8")
    np.testing.assert_allclose(distort([paper], training=True), paper / 255, atol=1e-5)


def test_learning_rate_climbs_for_a_quarter_and_falls_to_zero():
    schedule = cnn_mnist.build_model(learning_rate=0.02, steps=400).optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 50, 100, 250, 400)]
    np.testing.assert_allclose(rates, [0, 0.01, 0.02, 0.01, 0], atol=1e-6)


def test_short_trainings_have_a_schedule_too():
    for steps in (1, 2, 3):
        schedule = cnn_mnist.build_model(steps=steps).optimizer._learning_rate
        assert all(0 <= float(schedule(step)) <= 0.02 for step in range(steps))

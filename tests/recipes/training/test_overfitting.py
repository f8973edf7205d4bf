"""T9, T10, T11: what is learned by heart, and what helps against it."""

import keras
import numpy as np
import pytest

from recipes._runner import data
from recipes.common.arrays import to_numpy
from recipes.training import overfitting as recipe


@pytest.fixture
def stand_in():
    data.choose(["fashion_mnist"], stand_in=True, rows=200)


@pytest.mark.usefixtures("stand_in")
def test_an_epoch_has_as_many_batches_however_few_examples_there_are():
    for examples in (10, 40):
        train, _, _ = recipe.load_data(examples, batch_size=5)
        images, _ = to_numpy(train)
        assert len(images) == 5 * recipe.STEPS
        assert len(np.unique(images.reshape(len(images), -1), axis=0)) == examples


@pytest.mark.usefixtures("stand_in")
def test_validation_images_are_none_of_those_learned_from():
    train, validation, _ = recipe.load_data(30)
    known = {image.tobytes() for image in to_numpy(train)[0]}
    others = {image.tobytes() for image in to_numpy(validation)[0]}
    assert not known & others


def test_images_are_changed_in_training_only():
    model = recipe.build_model(augmentation=True)
    before = keras.Sequential(model.layers[:-2])  # all but the dense layers
    image = np.zeros((1, 28, 28, 1), "float32")
    image[0, 10:14, 5:9] = 255
    images = np.repeat(image, 20, axis=0)
    assert before(images, training=False).numpy() == pytest.approx(images.reshape(20, -1) / 255)
    changed = before(images, training=True).numpy()
    assert len(np.unique(changed.round(3), axis=0)) > 10
    # Shifted by a pixel at most, and mirrored or not.
    places = changed.reshape(20, 28, 28) > 0.5
    rows = np.argwhere(places.any(axis=2))[:, 1]
    assert rows.min() >= 9
    assert rows.max() <= 14
    left = np.argwhere(places.any(axis=1))[:, 1] < 14
    assert 0.1 < left.mean() < 0.9


@pytest.mark.usefixtures("stand_in")
def test_a_large_network_learns_by_heart_and_a_tiny_one_cannot():
    """On labels that mean nothing."""
    train, _, _ = recipe.load_data(60, batch_size=60)
    images, _ = to_numpy(train.take(1))
    labels = np.random.default_rng(0).integers(0, 10, len(images))
    scores = {}
    for units in (200, 2):
        keras.utils.set_random_seed(0)
        model = recipe.build_model(units, learning_rate=0.01, steps=60)
        history = model.fit(images, labels, batch_size=60, epochs=60, verbose=0).history
        scores[units] = history["accuracy"][-1]
    assert scores[200] == 1
    assert scores[2] < 0.8

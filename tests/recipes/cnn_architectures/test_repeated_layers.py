"""A35: deep learning repeats one elementary layer, and beats features made by hand.

On 1,797 digits of 8 × 8 pixels, which scikit-learn contains.
"""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from recipes.common.network_cost import count_layers

CELL = 2  # pixels along each side of a cell
BINS = 9  # of directions, from 0 to π


def repeat_layers(depth, filters=32):
    """A network of `depth` equal convolutions, from (8, 8, 1) images to 10 class probabilities."""
    images = keras.Input((8, 8, 1))
    x = keras.layers.Rescaling(1 / 16)(images)
    for _ in range(depth):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(images, keras.layers.Dense(10, activation="softmax")(x))


def gradient_histograms(images):
    """HOG: how much contrast each cell of (count, 8, 8) images has in each direction."""
    down, right = np.gradient(images, axis=(1, 2))
    direction = np.arctan2(down, right) % np.pi
    direction = np.minimum((direction / np.pi * BINS).astype(int), BINS - 1)
    contrast = np.hypot(down, right)
    cells = 8 // CELL
    histograms = []
    for number in range(BINS):
        part = contrast * (direction == number)
        histograms.append(part.reshape(-1, cells, CELL, cells, CELL).sum(axis=(2, 4)))
    features = np.stack(histograms, axis=-1).reshape(len(images), -1)
    return features / np.linalg.norm(features, axis=1, keepdims=True)


@pytest.mark.slides
@pytest.mark.parametrize("depth", [1, 2, 8])
def test_one_function_builds_every_depth(depth):
    model = repeat_layers(depth)
    assert count_layers(model) == depth + 1
    first, further, last = 9 * 32 + 32, 9 * 32 * 32 + 32, 64 * 32 * 10 + 10
    assert model.count_params() == first + (depth - 1) * further + last


def test_histograms_of_an_edge():
    """To the right of column 1: the cells on both sides see contrast in the direction 0."""
    image = np.zeros((1, 8, 8))
    image[0, :, 2:] = 1
    expected = np.zeros((4, 4, BINS))
    expected[:, :2, 0] = np.sqrt(1 / 8)
    np.testing.assert_allclose(gradient_histograms(image)[0], expected.ravel())


@pytest.mark.full
def test_learned_from_end_to_end_it_beats_features_made_by_hand():
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8)
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:1200], order[1200:]
    features = gradient_histograms(images)
    machine = SVC(C=10).fit(features[train], labels[train])
    by_hand = machine.score(features[test], labels[test])
    assert by_hand > 0.95
    model = repeat_layers(3)
    rate = keras.optimizers.schedules.CosineDecay(0.002, 12 * 38)
    model.compile(
        keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(images[train, ..., None], labels[train], batch_size=32, epochs=12, verbose=0)
    learned = model.evaluate(images[test, ..., None], labels[test], verbose=0)[1]
    assert learned > by_hand

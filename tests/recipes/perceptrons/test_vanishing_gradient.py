"""P30, P31: how much gradient comes through ten layers, and where the pictures have it from."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.perceptrons import vanishing_gradient as recipe
from recipes.perceptrons.figures import vanishing_gradient as figures

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (40, 28, 28, 1)).astype("uint8")
LABELS = rng.integers(0, 10, 40)


@pytest.fixture(scope="module")
def layers():
    return figures.by_layer(IMAGES, LABELS)


@pytest.mark.slides
def test_a_sigmoids_slope_is_a_quarter_at_most_and_ten_leave_a_millionth():
    z = keras.ops.arange(-8, 8, 0.01)
    slopes = keras.ops.sigmoid(z) * (1 - keras.ops.sigmoid(z))
    assert float(keras.ops.max(slopes)) == pytest.approx(0.25)
    assert f"{0.25**10:.2e}" == "9.54e-07"


def test_sizes_are_root_mean_squares_of_the_derivatives():
    model = recipe.build_model(depth=1, units=3)
    sizes = recipe.gradient_sizes(model, IMAGES, LABELS)
    assert sizes.shape == (2,)
    # The last layer's by hand: outputs of the hidden layer times probabilities minus labels.
    hidden = keras.Sequential(model.layers[:-1])(IMAGES).numpy()
    errors = model(IMAGES).numpy() - np.eye(10)[LABELS]
    derivatives = hidden.T @ errors / len(IMAGES)
    np.testing.assert_allclose(sizes[-1], np.sqrt(np.mean(derivatives**2)), rtol=1e-4)


def test_sigmoids_lose_the_gradient_and_relu_with_scaled_weights_keeps_it(layers):
    kept = {name: sizes[0] / sizes[-1] for name, sizes in layers.items()}
    assert kept["relu", "scaled"] > 0.1
    assert kept["sigmoid", "scaled"] < 1e-4
    assert kept["sigmoid", "small"] < 1e-12
    # With small weights nothing passes through ReLUs either, neither forward nor backward.
    assert layers["relu", "small"].max() < 1e-3 * layers["relu", "scaled"].min()


def test_gradients_by_depth_are_those_of_the_first_layer(layers, monkeypatch):
    monkeypatch.setattr(figures, "DEPTHS", (1, 10))
    depths = figures.by_depth(IMAGES, LABELS)
    for activation in ("relu", "sigmoid"):
        _, deep = depths[activation]
        assert deep == pytest.approx(layers[activation, "scaled"][0])
    shallow, deep = depths["sigmoid"]
    assert deep < 1e-4 * shallow


def test_every_epoch_has_as_many_images_however_few_have_labels(monkeypatch):
    images = tf.data.Dataset.range(60).map(lambda number: (tf.fill((28, 28, 1), number), number))
    monkeypatch.setattr(recipe.tfds, "load", lambda *_, **__: (images, images, images))
    monkeypatch.setattr(recipe, "IMAGES", 100)
    for labels in (50, 10):
        train, _, _ = recipe.load_data(labels, batch_size=10)
        seen = np.concatenate([numbers for _, numbers in train.as_numpy_iterator()])
        assert len(seen) == 100
        assert len(np.unique(seen)) == labels
        assert len(train) == 10


def test_the_table_has_each_network_in_its_place():
    names = list(recipe.VARIANTS)
    figure = figures.plot_accuracies(dict(zip(names, np.linspace(0.1, 0.8, 8), strict=True)))
    many, few = (axis.images[0].get_array() for axis in figure.axes[:2])
    np.testing.assert_allclose(many, [[0.1, 0.2], [0.3, 0.4]])
    np.testing.assert_allclose(few, [[0.5, 0.6], [0.7, 0.8]])
    assert "ReLU and scaled weights 50%, others 80%" in figure.get_suptitle()

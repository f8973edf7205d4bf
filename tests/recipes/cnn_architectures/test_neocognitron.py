"""S-cells by Fukushima's formula; templates by hand; trained layers tolerate shifts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.cnn_architectures import neocognitron as recipe
from recipes.cnn_architectures.figures import neocognitron as figures
from tests.layers.conformance import check_layer


def fukushima(window, template, threshold):
    """The S-cell of the paper with grown weights: r · relu((1 + excited) / (1 + inhibited) − 1).

    Excitation is the product with a multiple of the template, inhibition the same multiple of the
    window's length; θ = r / (1 + r) is the threshold of the cosine.
    """
    gain = 1 / (recipe.EPSILON * threshold)
    r = threshold / (1 - threshold)
    excited = gain * np.sum(template * window)
    inhibited = gain * np.linalg.norm(window)
    return r * max((1 + excited) / (1 + threshold * inhibited) - 1, 0)


def test_s_cells_are_those_of_the_paper():
    rng = np.random.default_rng(0)
    layer = recipe.SCells(planes=3, threshold=0.6)
    maps = rng.uniform(0, 1, (1, 5, 5, 2)).astype("float32")
    layer.build(maps.shape)
    # The first template is what is seen, the second resembles it, the third has not grown.
    templates = np.zeros((5, 5, 2, 3), "float32")
    templates[..., 0] = maps[0]
    templates[..., 1] = maps[0] * rng.uniform(0, 1, maps[0].shape)
    lengths = np.linalg.norm(templates.reshape(-1, 3), axis=0)
    templates /= np.maximum(lengths, 1)
    layer.templates.assign(templates)
    answers = np.asarray(layer(maps))[0, 2, 2]
    expected = [fukushima(maps[0], templates[..., plane], 0.6) for plane in range(3)]
    np.testing.assert_allclose(answers, expected, rtol=1e-4)
    assert 0.9 < answers[0] < 1, "it sees its own template"
    assert answers[1] > 0
    assert answers[2] == 0


def test_s_cells_stand_the_conformance_harness():
    """With weights that could be trained, for those that have not grown are zero."""

    def by_loops(maps, weights):
        (templates,) = weights
        padded = np.pad(maps, [(0, 0), (2, 2), (2, 2), (0, 0)])
        answers = np.zeros((2, 6, 7, 3))
        for image, row, column, plane in np.ndindex(answers.shape):
            window = padded[image, row : row + 5, column : column + 5]
            answers[image, row, column, plane] = fukushima(window, templates[..., plane], 0.4)
        return answers

    check_layer(
        recipe.SCells,
        {"planes": 3, "threshold": 0.4, "trainable": True},
        inputs=np.random.default_rng(0).uniform(0, 1, (2, 6, 7, 2)).astype("float32"),
        reference=by_loops,
        parameters=5 * 5 * 2 * 3,
        bad_arguments=[{"planes": 0}, {"threshold": -0.1}, {"threshold": 1.0}],
        bad_shapes=[(6, 7, 2), (2, 6, 7, 2, 1)],
        tolerance=1e-4,
    )


def test_c_cells_average_and_saturate():
    x = np.zeros((1, 4, 4, 1), "float32")
    x[0, 1, 1] = 9 * recipe.SATURATION
    y = np.asarray(recipe.c_cells(x))[0, :, :, 0]
    # Averages of 3 × 3 cells from the edge on: one of nine, and the last ones see none.
    np.testing.assert_allclose(y, [[0.5, 0], [0, 0]])


def test_the_winner_learns_and_where_all_are_silent_a_template_grows():
    right = [1.0, 0.0, 0.0]
    nearly = [0.8, 0.6, 0.0]
    up = [0.0, 0.0, 1.0]
    windows = np.array([right, nearly, up, up, [0.0, 1.0, 0.0]])
    templates = recipe.learn_templates(windows, planes=3, threshold=0.7)
    middle = np.array([1.8, 0.6, 0]) / np.hypot(1.8, 0.6)
    np.testing.assert_allclose(templates, [middle, up, [0, 1, 0]], atol=1e-6)
    # With a higher threshold both grow, and then there is no plane left for the fourth.
    templates = recipe.learn_templates(windows, planes=3, threshold=0.9)
    np.testing.assert_allclose(templates, [right, nearly, up], atol=1e-6)


def test_windows_have_unit_length_and_faint_ones_are_left_out(monkeypatch):
    monkeypatch.setattr(recipe, "WINDOWS", 300)
    maps = np.zeros((2, 8, 8, 3), "float32")
    maps[1, 4, 4] = [0.6, 0, 0.8]
    maps[0] = 0.01
    windows = recipe.sample_windows(maps, np.random.default_rng(0))
    assert 0 < len(windows) < 300
    np.testing.assert_allclose(np.linalg.norm(windows, axis=1), 1, rtol=1e-5)
    # What is left sees the bright cell, each at its place of the window: planes vary fastest.
    colors = windows.reshape(-1, 25, 3).sum(axis=1)
    np.testing.assert_allclose(colors, np.tile([0.6, 0, 0.8], (len(windows), 1)), rtol=1e-5)


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(recipe, "LAYERS", [(4, 0.75, 0.7), (6, 0.7, 0.6), (8, 0.7, 0.4)])
    monkeypatch.setattr(recipe, "IMAGES", 20)
    monkeypatch.setattr(recipe, "WINDOWS", 400)


def bars(count):
    """Upright and lying bars, and their labels."""
    images = np.zeros((count, 28, 28, 1), "uint8")
    images[::2, 12:20, 15:17] = 250
    images[1::2, 15:17, 12:20] = 250
    return images, np.arange(count) % 2


@pytest.mark.usefixtures("few")
def test_all_layers_learn_without_labels_and_forgive_shifts():
    keras.utils.set_random_seed(0)
    images, labels = bars(20)
    train = tf.data.Dataset.from_tensor_slices((images, 0 * labels)).batch(10)
    model = recipe.build_model(train=train)
    for layer in model.layers:
        if isinstance(layer, recipe.SCells):
            lengths = np.linalg.norm(np.asarray(layer.templates).reshape(-1, layer.planes), axis=0)
            assert lengths[0] == pytest.approx(1, rel=1e-4)
            assert not layer.trainable_weights
    last = next(
        layer for layer in model.layers if "pooling2d" in layer.name and "max" in layer.name
    )
    features = keras.Model(model.input, last.output)
    plain = np.asarray(features(images[:2]))
    moved = np.asarray(features(figures.shift_image(images[:2], -4, -4)))
    # Four pixels are one step of the second C-layer: only what the border cuts may change.
    np.testing.assert_allclose(moved, plain, atol=0.05)
    assert np.abs(plain[0] - plain[1]).max() > 0.5, "the bars differ"


def test_lenet_is_no_larger():
    model = recipe.build_model(network="lenet")
    # 5 × 5 windows of 1 and 6 channels, 400 inputs to 84 units, and these to 10.
    assert model.count_params() == 156 + 2416 + 400 * 84 + 84 + 850


def test_images_are_shifted_in_four_directions():
    image = np.arange(6, dtype="uint8").reshape(1, 2, 3, 1)
    assert figures.shift_image(image, 1, 0)[0, :, :, 0].tolist() == [[0, 0, 0], [0, 1, 2]]
    assert figures.shift_image(image, 0, -2)[0, :, :, 0].tolist() == [[2, 0, 0], [5, 0, 0]]
    moved, labels = figures.all_directions(image, np.array([7]), 1)
    assert len({each.tobytes() for each in moved}) == 4
    assert labels.tolist() == [7] * 4

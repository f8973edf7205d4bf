"""T12: the same units with shared weights, with their own, and connected to all."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes._runner import data
from recipes.common.arrays import to_numpy
from recipes.training import weight_sharing as recipe
from recipes.training.figures import weight_sharing as figures
from tests.layers.conformance import check_layer


def by_loops(inputs, weights):
    """Three filters of 3 × 3, stride 2, with weights of their own at each position."""
    kernel, bias = weights
    rows, columns, _, filters = kernel.shape
    found = np.zeros((len(inputs), rows, columns, filters))
    for row in range(rows):
        for column in range(columns):
            seen = inputs[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            seen = seen.reshape(len(inputs), -1)
            found[:, row, column] = seen @ kernel[row, column] + bias[row, column]
    return np.maximum(found, 0)


def test_conformance():
    check_layer(
        recipe.LocallyConnected2D,
        {"filters": 3, "kernel_size": 3, "strides": 2, "activation": "relu"},
        (2, 8, 7, 2),
        reference=by_loops,
        parameters=9 * (18 * 3 + 3),
        unknown_sizes=False,
    )


def test_unknown_sizes_are_refused():
    with pytest.raises(ValueError, match="height, width"):
        recipe.LocallyConnected2D(3, 3)(keras.Input((None, 8, 1)))


def test_with_the_same_filters_everywhere_it_is_a_convolution():
    images = np.random.default_rng(0).normal(size=(2, 11, 9, 2)).astype("float32")
    convolution = keras.layers.Conv2D(4, 5, strides=2)
    expected = convolution(images)
    local = recipe.LocallyConnected2D(4, 5, strides=2)
    rows, columns = local(images).shape[1:3]
    kernel, bias = convolution.get_weights()
    kernel = np.broadcast_to(kernel.reshape(50, 4), (rows, columns, 50, 4))
    local.set_weights([kernel, np.broadcast_to(bias + 0.5, (rows, columns, 4))])
    np.testing.assert_allclose(local(images), expected + 0.5, atol=1e-5)


@pytest.mark.parametrize(
    ("connections", "count"), [("convolution", 5994), ("local", 83_978), ("full", 1_202_058)]
)
def test_same_units_and_a_fourteenth_of_the_parameters(connections, count):
    model = recipe.build_model(connections)
    assert model.count_params() == count
    shapes = [layer.output.shape[1:] for layer in model.layers]
    assert (12, 12, 8) in shapes
    assert (4, 4, 16) in shapes


def test_weights_are_as_large_at_the_start_as_those_of_a_convolution():
    keras.utils.set_random_seed(0)
    convolution, local = (recipe.build_model(name) for name in ("convolution", "local"))
    for index in (1, 2):
        expected = np.std(convolution.layers[index].kernel)
        assert np.std(local.layers[index].kernel) == pytest.approx(expected, rel=0.15)


def test_an_epoch_has_the_same_images_twice():
    data.choose(["mnist"], stand_in=True, rows=200)
    train, _, _ = recipe.load_data(batch_size=5)
    images, _ = to_numpy(train)
    _, counts = np.unique(images.reshape(len(images), -1), axis=0, return_counts=True)
    assert set(counts) == {recipe.REPEATS}


def test_images_are_moved_by_so_many_pixels_in_all_directions(monkeypatch):
    asked = []

    class Model:
        def predict(self, images, **_):
            asked.append([tuple(np.argwhere(image[..., 0])[0]) for image in images])
            return np.eye(10)[[3, 4]]

    images = np.zeros((2, 28, 28, 1), "uint8")
    images[0, 10, 12] = images[1, 14, 9] = 255
    monkeypatch.setattr(figures, "SHIFTS", (0, 3))
    found = figures.accuracy_by_shift(Model(), images, np.array([3, 5]))
    np.testing.assert_allclose(found, [0.5, 0.5])
    assert asked[0] == [(10, 12), (14, 9)]
    assert sorted(first for first, _ in asked[1:]) == [(7, 12), (10, 9), (10, 15), (13, 12)]


def test_the_picture_has_errors_and_not_accuracies():
    scores = {"convolution": (5994, 1.0, 0.95), "full": (1_202_058, 0.99, 0.9)}
    shifted = {name: np.linspace(0.9, 0.5, len(figures.SHIFTS)) for name in scores}
    left, right = figures.plot_generalization(scores, shifted).axes
    dots = [line for line in left.lines if line.get_marker() == "o"]
    points = {(line.get_xdata()[0], round(line.get_ydata()[0], 3)) for line in dots}
    assert points == {(5994, 0.05), (5994, 0.0), (1_202_058, 0.1), (1_202_058, 0.01)}
    np.testing.assert_allclose(right.lines[0].get_ydata(), shifted["convolution"])
    figures.plt.close("all")


def test_all_three_learn():
    """Which of four corners of an image is bright."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 200)
    images = rng.integers(0, 60, (200, 28, 28, 1)).astype("uint8")
    for image, label in zip(images, labels, strict=True):
        row, column = 14 * (label // 2), 14 * (label % 2)
        image[row : row + 14, column : column + 14] += 180
    for connections in ("convolution", "local", "full"):
        keras.utils.set_random_seed(0)
        model = recipe.build_model(connections, filters=4, learning_rate=0.01, steps=60)
        dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(20)
        model.fit(dataset, epochs=6, shuffle=False, verbose=0)
        assert model.evaluate(dataset, verbose=0, return_dict=True)["accuracy"] > 0.9

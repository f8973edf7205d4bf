"""What the pictures show: upsampling, checkerboards, times of both variants, errors, a ratio."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.convolution import pooling as recipe
from recipes.convolution.figures import pooling as figures


@pytest.mark.parametrize("factor", [2, 3])
def test_upsampling_equals_keras(factor):
    maps = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    expected = np.asarray(keras.layers.UpSampling2D(factor)(maps[None]))[0]
    np.testing.assert_array_equal(figures.upsample(maps, factor), expected)


def test_checkerboard():
    uneven, even = figures.overlap(3, 2), figures.overlap(4, 2)
    assert np.unique(uneven[2:-2, 2:-2]).tolist() == [1, 2, 4]
    assert np.unique(even[2:-2, 2:-2]).tolist() == [4]


def test_times_are_taken_of_both():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 28, 28, 1)).astype("uint8")
    spent = figures.milliseconds(images, rng.integers(0, 10, 8), rounds=2)
    assert set(spent) == set(recipe.VARIANTS)
    for inference, step in spent.values():
        assert 0 < inference < step


def test_least_errors():
    histories = {"max": {"val_accuracy": [0.9, 0.97, 0.96]}, "average": {"val_accuracy": [0.5]}}
    assert figures.least_errors(histories) == pytest.approx({"max": 3, "average": 50})


def test_title_compares_training_steps():
    spent = {"max": np.array([1, 30]), "average": np.array([5, 20])}
    figure = figures.plot_comparison(spent, {"max": 3, "average": 4})
    assert "max pooling takes 1.50 times" in figure.get_suptitle()
    assert [bar.get_height() for axis in figure.axes for bar in axis.patches] == [
        1,
        5,
        30,
        20,
        3,
        4,
    ]
    plt.close(figure)

"""The pictures show an X above an O, and numbers as short as they can be."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.convolution import x_image as recipe
from recipes.convolution.figures import x_image as figures


def test_first_of_each():
    images = np.arange(4.0)[:, None, None, None] * np.ones((1, 2, 2, 1))
    pair = figures.first_of_each(images, np.array([[0], [0], [1], [1]]))
    assert pair[:, 0, 0, 0].tolist() == [2, 0]


def test_short():
    assert [figures.short(value) for value in (5 / 9, -1.0, 0.0, -1 / 9)] == [
        ".56",
        "−1",
        "0",
        "−.11",
    ]


def test_each_map_stands_below_its_filter():
    keras.utils.set_random_seed(0)
    model = recipe.build_model()
    kernel, bias = model.layers[0].get_weights()
    images, _ = recipe.drawings(2, seed=0)
    figure = figures.plot_learned(model, images)
    axes = np.reshape(figure.axes, (3, 9))
    np.testing.assert_allclose(axes[0, 3].images[0].get_array(), kernel[:, :, 0, 2], atol=1e-6)
    window = images[1, 4:7, 5:8, 0]
    expected = max(0, np.sum(window * kernel[:, :, 0, 2]) + bias[2])
    assert np.isclose(axes[2, 3].images[0].get_array()[4, 5], expected, atol=1e-5)
    plt.close(figure)

"""Accuracies stand beside their classes."""

import numpy as np
from matplotlib import pyplot as plt

from recipes.convolution.cnn_cifar10 import CLASSES
from recipes.convolution.figures import cnn_cifar10


def test_class_accuracies():
    predicted = [0, 1, 2, 2, 2]
    accuracies = cnn_cifar10.class_accuracies(np.array([0, 0, 0, 2, 2]), np.eye(4)[predicted])
    np.testing.assert_allclose(accuracies, [1 / 3, np.nan, 1, np.nan])


def test_title_names_the_easiest_and_the_hardest_class():
    low = np.linspace(0.2, 0.6, 10)
    low[[3, 8]] = 0.1, 0.9
    high = np.linspace(0.9, 0.5, 10)
    high[[3, 8]] = 0.3, 0.8
    high[5] = np.nan
    figure = cnn_cifar10.plot_class_accuracies({"slide": low, "strided": high})
    (axis,) = figure.axes
    assert axis.get_title() == "The easiest class is ship, the hardest cat"
    assert [label.get_text() for label in axis.get_xticklabels()] == CLASSES
    plt.close(figure)

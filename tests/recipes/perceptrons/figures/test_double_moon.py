"""Each network's errors are counted on its own points, at its own threshold."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.perceptrons import double_moon as recipe
from recipes.perceptrons.figures import double_moon as figures


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_misclassified():
    labels = np.array([[1], [1], [0], [0]])
    scores = np.array([0.7, 0.3, 0.2, -0.1])
    assert figures.misclassified(scores, labels, 0.5).tolist() == [False, True, False, False]
    assert figures.misclassified(scores, labels, 0.0).tolist() == [False, False, True, False]


def test_titles_give_the_error_of_the_network_and_of_least_squares():
    """The model fires above y = 1, at a probability of ½; the other line is y = −1, score 0."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.set_weights([np.array([[0.0], [1.0]]), np.array([-1.0])])
    points = np.array([[0, 2], [0, 0], [0, -2], [0, -3]], "float32")
    labels = np.array([[1], [1], [1], [0]])
    _, axis = plt.subplots()
    figures.plot_boundary(axis, "d = 1", model, points, labels, 0.5, line=(0, 1, 1))
    assert axis.get_title() == "d = 1: error 50.00 %\n(dashed, least squares: 25.00 %)"


def test_variants_are_tested_at_their_own_distance():
    models = {name: recipe.build_model(args["network"]) for name, args in recipe.VARIANTS.items()}
    axes = figures.figures(models, None, None)["boundaries"].axes
    starts = [axis.get_title().partition(":")[0] for axis in axes]
    assert starts == ["d = 1, perceptron", "d = −4, perceptron", "d = −4, hidden layer"]

"""What titles say: where LeNet is ahead, the least certain digits, and their errors."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.convolution import lenet_robustness as recipe
from recipes.convolution.figures import lenet_robustness as figures


def test_ahead_means_a_higher_mean_without_the_first_strength():
    accuracies = {"lenet": {}, "mlp": {}}
    for kind in recipe.STRENGTHS:
        accuracies["lenet"][kind] = [1.0, 0.5, 0.5]
        accuracies["mlp"][kind] = [0.0, 0.6, 0.5]
    accuracies["lenet"]["shift"] = [0.0, 0.7, 0.5]
    assert figures.kinds_ahead(accuracies) == ["shift"]


def test_least_certain_come_first():
    probabilities = np.array([[0.9, 0.1, 0], [0.4, 0.35, 0.25], [0.5, 0.5, 0], [0, 0.2, 0.8]])
    assert figures.least_certain(probabilities, 3).tolist() == [1, 2, 3]
    assert figures.error_rate(np.array([0, 1, 2, 2]), probabilities) == pytest.approx(0.5)


def test_odd_cases_are_compared_with_all_digits():
    rng = np.random.default_rng(0)
    probabilities = np.zeros((50, 10))
    probabilities[:, 0] = np.linspace(0.3, 0.99, 50)
    labels = np.zeros(50, int)
    labels[:10] = 1  # ten errors, all of them among the least certain
    figure = figures.plot_odd_cases(rng.random((50, 28, 28, 1)), labels, probabilities)
    assert "40% errors" in figure.get_suptitle()
    assert "20.0% over all" in figure.get_suptitle()
    plt.close(figure)

"""P14 and N23: the rule is gradient descent, and where it leads."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.perceptrons import adaline as recipe
from recipes.perceptrons.figures import adaline as figures

X, D = recipe.examples(500, seed=1)
BEST = recipe.least_squares(X, D)


def test_update_is_minus_the_gradient():
    w, h = np.array([0.3, -1.2, 2.0]), 1e-4
    for n, unit in enumerate(np.eye(3)):
        slope = (figures.error(w + h * unit, X, D) - figures.error(w - h * unit, X, D)) / (2 * h)
        assert figures.update(w, X, D, rate=0.1)[n] == pytest.approx(-0.1 * slope, rel=1e-6)


def test_error_by_hand():
    x, d = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[3.0], [1.0]])
    assert figures.error(np.array([1.0, 0.5, 0.0]), x, d) == 0.5 * ((3 - 2) ** 2 + (1 + 0.5) ** 2)


def test_a_step_in_keras_is_the_slides_with_another_rate():
    model = recipe.build_model(learning_rate=0.1, steps=10**9)
    model.train_on_batch(X[:10], D[:10])
    learned = np.concatenate([np.ravel(weight) for weight in model.get_weights()])
    expected = figures.update(np.zeros(3), X[:10], D[:10], rate=0.1 * 2 / 10)
    assert learned == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_descent_arrives_below_the_largest_rate(share):
    trajectory = figures.descend(X, D, share * figures.largest_rate(X), 2000)
    assert trajectory[-1] == pytest.approx(BEST, abs=1e-6)
    assert (np.diff([figures.error(w, X, D) for w in trajectory]) <= 1e-6).all()


def test_descent_diverges_above_it():
    excess = figures.excess_error(figures.descend(X, D, 1.01 * figures.largest_rate(X), 500), X, D)
    assert excess[-1] > 10 * excess[0]


def test_excess_error_is_none_at_the_least_squares_solution():
    excess = figures.excess_error([BEST, np.zeros(3)], X, D)
    assert excess[0] == pytest.approx(0)
    least = figures.error(BEST, X, D)
    assert excess[1] == pytest.approx((figures.error(np.zeros(3), X, D) - least) / least)


def test_lms_wanders_about_the_solution():
    trajectory = figures.lms(*recipe.examples(20_000, seed=5), rate=0.005)
    assert trajectory[10_000:].mean(0) == pytest.approx(recipe.TRUE, abs=0.05)
    assert np.linalg.norm(trajectory[10_000:] - recipe.TRUE, axis=1).max() < 0.3


def test_the_cross_is_the_trained_network():
    model = recipe.build_model()
    model.set_weights([np.array([[1.5], [-2.5]]), np.array([0.0])])
    figure = figures.figures(model, None, {})["descent"]
    (cross,) = (line for line in figure.axes[0].lines if line.get_label() == "trained in Keras")
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (1.5, -2.5)
    plt.close(figure)

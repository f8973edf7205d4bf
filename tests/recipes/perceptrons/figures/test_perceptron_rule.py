"""P6, P13: the fifty attempts, and the line in two dimensions (N22)."""

import numpy as np
import pytest
import tensorflow as tf

from recipes.perceptrons import perceptron_rule as recipe
from recipes.perceptrons.figures import perceptron_rule as figures


def test_numpy_and_keras_learn_the_same():
    curves = figures.accuracy_by_card(seeds=[4, 5], shown=50)
    cards, labels = recipe.cards(1000, seed=1_000_000)
    for curve, seed in zip(curves, (4, 5), strict=True):
        model = recipe.build_model()
        shown = tf.data.Dataset.from_tensor_slices(recipe.cards(50, seed)).batch(1)
        model.fit(shown, shuffle=False, verbose=0)
        assert np.mean(np.asarray(model(cards)) == labels) == pytest.approx(curve[-1])


def test_left_and_right_after_fifty_attempts():
    curves = figures.accuracy_by_card(shown=50)
    assert curves.shape == (30, 51)
    assert curves[:, 0] == pytest.approx(np.full(30, 0.5))
    assert curves[:, 50].mean() > 0.97


def test_cards_until_perfect():
    curves = np.array([[0.5, 0.9, 1, 0.9, 1], [0.5, 0.6, 0.7, 0.8, 0.9], [0.5, 0.5, 0.5, 1, 1]])
    assert figures.cards_until_perfect(curves) == [2, 3]
    mean, perfect, median = figures.summary(curves, shown=1)
    assert mean == pytest.approx((0.9 + 0.6 + 0.5) / 3)
    assert (perfect, median) == (2, 2.5)
    _, perfect, median = figures.summary(curves[1:2], shown=1)
    assert perfect == 0
    assert np.isnan(median)


def test_line_in_two_dimensions():
    """x₂ = −(w₁/w₂) x₁ − b/w₂: on it s = 0; another b shifts it in parallel."""
    kernel = np.array([[1.5], [-0.4]])
    slope, offset = figures.line(kernel, np.array([0.7]))
    assert slope == pytest.approx(1.5 / 0.4, abs=1e-6)
    x1 = np.linspace(-3, 3, 7)
    assert 1.5 * x1 - 0.4 * (slope * x1 + offset) + 0.7 == pytest.approx(np.zeros(7), abs=1e-12)
    parallel, higher = figures.line(kernel, np.array([1.1]))
    assert parallel == slope
    assert higher - offset == pytest.approx(-(1.1 - 0.7) / -0.4)


def test_equation():
    assert figures.equation(-0.75, 0.125) == "x₂ = −0.75 x₁ + 0.12"
    assert figures.equation(2, -3) == "x₂ = 2.00 x₁ − 3.00"

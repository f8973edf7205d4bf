"""Derivatives of activations, what 50 steps make of a gradient, and how long a number is kept."""

import numpy as np
import pytest

from recipes.recurrent.figures import irnn as pictures


def test_derivatives_are_at_most_a_quarter_or_one():
    x = np.linspace(-6, 6, 1201)
    for name, most in (("sigmoid", 0.25), ("tanh", 1.0)):
        assert pictures.derivative(name, x).max() == pytest.approx(most)
        assert pictures.derivative(name, [0.0])[0] == pytest.approx(most)
    for name, negative in (("relu", 0.0), ("leaky_relu", 0.2)):
        assert set(pictures.derivative(name, x[x > 0.01])) == {1.0}
        assert pictures.derivative(name, [-3.0]) == pytest.approx(negative)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_fifty_steps_leave_all_of_the_gradient_with_relu_and_identity(activation):
    assert pictures.gradient_through(activation) == pytest.approx(np.ones(51))


def test_fifty_steps_leave_little_of_the_gradient_with_tanh_and_nothing_with_a_sigmoid():
    tanh = pictures.gradient_through("tanh")
    assert tanh[0] < 0.5 < tanh[-1] == pytest.approx(1)
    assert pictures.gradient_through("tanh", recurrent="glorot_uniform", noise=1.0)[0] < 1e-3
    sigmoid = pictures.gradient_through("sigmoid")
    ten_steps = 0.25 ** np.arange(10, 0, -1)  # 9.54e-7 and more
    assert np.all(sigmoid[-11:-1] <= ten_steps * 1.001)
    assert sigmoid[0] <= 0.25**50


def test_steps_from_the_first_mark_to_the_end():
    inputs = np.zeros((2, 10, 2))
    inputs[0, [0, 7], 1] = 1
    inputs[1, [4, 9], 1] = 1
    assert pictures.steps_kept(inputs).tolist() == [10, 6]


def test_share_of_correct_answers_by_steps():
    kept = np.array([5, 6, 7, 8, 9, 9])
    correct = np.array([True, False, True, True, False, False])
    assert pictures.share_correct(correct, kept, [5, 7, 8, 10]) == pytest.approx([50, 100, 100 / 3])

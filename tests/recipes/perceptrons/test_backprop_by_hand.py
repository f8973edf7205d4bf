"""P15 to P19: derivatives, gradients, adjoints by hand against the tape (N20, N23 to N25, N36)."""

import numpy as np
import pytest
import tensorflow as tf

from recipes.perceptrons import backprop_by_hand as recipe
from recipes.perceptrons.backprop_by_hand import Value

RNG = np.random.default_rng(0)


def tape(function, *arguments):
    """The function's value and its gradients, by TensorFlow."""
    variables = [tf.Variable(argument, dtype="float64") for argument in arguments]
    with tf.GradientTape() as recorder:
        value = function(*variables)
    return float(value), [gradient.numpy() for gradient in recorder.gradient(value, variables)]


def test_sigmoid():
    z = np.linspace(-8, 8, 1001)
    assert recipe.sigmoid(0) == 0.5
    assert recipe.sigmoid_derivative(0) == 0.25 == recipe.sigmoid_derivative(z).max()
    assert recipe.sigmoid_derivative(z) == pytest.approx(
        (recipe.sigmoid(z + 1e-5) - recipe.sigmoid(z - 1e-5)) / 2e-5, abs=1e-9
    )


def test_ten_sigmoids_shrink_a_gradient():
    x = value = Value(0.3)
    for _ in range(10):
        value = value.sigmoid()
    value.backward()
    assert 0 < x.grad <= 0.25**10 == pytest.approx(9.54e-7, rel=1e-3)


def test_f_of_the_slide():
    x, y, z = Value(-2), Value(5), Value(-4)
    f = (x + y) * z
    f.backward()
    assert (f.data, x.grad, y.grad, z.grad) == (-12, -4, -4, 3)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda x, y: (x + y) * x, lambda x, y: (x + y) * x),
        (lambda x, y: (1 + (-(x * y + 2)).exp()) ** -1, lambda x, y: tf.sigmoid(x * y + 2)),
        (lambda x, y: (x**2 + y**2).log() - x / y, lambda x, y: tf.math.log(x**2 + y**2) - x / y),
        (lambda x, y: ((x * y).sigmoid() - y) ** 3, lambda x, y: (tf.sigmoid(x * y) - y) ** 3),
        (
            lambda x, y: 2 - (x.exp() + y.exp()).log() * x,
            lambda x, y: 2 - tf.reduce_logsumexp([x, y]) * x,
        ),
    ],
)
def test_our_tape_is_as_good_as_tensorflows(ours, theirs):
    for numbers in RNG.uniform(0.2, 2, (5, 2)):
        x, y = map(Value, numbers)
        f = ours(x, y)
        f.backward()
        value, gradients = tape(theirs, *numbers)
        assert f.data == pytest.approx(value)
        assert [x.grad, y.grad] == pytest.approx(gradients)


def energy(f, x, d):
    return lambda w_hidden, w_out: 0.5 * tf.reduce_sum((d - w_out @ f(w_hidden @ x)) ** 2)


@pytest.mark.parametrize(
    ("f", "derivative", "theirs"),
    [
        (recipe.sigmoid, recipe.sigmoid_derivative, tf.sigmoid),
        (np.tanh, lambda s: 1 - np.tanh(s) ** 2, tf.tanh),
        (lambda s: np.maximum(s, 0), lambda s: s > 0, tf.nn.relu),
    ],
)
def test_gradients_of_a_network(f, derivative, theirs):
    x, d = RNG.normal(size=(3, 20)), RNG.normal(size=(2, 20))
    w_hidden, w_out = RNG.normal(size=(5, 3)), RNG.normal(size=(2, 5))
    error, *gradients = recipe.backprop(w_hidden, w_out, x, d, f, derivative)
    value, expected = tape(energy(theirs, x, d), w_hidden, w_out)
    assert error == pytest.approx(value)
    for ours, other in zip(gradients, expected, strict=True):
        assert ours == pytest.approx(other, abs=1e-10)


def test_the_slides_rule_is_the_gradient_of_linear_units_only():
    x, d = RNG.normal(size=(3, 20)), RNG.normal(size=(2, 20))
    weights = RNG.normal(size=(5, 3)), RNG.normal(size=(2, 5))
    _, linear, _ = recipe.backprop(*weights, x, d, lambda s: s, derivative=None)
    assert linear == pytest.approx(tape(energy(lambda s: s, x, d), *weights)[1][0], abs=1e-10)
    _, printed, _ = recipe.backprop(*weights, x, d, derivative=None)
    assert np.abs(printed - tape(energy(tf.sigmoid, x, d), *weights)[1][0]).max() > 0.1


def test_the_slides_rule_by_hand():
    """δᵢ = dᵢ − yᵢ, Δwᵢⱼ = γ δᵢ vⱼ, δⱼ = Σ wᵢⱼ δᵢ, Δwⱼₖ = γ δⱼ xₖ, with linear hidden units."""
    w_hidden, w_out = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[3.0, -2.0]])
    x, d = np.array([[1.0], [2.0]]), np.array([[20.0]])  # v = (5, −2), y = 19, δᵢ = 1, δⱼ = (3, −2)
    error, to_hidden, to_out = recipe.backprop(w_hidden, w_out, x, d, lambda s: s, derivative=None)
    assert error == 0.5
    assert (-to_out).tolist() == [[5, -2]]
    assert (-to_hidden).tolist() == [[3, 6], [-2, -4]]


def test_without_the_slope_xor_is_not_learned():
    assert max(recipe.learn_xor(seed)[-1] for seed in range(5)) < 1e-4
    assert min(recipe.learn_xor(seed, derivative=None)[-1] for seed in range(5)) > 0.2


def test_adjoint_is_what_both_tapes_find():
    forces = RNG.normal(size=recipe.STEPS)
    value, (expected,) = tape(lambda u: recipe.cost(tf.unstack(u)), forces)
    assert recipe.cost(forces) == pytest.approx(value)
    assert recipe.adjoint(forces) == pytest.approx(expected, abs=1e-12)
    values = list(map(Value, forces))
    recipe.cost(values).backward()
    assert [value.grad for value in values] == pytest.approx(expected, abs=1e-12)


def test_the_cart_learns():
    forces = recipe.optimize_forces()
    assert recipe.cost(forces[-1]) < 0.1 * recipe.cost(forces[0])
    assert recipe.simulate(forces[-1])[-1] == pytest.approx((1, 0), abs=0.01)
    assert forces[-1][0] > 0 > forces[-1][-1]

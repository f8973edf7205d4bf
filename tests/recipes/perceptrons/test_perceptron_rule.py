"""P4, P6, P13: the rule and its bound, the fifty attempts, the line in two dimensions (N22)."""

import numpy as np
import pytest
import tensorflow as tf

from recipes.perceptrons import perceptron_rule as recipe


def batches(x, answers, size=1):
    return tf.data.Dataset.from_tensor_slices((x, answers)).batch(size)


def learn(model, x, answers, epochs):
    """Accuracy over each epoch and updates after it."""
    history = model.fit(batches(x, answers), epochs=epochs, shuffle=False, verbose=0).history
    return history["accuracy"], history["updates"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_updates_are_within_the_bound_and_no_error_is_left(seed):
    x, answers = recipe.points(100, seed)
    order = np.random.default_rng(seed).permutation(100)
    x, answers = x[order], answers[order]
    model = recipe.build_model()
    accuracy, updates = learn(model, x, answers, epochs=20)
    assert accuracy[-1] == 1
    assert (model.predict(x, verbose=0) == answers).all()
    assert 0 < updates[-1] <= recipe.bound(x, answers)
    assert updates[-1] == updates[-2], "it goes on although all is right"


def test_bound_by_hand():
    x, answers = np.array([[3.0, 0.0], [0.0, -2.0]]), np.array([[1], [0]])
    radius = 3**2 + 1  # the longer of the two, with the bias' 1
    gamma = min(0.6 * 3 + 0.1, 0.8 * 2 - 0.1) / np.sqrt(0.6**2 + 0.8**2 + 0.1**2)
    assert recipe.bound(x, answers) == pytest.approx(radius / gamma**2)


def test_only_mistakes_change_anything():
    model = recipe.build_model()
    x = np.array([[2.0, -1.0], [4.0, 8.0], [1.0, 1.0]], "float32")
    learn(model, x, np.array([[0.0], [0.0], [0.0]], "float32"), epochs=1)
    kernel, bias, updates = (
        model.get_weights()
    )  # y(0) = 1 is wrong: − x; then −8 + 8 − 1 < 0 and −1 − 1 < 0 are right
    assert kernel[:, 0].tolist() == [-2, 1]
    assert (bias[0], updates) == (-1, 1)


def test_numpy_and_keras_learn_the_same():
    accuracy = recipe.attempts(seeds=[4, 5], shown=50)
    for row, seed in zip(accuracy, (4, 5), strict=True):
        model = recipe.build_model()
        learn(model, *recipe.cards(50, seed), epochs=1)
        scores = model.evaluate(
            batches(*recipe.cards(1000, seed=1_000_000), 500), return_dict=True, verbose=0
        )
        assert scores == {"accuracy": pytest.approx(row[-1])}


def test_left_and_right_after_fifty_attempts():
    accuracy = recipe.attempts(shown=50)
    assert accuracy.shape == (30, 51)
    assert accuracy[:, 0] == pytest.approx(np.full(30, 0.5))
    assert accuracy[:, 50].mean() > 0.97


def test_cards():
    images, right = recipe.cards(100, seed=0)
    assert images.sum(1).tolist() == [25] * 100
    assert right.sum() == 50
    halves = images.reshape(100, 20, 2, 10).sum((1, 3))
    np.testing.assert_array_equal(halves, 25 * np.concatenate([1 - right, right], 1))


def test_points_keep_their_distance():
    x, answers = recipe.points(400, seed=5)
    side = x @ recipe.LINE[:2] + recipe.LINE[2]
    assert ((side > 0) == answers[:, 0]).all()
    assert np.abs(side).min() >= recipe.MARGIN - 1e-6
    assert answers.mean() == 0.5


def test_line_in_two_dimensions():
    """x₂ = −(w₁/w₂) x₁ − b/w₂: on it s = 0; another b shifts it in parallel."""
    kernel = np.array([[1.5], [-0.4]])
    slope, offset = recipe.line(kernel, np.array([0.7]))
    assert slope == pytest.approx(1.5 / 0.4, abs=1e-6)
    x1 = np.linspace(-3, 3, 7)
    assert 1.5 * x1 - 0.4 * (slope * x1 + offset) + 0.7 == pytest.approx(np.zeros(7), abs=1e-12)
    parallel, higher = recipe.line(kernel, np.array([1.1]))
    assert parallel == slope
    assert higher - offset == pytest.approx(-(1.1 - 0.7) / -0.4)

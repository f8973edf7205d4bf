"""P14 and N23: the rule is gradient descent, and where it leads."""

import keras
import numpy as np
import pytest

from recipes.perceptrons import adaline as recipe

X, D = recipe.examples(500, seed=1)
BEST = recipe.least_squares(X, D)


def test_change_is_minus_the_gradient():
    w, h = np.array([0.3, -1.2, 2.0]), 1e-4
    for n, unit in enumerate(np.eye(3)):
        slope = (recipe.error(w + h * unit, X, D) - recipe.error(w - h * unit, X, D)) / (2 * h)
        assert recipe.change(w, X, D, rate=0.1)[n] == pytest.approx(-0.1 * slope, rel=1e-6)


def test_error_by_hand():
    x, d = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[3.0], [1.0]])
    assert recipe.error(np.array([1.0, 0.5, 0.0]), x, d) == 0.5 * ((3 - 2) ** 2 + (1 + 0.5) ** 2)


def test_trained_neuron_reaches_the_least_squares_solution():
    keras.utils.set_random_seed(0)
    train, validation, _ = recipe.load_data()
    model = recipe.build_model()
    model.fit(train, epochs=recipe.EPOCHS, shuffle=False, verbose=0)
    learned = np.concatenate([np.ravel(weight) for weight in model.get_weights()])
    design = np.concatenate([X, np.ones((500, 1))], axis=1)
    solution, *_ = np.linalg.lstsq(design, D[:, 0], rcond=None)
    assert np.linalg.norm(learned - solution) < 1e-2
    rmse = model.evaluate(validation, return_dict=True, verbose=0)["rmse"]
    assert rmse == pytest.approx(recipe.baseline(train, validation)["rmse"], rel=1e-3)


def test_a_step_in_keras_is_the_slides_with_another_rate():
    model = recipe.build_model(learning_rate=0.1, steps=10**9)
    model.train_on_batch(X[:10], D[:10])
    learned = np.concatenate([np.ravel(weight) for weight in model.get_weights()])
    assert learned == pytest.approx(
        recipe.change(np.zeros(3), X[:10], D[:10], rate=0.1 * 2 / 10), abs=1e-6
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_descent_arrives_below_the_largest_rate(share):
    path = recipe.descend(X, D, share * recipe.largest_rate(X), 2000)
    assert path[-1] == pytest.approx(BEST, abs=1e-6)
    assert (np.diff([recipe.error(w, X, D) for w in path]) <= 1e-6).all()


def test_descent_diverges_above_it():
    path = recipe.descend(X, D, 1.01 * recipe.largest_rate(X), 500)
    assert recipe.error(path[-1], X, D) > 10 * recipe.error(path[0], X, D)


def test_lms_wanders_about_the_solution():
    path = recipe.lms(*recipe.examples(20_000, seed=5), rate=0.005)
    assert path[10_000:].mean(0) == pytest.approx(recipe.TRUE, abs=0.05)
    assert np.linalg.norm(path[10_000:] - recipe.TRUE, axis=1).max() < 0.3

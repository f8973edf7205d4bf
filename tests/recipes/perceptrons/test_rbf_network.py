"""P24: Gaussian units on the moons; few are enough, and they answer only near the data."""

import keras
import numpy as np
import pytest

from recipes.common.arrays import to_numpy
from recipes.perceptrons import double_moon
from recipes.perceptrons import rbf_network as recipe
from tests.layers.conformance import check_layer


def gaussians(inputs, weights):
    (centers,) = weights
    distances = np.linalg.norm(inputs[:, None] - centers, axis=-1)
    return np.exp(-0.5 * (distances / 1.5) ** 2)


def test_conformance():
    check_layer(
        recipe.RadialBasis,
        {"units": 4, "width": 1.5},
        (6, 3),
        reference=gaussians,
        parameters=12,
        unknown_sizes=False,
    )


def test_the_moons_are_those_of_double_moon():
    for own, other in zip(recipe.load_data(), double_moon.load_data(), strict=True):
        points, others = np.sort(to_numpy(own)[0], axis=0), np.sort(to_numpy(other)[0], axis=0)
        np.testing.assert_array_equal(points, others)


def test_centers_lie_where_the_points_are_and_are_not_trained():
    keras.utils.set_random_seed(0)
    train, _, _ = recipe.load_data()
    points, _ = to_numpy(train)
    model = recipe.build_model()
    (centers,) = model.layers[0].get_weights()
    assert centers.shape == (20, 2)
    # Each is the mean of the points that are nearest to it.
    nearest = np.linalg.norm(points[:, None] - centers, axis=-1).argmin(axis=1)
    means = np.stack([points[nearest == number].mean(axis=0) for number in range(20)])
    assert np.abs(means - centers).max() < 0.5
    model.fit(train.take(5), verbose=0)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], centers)
    assert [weight.shape for weight in model.trainable_weights] == [(20, 1)]


def test_certainty_is_the_probability_of_the_chosen_class_on_the_circle():
    """The logit is 0.01 x: ± 0.01 (5 + 100 cos) on the circle, chosen is its larger side."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.set_weights([np.array([[0.01], [0]]), np.array([0])])
    logits = 0.01 * (5 + 100 * np.cos(np.linspace(0, 2 * np.pi, 1000)))
    expected = np.mean(1 / (1 + np.exp(-np.abs(logits))))
    assert recipe.certainty(model, 100) == pytest.approx(expected, abs=1e-3)


def test_separates_the_moons_and_knows_nothing_far_away():
    keras.utils.set_random_seed(1)
    train, validation, _ = recipe.load_data()
    model = recipe.build_model(steps=5 * len(train))
    model.fit(train, epochs=5, shuffle=False, verbose=0)
    scores = model.evaluate(validation, return_dict=True, verbose=0)
    assert scores["accuracy"] > 0.98
    assert recipe.certainty(model, 100) == pytest.approx(0.5, abs=1e-6)
    assert recipe.certainty(model, 10) > 0.7

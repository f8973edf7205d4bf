"""P11 and the recipe's data: a hidden layer of two units solves XOR, from some initial weights."""

import keras
import numpy as np
import pytest

from recipes.common.arrays import to_numpy
from recipes.perceptrons import xor as recipe


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


def test_points_lie_around_their_corner():
    for data, count in zip(recipe.load_data(noise=0.01), (400, 200, 1000), strict=True):
        points, labels = to_numpy(data)
        assert len(points) == len(labels) == count
        corners = points.round()
        assert np.abs(points - corners).max() < 0.06
        np.testing.assert_array_equal(labels[:, 0], corners[:, 0] != corners[:, 1])


def test_start_is_the_seed_of_the_initial_weights():
    for hidden, count in ((2, 4), (0, 2)):
        model = recipe.build_model(hidden=hidden, start=7)
        expected = recipe.initial_weights(max(hidden, 1), 7)[:count]
        for weight, given in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(weight, given)
    assert recipe.build_model(hidden=0).count_params() == 3


def test_two_hidden_units_learn_all_four_corners_or_get_stuck():
    right = {}
    for name in ("two_hidden", "stuck"):
        model = recipe.build_model(**recipe.VARIANTS[name])
        model.fit(recipe.load_data()[0], epochs=recipe.EPOCHS, shuffle=False, verbose=0)
        predicted = model.predict_on_batch(recipe.CORNERS) > 0.5
        right[name] = int(np.sum(predicted == recipe.XOR))
    assert right["two_hidden"] == 4
    assert right["stuck"] < 4

"""P14: trained in Keras, the neuron arrives at the least-squares solution."""

import keras
import numpy as np
import pytest

from recipes.common.arrays import to_numpy
from recipes.perceptrons import adaline as recipe


def weights(model):
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


def test_least_squares_leaves_no_gradient():
    x, d = recipe.examples(500, seed=1)
    errors = recipe.with_one(x) @ recipe.least_squares(x, d) - d[:, 0]
    assert errors @ recipe.with_one(x) == pytest.approx(np.zeros(3), abs=1e-3)


def test_trained_neuron_reaches_the_least_squares_solution():
    keras.utils.set_random_seed(0)
    train, validation, _ = recipe.load_data()
    model = recipe.build_model()
    model.fit(train, epochs=recipe.EPOCHS, shuffle=False, verbose=0)
    solution = recipe.least_squares(*to_numpy(train))
    assert np.linalg.norm(weights(model) - solution) < 1e-2
    rmse = model.evaluate(validation, return_dict=True, verbose=0)["rmse"]
    assert rmse == pytest.approx(recipe.baseline(train, validation)["rmse"], rel=1e-3)

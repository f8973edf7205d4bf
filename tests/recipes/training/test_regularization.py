"""Penalties are those of the slide, and dropout and noise are for training only."""

import numpy as np
import pytest

from recipes.training import regularization as recipe


@pytest.mark.parametrize(("name", "power"), [("l2", 2), ("l1", 1)])
def test_the_cost_grows_by_the_penalty_exactly(name, power):
    points, labels = recipe.sample_moons(50, 0)
    plain, penalized = recipe.build_model(), recipe.build_model(**{name: 0.01})
    penalized.set_weights(plain.get_weights())
    kernels = [weight for weight in plain.get_weights() if weight.ndim == 2]
    expected = 0.01 * sum(np.sum(np.abs(kernel) ** power) for kernel in kernels)
    losses = []
    for model in (plain, penalized):
        losses.append(model.evaluate(points, labels, verbose=0, return_dict=True)["loss"])
    assert losses[1] - losses[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["dropout", "noise"])
def test_dropout_and_noise_are_off_outside_training(name):
    points, _ = recipe.sample_moons(20, 0)
    model = recipe.build_model(**{name: 0.5})
    np.testing.assert_array_equal(model(points), model(points))
    assert np.abs(np.asarray(model(points, training=True)) - model(points)).max() > 0.01

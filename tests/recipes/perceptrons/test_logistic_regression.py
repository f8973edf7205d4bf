"""P40, P42: the neuron is logistic regression, and what polynomial features of more degrees do."""

import keras
import numpy as np
import pytest

from recipes.common.arrays import to_numpy
from recipes.perceptrons import logistic_regression as recipe
from recipes.perceptrons.figures import logistic_regression as figures

DEGREES = [1, 2, 4, 6]


def trained(degree):
    """A network after the recipe's own training, and its training set."""
    keras.utils.set_random_seed(0)
    train, _, _ = recipe.load_data()
    model = recipe.build_model(degree)
    model.fit(train, epochs=recipe.EPOCHS, shuffle=False, verbose=0)
    return model, to_numpy(train.take(1))


@pytest.mark.parametrize("degree", [1, 6])
def test_trained_to_the_end_it_has_the_weights_of_scikit_learn(degree):
    model, train = trained(degree)
    weights, bias = recipe.scikit_learn_weights(model, *train)
    kernel, own_bias = model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], weights, atol=1e-2)
    assert own_bias == pytest.approx(bias, abs=1e-2)
    assert np.abs(weights).max() > 1  # that they agree is not for being small


@pytest.mark.parametrize("degree", DEGREES)
def test_features_are_all_polynomials_up_to_the_degree(degree):
    """Each monomial is a sum of them and a constant, and there are as many of both."""
    x1, x2 = np.random.default_rng(0).uniform(-1, 1, (2, 500))
    points = np.stack([x1, x2], axis=1).astype("float32")
    features = recipe.build_model(degree).layers[0](points)
    features = np.c_[np.ones(500), features]
    assert features.shape[1] == (degree + 1) * (degree + 2) / 2
    for first in range(degree + 1):
        for second in range(degree + 1 - first):
            monomial = x1**first * x2**second
            weights, *_ = np.linalg.lstsq(features, monomial, rcond=None)
            np.testing.assert_allclose(features @ weights, monomial, atol=1e-5)


def test_features_of_degree_1_are_the_coordinates():
    points = np.array([[0.5, -0.25], [1.0, 2.0]], "float32")
    features = recipe.PolynomialFeatures(1)(points)
    assert sorted(np.asarray(features)[0].tolist()) == [-0.25, 0.5]


def test_a_fifth_of_the_labels_is_wrong():
    points, labels = recipe.sample_points(20_000, seed=0)
    assert np.abs(points).max() <= 1
    above = points[:, 1] > 1.6 * points[:, 0] ** 2 - 0.5
    assert np.mean(above != labels[:, 0]) == pytest.approx(0.2, abs=0.01)


def test_training_falls_with_the_degree_and_test_is_u_shaped_on_ten_training_sets():
    models = {degree: recipe.build_model(degree) for degree in DEGREES}
    for seed in range(10):
        train, test = figures.losses_of_scikit_learn(models, seed).T
        assert (np.diff(train) < 0).all()
        best = int(np.argmin(test))
        assert DEGREES[best] in (2, 4)
        assert (np.diff(test[: best + 1]) < 0).all()
        assert (np.diff(test[best:]) > 0).all()


def test_log_loss_of_the_pictures_is_that_of_keras():
    model = recipe.build_model(2)
    train, _, test = recipe.load_data()
    losses = figures.log_losses(
        model, *model.get_weights(), to_numpy(train.take(1)), to_numpy(test)
    )
    assert losses[0] == pytest.approx(model.evaluate(train.take(1), verbose=0)[0], rel=1e-4)
    assert losses[1] == pytest.approx(model.evaluate(test, verbose=0)[0], rel=1e-4)


def test_baseline_is_the_entropy_of_the_share():
    train, _, test = recipe.load_data()
    _, labels = to_numpy(train.take(1))
    share = labels.mean()
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert recipe.baseline(train, train.take(1))["loss"] == pytest.approx(entropy, rel=1e-4)
    assert recipe.baseline(train, test)["loss"] == pytest.approx(np.log(2), abs=0.01)

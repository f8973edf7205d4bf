"""The posterior against scikit-learn's, expected improvement and the search against random ones."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from recipes.training import gaussian_process_search as recipe


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_posterior_equals_scikit_learns(dimensions):
    rng = np.random.default_rng(dimensions)
    points, values, where = (
        rng.random((8, dimensions)),
        rng.normal(size=8),
        rng.random((50, dimensions)),
    )
    scales, variance, noise = rng.uniform(0.2, 0.6, dimensions), 1.7, 1e-4
    mean, deviation = recipe.posterior(points, values, where, scales, variance, noise)
    process = GaussianProcessRegressor(
        ConstantKernel(variance) * Matern(scales, nu=2.5), alpha=variance * noise, optimizer=None
    )
    expected, doubt = process.fit(points, values).predict(where, return_std=True)
    np.testing.assert_allclose(mean, expected, atol=1e-8)
    np.testing.assert_allclose(deviation, doubt, atol=1e-6)


def test_the_variance_is_the_most_probable_one():
    rng = np.random.default_rng(0)
    points = rng.random((10, 2))
    values = recipe.branin(points * 15)
    values = (values - values.mean()) / values.std()
    scales, variance = recipe.fit(points, values)

    def likelihood(variance):
        process = GaussianProcessRegressor(
            ConstantKernel(variance) * Matern(scales, nu=2.5),
            alpha=variance * recipe.NOISE,
            optimizer=None,
        )
        return process.fit(points, values).log_marginal_likelihood()

    assert likelihood(variance) > max(likelihood(0.9 * variance), likelihood(1.1 * variance))


@pytest.mark.parametrize(
    ("mean", "deviation", "best"), [(0, 1, 0), (1, 0.5, 0.3), (-2, 1, 0), (3, 1, 0)]
)
def test_expected_improvement_is_the_mean_over_draws(mean, deviation, best):
    draws = np.random.default_rng(0).normal(mean, deviation, 1_000_000)
    gain = recipe.expected_improvement(np.array([mean]), np.array([deviation]), best)[0]
    assert gain == pytest.approx(np.maximum(best - draws, 0).mean(), abs=4e-3 * deviation)


def test_expected_improvement_by_hand():
    # At z = 0 only the doubt counts: σ φ(0) = 0.398942 σ. Without doubt, it is the improvement.
    assert recipe.expected_improvement(np.array([5.0]), np.array([2.0]), 5)[0] == pytest.approx(
        0.797885, abs=1e-6
    )
    assert recipe.expected_improvement(np.array([1.0, 9.0]), np.zeros(2), 3).tolist() == [2, 0]


def test_nothing_is_expected_where_one_has_looked():
    points = np.array([[0.1], [0.4], [0.9]])
    values = recipe.forrester(points)
    mean, deviation = recipe.posterior(points, values, points, np.array([0.3]), noise=1e-13)
    gain = recipe.expected_improvement(mean, deviation, values.min())
    assert gain == pytest.approx(0, abs=1e-5)


def test_minima_of_the_two_functions():
    assert recipe.forrester([0.757249]) == pytest.approx(recipe.FORRESTER["minimum"], abs=1e-5)
    assert recipe.branin([[-np.pi, 12.275], [np.pi, 2.275], [9.42478, 2.475]]) == pytest.approx(
        0.397887, abs=1e-5
    )


def test_forresters_minimum_is_found_within_one_percent_in_fifteen_trials():
    for seed in range(6):
        points, values = recipe.bayesian_search(recipe.forrester, [(0, 1)], 15, seed=seed)
        assert values.min() < 0.99 * recipe.FORRESTER["minimum"], seed
        assert abs(points[values.argmin(), 0] - 0.757249) < 0.01


def test_branin_needs_far_fewer_trials_than_at_random():
    needed = {}
    for name, run, budget in (
        ("gaussian", recipe.bayesian_search, 30),
        ("random", recipe.random_search, 1000),
    ):
        results = [
            run(recipe.branin, recipe.BRANIN["bounds"], budget, seed=seed)[1] for seed in range(5)
        ]
        needed[name] = np.median(
            [recipe.evaluations_needed(v, recipe.BRANIN["minimum"], 0.1) for v in results]
        )
    assert needed["gaussian"] <= 25
    assert needed["random"] > 5 * needed["gaussian"]


def test_the_most_probable_length_scale_can_be_too_sure():
    points, values = recipe.bayesian_search(recipe.forrester, [(0, 1)], 16, initial=4, seed=0)
    assert values.min() == pytest.approx(
        -0.986, abs=0.01
    )  # the small valley, to which all later trials went
    assert (np.abs(points[8:, 0] - 0.143) < 0.02).all()


def test_the_first_trials_are_spread():
    points, _ = recipe.bayesian_search(recipe.branin, recipe.BRANIN["bounds"], 5, initial=5, seed=3)
    slices = np.floor((points - [-5, 0]) / 3).astype(int)
    assert np.sort(slices, axis=0).T.tolist() == [[0, 1, 2, 3, 4]] * 2


def test_a_search_may_begin_with_one_trial_and_a_flat_function():
    points, values = recipe.bayesian_search(lambda point: 1.0, [(0, 1)], 4, initial=1)
    assert points.shape == (4, 1)
    assert values.tolist() == [1.0] * 4

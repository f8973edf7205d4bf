"""Exact probabilities against brute force; Gibbs sampling against them; what learning follows."""

import itertools

import keras
import numpy as np
import pytest

from recipes.other_networks import boltzmann_machine as recipe
from recipes.other_networks.figures import boltzmann_machine as pictures
from tests.layers.conformance import check_model


def brute_force(kernel, bias):
    """`{state: probability}` by loops over all states and pairs of units."""
    weights = {}
    for state in itertools.product([0, 1], repeat=len(bias)):
        energy = 0.0
        for i, j in itertools.combinations(range(len(bias)), 2):
            energy -= kernel[i, j] * state[i] * state[j]
        energy -= np.dot(bias, state)
        weights[state] = np.exp(-energy)
    total = sum(weights.values())
    return {state: weight / total for state, weight in weights.items()}


def random_weights(model, seed=0):
    """Gives a machine random weights where it has connections."""
    rng = np.random.default_rng(seed)
    units = model.bias.shape[0]
    kernel = np.triu(rng.normal(size=(units, units)), 1) * model.connected
    model.kernel.assign(kernel + kernel.T)
    model.bias.assign(rng.normal(size=units))
    return kernel + kernel.T, keras.ops.convert_to_numpy(model.bias)


def test_log_probabilities_are_those_of_brute_force():
    model = recipe.build_model(hidden=2)
    kernel, bias = random_weights(model)
    exact = {}
    for state, probability in brute_force(kernel, bias).items():
        exact[state[:8]] = exact.get(state[:8], 0) + probability
    patterns = np.array([[0, 1, 1, 0, 0, 0, 0, 1], [1, 0, 0, 0, 1, 0, 0, 0]], "float32")
    expected = [np.log(exact[tuple(pattern.astype(int))]) for pattern in patterns]
    np.testing.assert_allclose(model(patterns), expected, rtol=1e-4)
    total = np.sum(np.exp(model(recipe.all_states(8))))
    assert total == pytest.approx(1, rel=1e-4)


def test_codes_are_the_conditional_probabilities_of_hidden_units():
    model = recipe.build_model(hidden=2)
    kernel, bias = random_weights(model)
    probabilities = brute_force(kernel, bias)
    expected = []
    for pattern in recipe.PATTERNS:
        visible = tuple(int(unit) for unit in pattern)
        joint = {state[8:]: p for state, p in probabilities.items() if state[:8] == visible}
        first = joint[1, 0] + joint[1, 1]
        second = joint[0, 1] + joint[1, 1]
        expected.append(np.array([first, second]) / sum(joint.values()))
    np.testing.assert_allclose(pictures.code_probabilities(model), expected, rtol=1e-4)


def test_connections():
    connected = recipe.build_model(hidden=3).connected
    np.testing.assert_array_equal(connected, connected.T)
    assert connected[:8, :8].sum() == 0
    assert connected[:8, 8:].all()
    assert connected[8:, 8:].sum() == 0


@pytest.mark.parametrize("parallel", [False, True])
def test_only_sequential_updates_reach_the_exact_distribution(parallel):
    kernel, bias = pictures.random_machine()
    exact = np.array(list(brute_force(kernel, bias).values()))
    np.testing.assert_allclose(pictures.exact_distribution(kernel, bias), exact, rtol=1e-4)
    shares = pictures.sampled_distributions(kernel, bias, parallel)
    found = pictures.distance(shares[-1], exact)
    assert found > 0.15 if parallel else found < 0.03, found


def test_a_unit_fires_with_the_probability_of_the_logistic_function():
    """One unit with a field of z, 20,000 times, for several z."""
    rng = np.random.default_rng(0)
    for z in (-2.0, 0.0, 0.7):
        states = np.zeros((20_000, 1), "float32")
        noise = rng.random(states.shape, dtype="float32")
        bias = np.array([z], "float32")
        fired = recipe.sweep(states, np.zeros((1, 1), "float32"), bias, [[True]], noise)
        assert np.mean(fired) == pytest.approx(1 / (1 + np.exp(-z)), abs=0.01)


def test_clamped_units_stay():
    states = np.array([[1, 0, 1], [0, 0, 0]], "float32")
    groups = np.array([[False, True, False]])
    bias = np.array([-50, 50, -50], "float32")
    new = recipe.sweep(states, np.zeros((3, 3), "float32"), bias, groups, np.full((2, 3), 0.5))
    np.testing.assert_array_equal(new, [[1, 1, 1], [0, 1, 0]])


def test_divergence_of_a_batch():
    """A machine of zeros finds all 256 patterns equally probable: log 256 − log 4 nats."""
    model = recipe.build_model()
    _, _, test = recipe.load_data()
    found = model.evaluate(test, verbose=0, return_dict=True)["kl"]
    assert found == pytest.approx(np.log(256 / 4), rel=1e-5)
    assert recipe.baseline(None, None)["kl"] == pytest.approx(8 * 0.5623 - np.log(4), abs=1e-3)


def test_training_brings_the_machine_nearer_and_keeps_the_weights_symmetric():
    keras.utils.set_random_seed(0)
    train, validation, _ = recipe.load_data()
    model = recipe.build_model(steps=300)
    history = model.fit(
        train.take(300), validation_data=validation, epochs=1, shuffle=False, verbose=0
    ).history
    assert history["val_kl"][0] < 3.1  # log 64 = 4.2 at first; 3.1 of independent units
    kernel = keras.ops.convert_to_numpy(model.kernel)
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-5)
    assert np.all(kernel[~model.connected] == 0)
    assert np.abs(kernel[model.connected]).min() > 0
    assert set(np.unique(model.chains)) == {0, 1}


def test_conformance():
    model = recipe.build_model(hidden=2)
    random_weights(model)
    check_model(
        recipe.BoltzmannMachine,
        lambda: recipe.build_model(hidden=2, parallel=True, noise=0.1, steps=6),
        {"hidden": 2, "parallel": True, "noise": 0.1, "steps": 6, "chains": 100},
        inputs=np.tile(recipe.PATTERNS, (5, 1)),
        targets=np.full(20, 0.25, "float32"),
        weights=model.get_weights(),
        parameters=10 * 10 + 10 + 100 * 10,
        output_dtype="float32",
        bad_arguments=[{"hidden": 0}, {"hidden": 9}, {"noise": 1.5}, {"chains": 0}],
    )

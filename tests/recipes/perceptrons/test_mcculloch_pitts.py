"""P1, P2, P3 and the worked numbers N20 to N22 of the slides."""

import numpy as np
import pytest

from recipes.perceptrons import mcculloch_pitts as recipe


def test_linear_neuron_is_a_dot_product():
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(50, 7)).astype("float32"), rng.normal(size=7).astype("float32")
    y = np.ravel(recipe.linear_neuron(weights)(x))
    assert y == pytest.approx(x @ weights, abs=1e-6)
    assert y == pytest.approx(
        [sum(a * w for a, w in zip(row, weights, strict=True)) for row in x], abs=1e-5
    )


@pytest.mark.parametrize(
    ("gate", "truth"),
    [
        ("AND", {(0, 0): 0, (0, 1): 0, (1, 0): 0, (1, 1): 1}),
        ("OR", {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 1}),
        ("NOT", {(0,): 1, (1,): 0}),
    ],
)
def test_truth_tables(gate, truth):
    answers = np.ravel(
        recipe.threshold_neuron(*recipe.GATES[gate])(np.array(list(truth), "float32"))
    )
    assert dict(zip(truth, answers.tolist(), strict=True)) == truth


def test_not_fires_at_exactly_zero():
    assert recipe.GATES["NOT"] == ((-1,), 0)  # with the convention f(0) = −1 it would never fire


@pytest.mark.parametrize(
    ("stimulus", "felt"),
    [
        ("One step of heat", {"heat": [1], "cold": []}),
        ("One step of cold", {"heat": [3], "cold": []}),
        ("Two steps of cold", {"heat": [4], "cold": [2]}),  # and heat again, when the cold has gone
    ],
)
def test_heat_and_cold(stimulus, felt):
    assert recipe.sensations(recipe.STIMULI[stimulus]) == felt


def test_the_recurrent_layer_is_the_net_of_the_literature():
    skin = np.random.default_rng(1).integers(0, 2, (60, 2))
    expected = np.zeros((61, 4), int)
    for t, (hot, cold) in enumerate(skin):
        relay, rebound, *_ = expected[t]
        expected[t + 1] = (
            np.array([2 * cold, 2 * relay - cold, 2 * hot + 2 * rebound, relay + cold]) >= 2
        )
    np.testing.assert_array_equal(recipe.respond(skin), expected)
    assert expected.mean(0).min() > 0.1


def test_lasting_cold_is_felt_all_the_while():
    assert recipe.sensations([(0, 1)] * 6) == {"heat": [], "cold": [2, 3, 4, 5, 6]}

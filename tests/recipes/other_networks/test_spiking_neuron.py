"""Z18, Z19: thresholds, refractory times, rates by current, plasticity by the times of spikes."""

import numpy as np
import pytest

from recipes.other_networks import spiking_neuron as recipe


def pulses(starts, currents, duration):
    """Currents (steps, cells) of one millisecond each, at times that all cells share."""
    found = np.zeros((round(duration / recipe.STEP), len(currents)))
    for start in starts:
        found[round(start / recipe.STEP) : round((start + 1) / recipe.STEP)] = currents
    return found


def test_a_spike_is_all_or_nothing():
    voltages = recipe.hodgkin_huxley(pulses([5], [6.0, 8.0, 16.0], 30), duration=30)
    peaks = voltages.max(axis=0)
    assert peaks[0] < -50
    assert peaks[1] > 30
    assert peaks[2] == pytest.approx(peaks[1], abs=5), "twice the current, the same spike"
    assert recipe.spikes(voltages).sum(axis=0).tolist() == [0, 1, 1]


def test_rates_of_the_gates_are_smooth_where_their_formula_is_0_by_0():
    """(0.1 · 0) / (1 − 1) at −55 mV for n, and at −40 mV for m."""
    around = np.array([-1e-3, 0, 1e-3])
    opening, _ = recipe.gate_rates(-55 + around)["n"]
    np.testing.assert_allclose(opening, [0.1, 0.1, 0.1], rtol=1e-3)
    opening, _ = recipe.gate_rates(-40 + around)["m"]
    np.testing.assert_allclose(opening, [1, 1, 1], rtol=1e-3)
    # Elsewhere they are as published.
    at_rest = recipe.gate_rates(-65.0)
    assert at_rest["n"][0] == pytest.approx(0.1 / (np.e - 1))
    assert at_rest["m"][0] == pytest.approx(2.5 / (np.exp(2.5) - 1))


def test_a_cell_at_rest_stays_there():
    voltages = recipe.hodgkin_huxley([0.0], duration=50)
    assert voltages[-1, 0] == pytest.approx(-65, abs=0.1)


@pytest.mark.parametrize(("second", "spikes"), [(9, 1), (30, 2)])
def test_just_after_a_spike_the_same_pulse_has_no_effect(second, spikes):
    currents = pulses([5, second], [10.0], 45)
    voltages = recipe.hodgkin_huxley(currents, duration=45)
    assert recipe.spikes(voltages).sum() == spikes


def test_rates_lie_where_the_slide_has_them():
    """None below a current, then tens of spikes a second: the slide says 4 to 90."""
    found = recipe.rates(recipe.spikes(recipe.hodgkin_huxley([2.0, 8.0, 20.0])))
    assert found[0] == 0
    assert 4 < found[1] < found[2] < 90


def test_integrate_and_fire_fires_as_often_as_its_formula_says():
    currents = np.array([5.0, 7.4, 9.0, 15.0])
    _, fired = recipe.integrate_and_fire(currents)
    expected = recipe.rate_by_formula(currents)
    assert expected[:2].tolist() == [0, 0], "2 kΩ·cm² · 7.4 µA/cm² is less than 15 mV"
    assert recipe.rates(fired) == pytest.approx(expected, rel=0.01)
    assert recipe.rate_by_formula([1e9]) == pytest.approx(1000 / recipe.REFRACTORY)


def test_rate_of_spikes_that_are_known():
    fired = np.zeros((4000, 2), bool)
    fired[2000::500, 0] = True  # every 5 ms
    fired[2500, 1] = True
    assert recipe.rates(fired) == pytest.approx([200, 0])


def test_inputs_before_the_spike_are_strengthened_and_those_after_it_weakened():
    changes = recipe.plasticity(np.array([-20.0, -1.0, 0.0, 1.0, 20.0]))
    assert np.sign(changes).tolist() == [-1, -1, 1, 1, 1]
    assert changes[3] > changes[4]
    assert changes[3] == pytest.approx(recipe.STRENGTHEN * np.exp(-0.1))


def test_a_cell_fires_when_enough_weights_are_active(monkeypatch):
    monkeypatch.setattr(recipe, "FIRES_AT", 1.5)
    assert recipe.first_spike([1, 1, 1], [0.0, 1.0, 2.0]) == 1.0
    assert recipe.first_spike([1, 1, 1], [0.0, 50.0, 100.0]) is None, "what came first is forgotten"


def test_a_repeated_pattern_makes_the_cell_fire_earlier():
    latencies, weights = recipe.learn()
    assert latencies[-1] < latencies[0] / 3
    assert np.all(np.diff(latencies) <= 0)
    assert np.all(weights[-1][:5] == 1)
    assert np.all((weights >= 0) & (weights <= 1))

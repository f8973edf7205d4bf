"""The series against its equation; readout and free run against NumPy; the errors by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.other_networks import echo_state as recipe
from recipes.other_networks.figures import echo_state as pictures


def small_model(**arguments):
    keras.utils.set_random_seed(0)
    return recipe.build_model(units=20, **arguments)


def reference_states(model, values):
    """Of one series (steps,), in float64: (steps, units)."""
    kernel, recurrent_kernel, bias = (each.astype("float64") for each in model.cell.get_weights())
    state = np.zeros(len(bias))
    states = []
    for value in values:
        new = np.tanh(value * kernel[0] + state @ recurrent_kernel + bias)
        state = 0.3 * state + 0.7 * new
        states.append(state)
    return np.array(states)


def test_the_series_solves_its_equation():
    """Slopes of consecutive values against the right side, half a step before and after."""
    series = recipe.mackey_glass(3, 400, seed=0)[..., 0] * recipe.DEVIATION + recipe.MEAN
    slopes = (series[:, 2:] - series[:, :-2]) / 2
    delayed = series[:, 1:-1][:, : -recipe.DELAY]
    now = series[:, 1 + recipe.DELAY : -1]
    right = 0.2 * delayed / (1 + delayed**10) - 0.1 * now
    assert np.abs(slopes[:, recipe.DELAY :] - right).max() < 0.01
    assert np.abs(right).max() > 0.05
    assert np.abs(series[0] - series[1]).max() > 0.3, "one beginning for all"


def test_the_series_is_standardized():
    series = recipe.mackey_glass(100, 500, seed=5)
    assert series.shape == (100, 500, 1)
    assert series.mean() == pytest.approx(0, abs=0.03)
    assert series.std() == pytest.approx(1, abs=0.03)


def test_targets_follow_the_inputs():
    train, validation, test = recipe.load_data(length=300, sequences=2)
    (inputs, targets) = next(train.as_numpy_iterator())
    np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
    for part in (validation, test):
        inputs, targets = next(part.as_numpy_iterator())
        assert inputs.shape == (100, recipe.WARMUP, 1)
        assert targets.shape == (100, recipe.HORIZON, 1)
        assert np.abs(targets[:, 0] - inputs[:, -1]).max() < 0.4, "not the next value"


def test_the_readout_is_that_of_ridge_regression():
    """On two batches of a series each, whose first 200 steps do not count."""
    model = small_model(ridge=1e-3)
    series = recipe.mackey_glass(2, 301, seed=0)
    data = tf.data.Dataset.from_tensor_slices((series[:, :-1], series[:, 1:])).batch(1)
    model.fit(data, shuffle=False, verbose=0)
    x, y = [], []
    for values in series[..., 0].astype("float64"):
        states = reference_states(model, values[:-1])
        ones = np.ones((300, 1))
        x.append(np.concatenate([states, values[:-1, None], ones], axis=1)[200:])
        y.append(values[201:])
    x, y = np.concatenate(x), np.concatenate(y)
    # Ridge regression as least squares, with rows that ask for weights of 0.
    rows = np.sqrt(1e-3 * 200) * np.eye(22)
    expected = np.linalg.lstsq(
        np.concatenate([x, rows]), np.concatenate([y, np.zeros(22)]), rcond=None
    )[0]
    np.testing.assert_allclose(model.readout[:, 0], expected, rtol=1e-3, atol=1e-4)


def test_the_free_run_feeds_forecasts_back(monkeypatch):
    monkeypatch.setattr(recipe, "HORIZON", 6)
    model = small_model()
    readout = 0.2 * np.random.default_rng(0).normal(size=22)
    model.readout.assign(readout[:, None])
    values = recipe.mackey_glass(1, 30, seed=3)
    found = keras.ops.convert_to_numpy(model(values))[0, :, 0]
    series = list(values[0, :, 0])
    for _ in range(6):
        state = reference_states(model, series)[-1]
        series.append(np.concatenate([state, [series[-1], 1]]) @ readout)
    np.testing.assert_allclose(found, series[30:], rtol=1e-4, atol=1e-5)
    # Continued from itself, it goes on as if it had not stopped, but for a forgotten beginning.
    monkeypatch.setattr(recipe, "HORIZON", 3)
    np.testing.assert_allclose(pictures.run_freely(model, values[0], 2)[:3], found[:3], atol=1e-5)


def test_errors_are_those_of_the_first_and_the_last_step(monkeypatch):
    monkeypatch.setattr(recipe, "HORIZON", 12)
    model = small_model()
    model.readout.assign(np.eye(22)[20][:, None])  # the latest value: persistence
    _, _, test = recipe.load_data(length=201)
    scores = model.evaluate(test, verbose=0, return_dict=True)
    expected = recipe.baseline(None, test)
    assert scores == pytest.approx(expected, rel=1e-4)
    values, targets = (
        np.concatenate(parts) for parts in zip(*test.as_numpy_iterator(), strict=True)
    )
    by_hand = np.sqrt(np.mean((targets[:, 11, 0] - values[:, -1, 0]) ** 2))
    assert expected["nrmse_84"] == pytest.approx(by_hand, rel=1e-5)
    assert expected["nrmse_1"] < expected["nrmse_84"] / 5


def test_a_small_reservoir_forecasts_better_than_persistence(monkeypatch):
    monkeypatch.setattr(recipe, "HORIZON", 20)
    keras.utils.set_random_seed(0)
    model = recipe.build_model(units=100)
    train, _, test = recipe.load_data(length=1000)
    model.fit(train, shuffle=False, verbose=0)
    scores = model.evaluate(test, verbose=0, return_dict=True)
    assert scores["nrmse_1"] < 0.01
    assert scores["nrmse_84"] < 0.05

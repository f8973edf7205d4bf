"""R28: windows of days, the calendar, and a network that starts as its baseline."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.common.arrays import to_numpy
from recipes.recurrent import electricity as recipe


@pytest.fixture
def days(monkeypatch):
    """40, 10 and 10 days in a row from 1 January 2014; the demand of each hour is its number."""
    demand = np.arange(60 * 24, dtype="float32").reshape(60, 24)
    dates = np.datetime64("2014-01-01") + np.arange(60)
    parts = [
        {
            "demand": tf.constant(demand[a:b]),
            "date": tf.constant([str(date) for date in dates[a:b]]),
        }
        for a, b in ((0, 40), (40, 50), (50, 60))
    ]
    monkeypatch.setattr(recipe.tfds, "load", lambda *args, **kwargs: parts)
    return demand


def test_inputs_are_the_days_before_also_over_the_border_of_two_sets(days):
    train, validation, test = recipe.load_data(days=14)
    inputs, demand = to_numpy(train)
    assert inputs["demand"].shape == (26, 14, 24)
    assert demand.shape == (26, 24)
    for data, first in ((validation, 40), (test, 50)):
        inputs, demand = to_numpy(data)
        np.testing.assert_array_equal(demand, days[first : first + 10])
        np.testing.assert_array_equal(inputs["demand"][0], days[first - 14 : first])
        assert inputs["demand"].max() < demand.max()
        # Nothing of the day itself, all before it.
        assert np.all(inputs["demand"][:, -1, -1] + 1 == demand[:, 0])
        assert inputs["kind"][0].tolist() == [(2 + day) % 7 for day in range(first - 13, first + 1)]


def test_kinds_of_days():
    dates = ("2018-01-01", "2018-01-02", "2018-10-12", "2018-10-14")
    assert [recipe.kind_of_day(date) for date in dates] == [7, 1, 7, 6]


def test_untrained_network_says_what_the_baseline_says(days):
    train, validation, _ = recipe.load_data(days=14)
    model = recipe.build_model(train=train)
    inputs, _ = to_numpy(validation)
    assert model.predict(inputs, verbose=0) == pytest.approx(inputs["demand"][:, -7])
    assert recipe.baseline(train, validation) == {"mae": pytest.approx(168)}
    assert model.evaluate(validation, return_dict=True, verbose=0)["mae"] == pytest.approx(
        168, rel=1e-4
    )


def test_megawatts_are_not_rounded_in_16_bits(days):
    """Numbers of four digits, of which bfloat16 holds three."""
    train, validation, _ = recipe.load_data(days=14)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = recipe.build_model(train=train)
    finally:
        keras.config.set_dtype_policy("float32")
    inputs, _ = to_numpy(validation)
    found = model.predict(inputs, verbose=0)
    np.testing.assert_array_equal(found, inputs["demand"][:, -7])

    normalized = keras.Model(model.inputs, model.get_layer("normalize").output)
    found = normalized.predict(inputs, verbose=0)
    _, demands = to_numpy(train)
    expected = (inputs["demand"] - demands.mean()) / demands.std()
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    # A difference that the network answers is not rounded on its way back to megawatts.
    back = np.asarray(model.get_layer("rescale")(np.array([0.7771], "float32")))
    np.testing.assert_allclose(back, 0.7771 * demands.std(), rtol=1e-4)


def test_normalized_on_the_training_set_alone(days):
    train, _, _ = recipe.load_data(days=14)
    model = recipe.build_model(train=train)
    seen = days[14:40]
    normalized = model.get_layer("normalize")(days[None])
    expected = (days - seen.mean()) / seen.std()
    assert np.asarray(normalized)[0] == pytest.approx(expected, abs=1e-4)
    assert np.asarray(model.get_layer("rescale")(1.0)) == pytest.approx(seen.std(), rel=1e-4)


def test_all_weights_are_trained(days):
    """What the demand is normalized by is no weight."""
    model = recipe.build_model(train=recipe.load_data(days=14)[0])
    assert len(model.weights) == len(model.trainable_weights)
    assert model.count_params() == 24_832 + 24 * 65 + 8 * 8 == 26_456

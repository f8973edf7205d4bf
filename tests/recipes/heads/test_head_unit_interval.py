"""Both losses are least at the target; windows, errors in cycles and both APIs (H6, H7)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.heads import head_unit_interval as recipe
from recipes.heads.figures import head_unit_interval as figures


def some_windows(count=8):
    """Random readings, half of them of young engines, and their health."""
    rng = np.random.default_rng(0)
    readings = rng.normal(size=(count, 200, 15)).astype("float32")
    readings[: count // 2, :150] = 0
    health = rng.random((count, 1)).astype("float32")
    return tf.data.Dataset.from_tensor_slices((readings, health)).batch(4)


@pytest.fixture(scope="module")
def models():
    """The two variants, untrained."""
    built = {}
    for name, arguments in recipe.VARIANTS.items():
        built[name] = recipe.build_model(**arguments, train=some_windows())
    return built


@pytest.mark.parametrize("target", [0.2, 0.5, 0.7])
def test_both_losses_are_least_at_the_target_and_cross_entropy_is_not_0_there(target, models):
    outputs = np.linspace(0.01, 0.99, 99, dtype="float32")[:, None]
    targets = np.full_like(outputs, target)
    least = {}
    for name, model in models.items():
        losses = np.asarray(keras.losses.get(model.loss)(targets, outputs))  # one for each output
        assert outputs[np.argmin(losses), 0] == pytest.approx(target, abs=0.006)
        least[name] = min(losses)
    assert least["mse"] == pytest.approx(0, abs=1e-6)
    entropy = -target * np.log(target) - (1 - target) * np.log(1 - target)
    assert least["cross_entropy"] == pytest.approx(entropy, abs=1e-4)
    assert figures.cross_entropy(target, target) == pytest.approx(entropy)
    # The picture's curve is the loss that trains.
    assert losses == pytest.approx(figures.cross_entropy(target, outputs[:, 0]), abs=1e-5)


def test_windows_end_at_each_cycle_and_health_is_capped():
    engine = {
        "sensors": tf.reshape(tf.range(250 * 21, dtype="float32"), (250, 21)),
        "remaining": tf.constant(10),
    }
    sensors = np.asarray(engine["sensors"])[:, recipe.SENSORS]
    readings, health = recipe.windows(engine)
    assert readings.shape == (221, 200, 15)  # the cycles 30 to 250
    np.testing.assert_array_equal(readings[57, -1, :14], sensors[86])
    age = np.maximum(np.arange(87 - 199, 88), 0) / 100  # cycles 1 to 87
    np.testing.assert_allclose(readings[57, :, 14], age)
    np.testing.assert_array_equal(readings[0, :170], 0)  # before the first cycle
    np.testing.assert_array_equal(readings[-1, :, :14], sensors[50:])
    assert float(health[-1, 0]) == pytest.approx(10 / 125)
    assert float(health[0, 0]) == 1
    last, at_the_end = recipe.last_window(engine)
    np.testing.assert_array_equal(last, readings[-1:])
    assert float(at_the_end[0, 0]) == pytest.approx(10 / 125)


def test_the_error_is_in_cycles():
    metric = recipe.Cycles()
    metric.update_state([[1.0], [0.0]], [[0.8], [0.0]])
    assert float(metric.result()) == pytest.approx(125 * 0.2 / np.sqrt(2), rel=1e-5)


def test_the_baseline_is_scored_like_the_network():
    """Boosting gives the constant mean for so few windows."""
    data = some_windows()
    _, health = recipe.to_numpy(data)
    metric = recipe.Cycles()
    metric.update_state(health, np.full_like(health, health.mean()))
    score = recipe.baseline(data, data)["rmse_cycles"]
    assert score == pytest.approx(float(metric.result()), rel=1e-5)


def test_outputs_lie_in_the_unit_interval(models):
    readings, _ = recipe.to_numpy(some_windows())
    for model in models.values():
        outputs = np.asarray(model(readings))
        assert np.all((outputs > 0) & (outputs < 1))

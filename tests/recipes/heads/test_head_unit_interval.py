"""Both losses are least at the target; what cross-entropy has left there is the target's entropy (H6, H7)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.heads import head_unit_interval as recipe


@pytest.mark.parametrize("target", [0.2, 0.5, 0.7])
def test_cross_entropy_is_least_at_the_target_and_not_0_there(target):
    outputs = np.linspace(0.01, 0.99, 99)
    loss = [float(keras.losses.binary_crossentropy([[target]], [[p]])[0]) for p in outputs]
    assert outputs[np.argmin(loss)] == pytest.approx(target, abs=0.006)
    assert min(loss) == pytest.approx(
        -target * np.log(target) - (1 - target) * np.log(1 - target), abs=1e-4
    )


def test_windows_end_at_each_cycle_and_health_is_capped():
    engine = {
        "sensors": tf.reshape(tf.range(250 * 21, dtype="float32"), (250, 21)),
        "remaining": tf.constant(10),
    }
    x, health = recipe.windows(engine)
    assert x.shape == (221, 200, 15)  # the cycles 30 to 250
    np.testing.assert_array_equal(x[57, -1, :14], np.asarray(engine["sensors"])[86, recipe.SENSORS])
    np.testing.assert_allclose(
        x[57, :, 14], np.maximum(np.arange(87 - 199, 88), 0) / 100
    )  # the age: cycles 1 to 87
    np.testing.assert_array_equal(x[0, :170], 0)  # before the first cycle
    np.testing.assert_array_equal(
        x[-1, :, :14], np.asarray(engine["sensors"])[50:][:, recipe.SENSORS]
    )
    assert float(health[-1, 0]) == pytest.approx(10 / 125)
    assert float(health[0, 0]) == 1
    assert float(recipe.last_window(engine)[1][0, 0]) == pytest.approx(10 / 125)


def test_error_is_in_cycles():
    metric = recipe.Cycles()
    metric.update_state([[1.0], [0.0]], [[0.8], [0.0]])
    assert float(metric.result()) == pytest.approx(125 * 0.2 / np.sqrt(2), rel=1e-5)


def test_both_apis_give_the_same_network():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(4, 200, 15)).astype("float32")
    x[:2, :150] = 0
    models = []
    for build in (recipe.build_sequential, recipe.build_functional):
        normalize = keras.layers.Normalization()
        normalize.adapt(recipe.statistics(x))
        models.append(build(normalize))
    models[1].set_weights(models[0].get_weights())
    np.testing.assert_allclose(*(model(x) for model in models), rtol=1e-5)
    assert all(0 < float(p) < 1 for p in np.ravel(models[0](x)))

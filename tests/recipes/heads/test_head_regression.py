"""A linear head leaves the range of its targets, a sigmoid head cannot; R² as scikit-learn has it (H5, H17)."""

import keras
import numpy as np
import pytest
from sklearn.metrics import r2_score


def test_r2_is_that_of_scikit_learn_and_0_for_the_mean():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(50, 1)).astype("float32")
    said = true + rng.normal(0, 0.5, size=(50, 1)).astype("float32")
    metric = keras.metrics.R2Score()
    assert float(metric(true, said)) == pytest.approx(r2_score(true, said), abs=1e-5)
    metric.reset_state()
    assert float(metric(true, np.full_like(true, true.mean()))) == pytest.approx(0, abs=1e-5)


def fitted(activation):
    """One neuron that learned y = 4 x on 0…1, asked at x = 2."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation=activation)])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    x = np.tile(np.linspace(0, 1, 32)[:, None], (150, 1))  # an epoch a batch would take ten times as long
    model.fit(x, 4 * x, batch_size=32, shuffle=False, verbose=0)
    return float(model.predict(np.array([[2.0]]), verbose=0)[0, 0])


def test_linear_head_leaves_the_range_of_its_targets_and_sigmoid_stays_below_1():
    assert fitted("linear") > 4.5
    assert fitted("sigmoid") <= 1

"""A linear head leaves the range of its targets, a sigmoid head cannot; R² as scikit-learn has it (H5, H17)."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import r2_score

from recipes.heads import head_regression


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
    x = np.tile(
        np.linspace(0, 1, 32)[:, None], (150, 1)
    )  # an epoch a batch would take ten times as long
    model.fit(x, 4 * x, batch_size=32, shuffle=False, verbose=0)
    return float(model.predict(np.array([[2.0]]), verbose=0)[0, 0])


def test_linear_head_leaves_the_range_of_its_targets_and_sigmoid_stays_below_1():
    assert fitted("linear") > 4.5
    assert fitted("sigmoid") <= 1


def table_with_gaps(rows=64):
    """Districts of which each column, place included, lacks some numbers, and their prices."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(rows, 15)).astype("float32")
    table[:, :2] += (-119, 36)
    prices = table[:, 2:3] + table[:, 3:4]
    table[rng.random(table.shape) < 0.1] = np.nan
    return tf.data.Dataset.from_tensor_slices((table, prices)).batch(16)


def test_gaps_in_any_column_are_filled_before_both_branches():
    train = table_with_gaps()
    model = head_regression.build_model(train=train, steps=40)
    for _ in range(10):
        for x, y in train:
            model.train_on_batch(x, y)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    table = np.concatenate([x for x, _ in train.as_numpy_iterator()])
    mean = np.nanmean(table, axis=0)
    filled = np.where(np.isnan(table), mean, table)
    np.testing.assert_allclose(model(table), model(filled), rtol=1e-4, atol=1e-5)
    assert np.isfinite(model(table)).all()

import doctest

import keras
import numpy as np
import pytest

from recipes.common import snapshots
from recipes.common.snapshots import SnapshotCallback


def test_example():
    result = doctest.testmod(snapshots)
    assert result.attempted > 0
    assert not result.failed


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def fit(model, callback, epochs):
    model.fit(np.ones((4, 1)), 3 * np.ones((4, 1)), epochs=epochs, verbose=0, callbacks=[callback])


def weights_of(model):
    return [weight.copy() for weight in model.get_weights()]


def test_every_epoch_from_before_the_first(model):
    before = weights_of(model)
    fit(model, SnapshotCallback(weights_of), 3)
    assert [epoch for epoch, _ in model.snapshots] == [0, 1, 2, 3]
    np.testing.assert_array_equal(model.snapshots[0][1][0], before[0])
    np.testing.assert_array_equal(model.snapshots[-1][1][0], model.get_weights()[0])
    assert len({float(kernel[0, 0]) for _, (kernel, _) in model.snapshots}) == 4


def test_chosen_epochs_and_a_second_training(model):
    callback = SnapshotCallback(weights_of, epochs=(2, 5))
    fit(model, callback, 4)
    assert [epoch for epoch, _ in model.snapshots] == [2]
    fit(model, callback, 5)
    assert [epoch for epoch, _ in model.snapshots] == [2, 5]


def test_model_is_saved_without_its_snapshots(model, tmp_path):
    fit(model, SnapshotCallback(weights_of), 1)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    assert not hasattr(again, "snapshots")

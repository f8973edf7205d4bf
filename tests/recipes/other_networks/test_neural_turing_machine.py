"""The task by hand; what copying shows of the heads; what the machine learns, unlike an LSTM."""

import keras
import numpy as np
import pytest

from recipes.other_networks import neural_turing_machine as recipe
from recipes.other_networks.figures import neural_turing_machine as pictures


def test_task_by_hand():
    inputs, targets, weights = recipe.copy_task([2, 3], longest=3, seed=0)
    assert (inputs.shape, targets.shape, weights.shape) == ((2, 7, 9), (2, 7, 8), (2, 7))
    # The first: two vectors, the delimiter, two targets.
    np.testing.assert_array_equal(inputs[0, :, 8], [0, 0, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(weights[0], [0, 0, 0, 1, 1, 0, 0])
    np.testing.assert_array_equal(targets[0, 3:5], inputs[0, :2, :8])
    np.testing.assert_array_equal(inputs[0, 3:], 0)
    np.testing.assert_array_equal(targets[1, 4:7], inputs[1, :3, :8])
    assert set(np.unique(inputs)) == {0, 1}
    other, _, _ = recipe.copy_task([2, 3], longest=3, seed=1)
    assert (other != inputs).any()


def test_data_have_the_lengths_that_are_said():
    train, validation, test = recipe.load_data(count=640)
    lengths = np.concatenate(
        [np.argmax(x[:, :, 8], axis=1) for x, _, _ in train.as_numpy_iterator()]
    )
    assert set(lengths) == set(range(1, 9))
    inputs, targets, weights = next(test.as_numpy_iterator())
    assert set(np.argmax(inputs[:, :, 8], axis=1)) == {16}
    assert targets.shape[1] == 33
    np.testing.assert_array_equal(weights.sum(axis=1), 16)
    assert next(validation.as_numpy_iterator())[0].shape[1] == 17


def test_baseline_is_half_of_what_training_does_not_reach():
    """8 of 16 vectors are right, and of the others about every second bit: 0.75."""
    _, _, test = recipe.load_data(count=64)
    assert recipe.baseline(None, test)["bit_accuracy"] == pytest.approx(0.75, abs=0.01)


def test_copying_shows_the_heads_of_the_network_that_answers():
    keras.utils.set_random_seed(0)
    model = recipe.build_model(units=8, slots=6, width=4)
    inputs, answers, writing, reading = pictures.copying(model, length=3)
    assert inputs.shape == (7, 9)
    assert answers.shape == (7, 8)
    assert writing.shape == reading.shape == (7, 6)
    np.testing.assert_allclose(writing.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(reading.sum(axis=1), 1, rtol=1e-5)
    assert (writing != reading).any()


def test_accuracy_is_that_of_the_steps_that_count(monkeypatch):
    """A stand-in that knows nothing but zeros is right in about half of the bits."""

    class Zeros:
        def predict(self, inputs, batch_size, verbose):
            return np.zeros((*inputs.shape[:2], 8))

    monkeypatch.setattr(pictures, "SEQUENCES", 400)
    assert pictures.accuracy_at(Zeros(), 5) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("network", recipe.VARIANTS)
def test_both_learn_to_repeat_one_vector(network):
    keras.utils.set_random_seed(0)
    model = recipe.build_model(network, units=32, slots=4, width=8)
    # A recurrent layer takes XLA longer to compile than this to train.
    model.compile(keras.optimizers.Adam(0.01), loss="binary_crossentropy", jit_compile=False)
    inputs, targets, weights = recipe.copy_task(np.ones(2000, int), longest=1, seed=0)
    model.fit(inputs, targets, sample_weight=weights, batch_size=40, epochs=6, verbose=0)
    inputs, targets, weights = recipe.copy_task(np.ones(100, int), longest=1, seed=1)
    answers = model.predict(inputs, verbose=0) > 0.5
    assert np.mean((answers == targets)[weights > 0]) > 0.9

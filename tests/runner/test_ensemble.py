"""`tune --ensemble`: who is chosen, what their average answers, and what is left of it."""

import types

import keras
import numpy as np
import pytest

from recipes._runner import ensemble
from recipes._runner.errors import UserError
from tests.runner import tiny_recipe
from tests.runner.test_tune_command import plan


@pytest.fixture(autouse=True)
def clear():
    yield
    keras.backend.clear_session(free_memory=False)


def row(rank, trial="0", **values):
    return {"rank": rank, "trial": trial, "score": 0.5, "hyperparameters": values}


def test_the_best_trials_that_differ_are_chosen():
    rows = [
        row(1, units=8),
        row(2, units=8),  # the same again
        row(3, units=4, batch_size=32),  # of the same data
        row(4, units=16),
        row(5, units=12),
        row(None, units=2),  # failed
    ]
    assert ensemble.choose(rows, 3, tiny_recipe, plan()) == [rows[0], rows[2], rows[3]]
    assert ensemble.choose(rows, 9, tiny_recipe, plan()) == [rows[0], *rows[2:5]]
    # What is the same in all trials is no difference.
    fixed = plan(arguments={"units": 8})
    assert ensemble.choose(rows, 9, tiny_recipe, fixed) == [rows[0], rows[2]]


def test_members_read_the_data_that_the_winner_reads():
    def load_data(words=100, batch_size=8):
        pass

    def build_model(units=8):
        pass

    module = types.SimpleNamespace(load_data=load_data, build_model=build_model)
    rows = [row(1, words=50), row(2, words=100), row(3, words=50, units=4, batch_size=2)]
    assert ensemble.choose(rows, 3, module, plan()) == [rows[0], rows[2]]


def network(units, activation, loss, metrics, width):
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(width, activation="tanh"),
            keras.layers.Dense(units, activation=activation),
        ]
    )
    model.compile("adam", loss=loss, metrics=metrics)
    return model


def inputs():
    return np.random.default_rng(0).normal(size=(12, 3)).astype("float32")


@pytest.mark.parametrize(
    ("units", "activation", "loss", "metrics"),
    [
        (3, "softmax", "sparse_categorical_crossentropy", ["accuracy"]),
        (1, "sigmoid", "binary_crossentropy", ["accuracy", "auc"]),
        (1, None, "mse", ["mae", keras.metrics.R2Score(name="r2")]),
    ],
)
def test_the_average_answers_the_mean_of_its_members(units, activation, loss, metrics, tmp_path):
    members = [network(units, activation, loss, metrics, width) for width in (2, 5, 7)]
    expected = np.mean([member.predict(inputs(), verbose=0) for member in members], axis=0)
    model = ensemble.average(members)
    model.save(tmp_path / "model.keras")
    keras.backend.clear_session(free_memory=False)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(inputs(), verbose=0), expected, atol=1e-6)
    targets = np.arange(12) % max(2, units)
    scores = loaded.evaluate(inputs(), targets[:, None], return_dict=True, verbose=0)
    assert len(scores) == 1 + len(metrics)
    if units == 3:
        assert scores["accuracy"] == pytest.approx(np.mean(expected.argmax(1) == targets))
    elif activation:
        assert scores["accuracy"] == pytest.approx(np.mean((expected[:, 0] > 0.5) == targets))
    else:
        assert scores["loss"] == pytest.approx(np.mean((expected[:, 0] - targets) ** 2), rel=1e-5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("units", "probabilities", "loss"),
    [
        (1, sigmoid, keras.losses.BinaryCrossentropy(from_logits=True)),
        (3, softmax, keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
    ],
)
def test_logits_are_averaged_as_probabilities(units, probabilities, loss):
    members = [network(units, None, loss, [], width) for width in (2, 5)]
    for member in members:
        member.set_weights([5 * weight for weight in member.get_weights()])  # far from linear
    logits = [member.predict(inputs(), verbose=0) for member in members]
    answered = ensemble.average(members).predict(inputs(), verbose=0)
    np.testing.assert_allclose(
        probabilities(answered), np.mean([probabilities(each) for each in logits], 0), atol=1e-5
    )
    assert np.abs(probabilities(np.mean(logits, 0)) - probabilities(answered)).max() > 0.01


def test_names_of_several_inputs_stay():
    members = []
    for _ in range(2):
        taken = {name: keras.Input((2,), name=name) for name in ("left", "right")}
        answer = keras.layers.Dense(1)(taken["left"]) + keras.layers.Dense(1)(taken["right"])
        members.append(keras.Model(taken, answer))
        members[-1].compile("sgd", loss="mse")
    given = {"left": np.ones((4, 2)), "right": np.zeros((4, 2))}
    expected = np.mean([member.predict(given, verbose=0) for member in members], axis=0)
    np.testing.assert_allclose(ensemble.average(members).predict(given, verbose=0), expected)


def test_what_cannot_be_averaged_is_refused():
    class Own(keras.Model):
        def train_step(self, data):
            return {}

    with pytest.raises(UserError, match="--ensemble: gan has a training step of its own"):
        ensemble.refuse("gan", Own())
    given = keras.Input((2,))
    two = keras.Model(given, [keras.layers.Dense(1)(given), keras.layers.Dense(1)(given)])
    with pytest.raises(UserError, match="--ensemble: the network of two has not one output"):
        ensemble.refuse("two", two)
    members = [network(units, "softmax", "mse", [], 2) for units in (2, 3)]
    with pytest.raises(UserError, match="inputs or outputs of the best networks differ in shape"):
        ensemble.average(members)

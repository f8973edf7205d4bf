"""Searches on a table: they choose as in earnest, spend what they should, and write nothing."""

import math

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from recipes.tuning import replay
from tests.tuning import tiny


def space(hp):
    hp.Choice("a", ["p", "q"])
    hp.Int("b", 0, 3, default=1)
    hp.Choice("rate", [0.1, 0.01])


def curve(values):
    """Nine scores that grow to the final one, which is best at a = q, b = 2, rate = 0.01."""
    final = (
        0.9
        - 0.1 * abs(values["b"] - 2)
        - 0.2 * (values["a"] == "p")
        - 0.05 * (values["rate"] == 0.1)
    )
    return [final * epoch / 9 for epoch in range(1, 10)]


@pytest.fixture
def table(tmp_path):
    table = replay.Table(tmp_path / "table.csv", space)
    for values in table.missing():
        table.add(values, curve(values), seconds=1.0)
    return table


def test_table_is_on_disk_after_each_point(tmp_path):
    path = tmp_path / "table.csv"
    table = replay.Table(path, space)
    assert len(table.missing()) == 16
    for values in table.missing()[:3]:
        table.add(values, [0.1, math.nan])
    again = replay.Table(path, space)
    assert len(again) == 3
    assert again.missing() == table.missing() == list(table.points())[3:]
    assert again[{"a": "p", "b": 0, "rate": 0.1, "tuner/epochs": 3}][0] == 0.1
    assert again.finals("max") == [], "their last epochs are not finite"


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_replay_is_the_search_itself(kind, table, tmp_path):
    """The same oracle with the same seed, once with a tuner and its folder, once on the table."""

    def function(values):
        return -max(table[values][: values.get("tuner/epochs", 9)])

    given = {"hyperband_iterations": 2} if kind == "Hyperband" else {"max_trials": 16}
    tuner = tiny.fake(kind, tmp_path, function, hyperparameters=table.space.copy(), seed=3, **given)
    tuner.search(verbose=0)
    scores = [-tuner.oracle.trials[trial_id].score for trial_id in tuner.oracle.start_order]
    steps = replay.replay(kind, table, "max", epochs=10_000, seed=3, **given)
    assert [score for _, score in steps] == pytest.approx(np.maximum.accumulate(scores))


@pytest.mark.parametrize("kind", ["RandomSearch", "BayesianOptimization", "GridSearch"])
def test_every_point_is_tried_once(kind, table):
    steps = replay.replay(kind, table, "max", epochs=10_000)
    assert [epochs for epochs, _ in steps] == [9 * trial for trial in range(1, 17)]
    assert steps[-1][1] == pytest.approx(0.9)


def test_hyperband_pays_for_epochs_and_sees_no_others(table):
    steps = replay.replay("Hyperband", table, "max", epochs=21)
    spent = np.diff([0, *(epochs for epochs, _ in steps)])
    # 9 for one epoch, of these 3 for three, of these 1 for nine.
    assert list(spent) == [1] * 9 + [2] * 3 + [6]
    scores = [score for _, score in steps]
    assert max(scores[:9]) <= 0.9 * 1 / 9 + 1e-5
    assert max(scores[:12]) <= 0.9 * 3 / 9 + 1e-5
    assert scores[-1] > 0.5


def test_budget_and_target_end_a_search(table):
    assert replay.replay("RandomSearch", table, "max", epochs=50)[-1][0] == 45
    steps = replay.replay("RandomSearch", table, "max", epochs=10_000, target=0.7)
    assert steps[-1][1] >= 0.7
    assert all(score < 0.7 for _, score in steps[:-1])


def test_smaller_is_better_if_one_says_so(table):
    steps = replay.replay("BayesianOptimization", table, "min", epochs=10_000)
    assert steps[-1][1] == pytest.approx(min(curve({"a": "p", "b": 0, "rate": 0.1})))


def test_diverged_trainings_cost_and_do_not_win(tmp_path):
    table = replay.Table(tmp_path / "table.csv", space)
    for values in table.missing():
        table.add(values, [2.0, math.nan] if values["b"] == 3 else [0.1, 0.2 * values["b"]])
    steps = replay.replay("RandomSearch", table, "max", epochs=10_000)
    assert steps[-1] == (32, 0.4)


def test_part_of_a_space():
    whole = keras_tuner.HyperParameters()
    space(whole)
    part = replay.part_of(whole, fixed={"a": "q"}, start={"rate": 0.01}, order=5)
    assert part.values == {"a": "q", "b": 1, "rate": 0.01}
    orders = {
        tuple(hp.name for hp in replay.part_of(whole, order=seed).space) for seed in range(50)
    }
    assert len(orders) == 6
    assert whole.values == {"a": "p", "b": 1, "rate": 0.1}


def test_regret(table, tmp_path):
    searches = {
        "random": ("RandomSearch", {}),
        "grid": ("GridSearch", {}),
        "Bayesian": ("BayesianOptimization", {}),
        "only p": ("RandomSearch", {"fixed": {"a": "p"}}),
    }
    found = replay.regret(table, "max", searches, trainings=16, seeds=20)
    for name, distances in found.items():
        assert distances.shape == (3, 16)
        assert (np.diff(distances, axis=1) <= 1e-9).all()
        assert (np.diff(distances, axis=0) >= -1e-9).all()
        assert distances[:, -1] == pytest.approx(0.2 if name == "only p" else 0.0, abs=1e-5)
        assert distances[:, 0] == pytest.approx(
            0.9 - max(curve({"a": "p", "b": 1, "rate": 0.1})), abs=1e-5
        )
    assert (
        replay.needed(found["Bayesian"], found["random"])
        < replay.needed(found["random"], found["random"])
        <= 16
    )
    assert replay.needed(found["only p"], found["random"]) == math.inf
    replay.save({"toy": found}, tmp_path / "found.csv")
    again = replay.load(tmp_path / "found.csv")["toy"]
    assert all(again[name] == pytest.approx(found[name], abs=1e-5) for name in searches)


def test_nothing_is_completed_yet(tmp_path):
    table = replay.Table(tmp_path / "table.csv", space)
    for values in table.missing():
        table.add(values, [math.nan] if values["b"] == 2 else [float(values["b"])])
    start = {"fail first": ("RandomSearch", {"start": {"b": 2}})}
    assert np.isinf(replay.regret(table, "max", start, trainings=3, seeds=2)["fail first"]).all()


def test_fill_trains_each_point_as_if_it_were_the_only_one(tmp_path):
    """One network for all rates, set back each time: the scores are those of a network of its own with a plain rate."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 3)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, x @ [[1.0], [-2.0], [0.5]])).batch(16)
    built = []

    def build(units, rate):
        built.append(units)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units, activation="tanh")])
        model.add(keras.layers.Dropout(0.2))
        model.add(keras.layers.Dense(1))
        model.compile(
            keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, 12)), "mse"
        )
        return model

    def two(hp):
        hp.Choice("units", [2, 5])
        hp.Choice("rate", [0.01, 0.1, 0.3])

    arguments = {
        "train": data,
        "validation": data,
        "epochs": 3,
        "metric": "val_loss",
        "rate": "rate",
    }
    table = replay.Table(tmp_path / "table.csv", two)
    table.fill(build, **arguments)
    assert len(table) == 6
    for values in ({"units": 2, "rate": 0.3}, {"units": 5, "rate": 0.01}):
        keras.utils.set_random_seed(replay.oracles.random_number("table", values))
        history = (
            build(**values)
            .fit(data, validation_data=data, epochs=3, shuffle=False, verbose=0)
            .history
        )
        assert table[values] == pytest.approx(history["val_loss"], rel=1e-4)

    lines = table.path.read_text().splitlines()
    table.path.write_text("\n".join(lines[:4]) + "\n")  # stopped after three points
    built.clear()
    replay.Table(table.path, two).fill(build, **arguments)
    assert built == [5] * 4, "one network, and the first weights of three"
    assert [line.split(",")[:2] for line in table.path.read_text().splitlines()] == [
        line.split(",")[:2] for line in lines
    ]

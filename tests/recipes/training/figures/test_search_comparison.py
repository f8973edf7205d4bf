"""Searches on a table: they choose as in earnest, spend what they should, and write nothing."""

import math

import keras
import keras_tuner
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

from recipes.training import search_comparison as recipe
from recipes.training.figures import search_comparison as figures
from tests.tuning import tiny

needs_tables = pytest.mark.skipif(
    not figures.replays().exists(), reason="the tables have not been filled and replayed"
)


def space(hp):
    hp.Choice("a", ["p", "q"])
    hp.Int("b", 0, 3, default=1)
    hp.Choice("rate", [0.1, 0.01])


def curve(values):
    """Nine scores that grow to the final one, which is best at a = q, b = 2, rate = 0.01."""
    final = 0.9 - 0.1 * abs(values["b"] - 2)
    final -= 0.2 * (values["a"] == "p") + 0.05 * (values["rate"] == 0.1)
    return [final * epoch / 9 for epoch in range(1, 10)]


@pytest.fixture
def table(tmp_path):
    table = figures.Table(tmp_path / "table.csv", space)
    for values in table.missing():
        table.add(values, curve(values), seconds=1.0)
    return table


def test_table_is_on_disk_after_each_point(tmp_path):
    path = tmp_path / "table.csv"
    table = figures.Table(path, space)
    assert len(table.missing()) == 16
    for values in table.missing()[:3]:
        table.add(values, [0.1, math.nan])
    again = figures.Table(path, space)
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
    steps = figures.replay(kind, table, "max", epochs=10_000, seed=3, **given)
    assert [score for _, score in steps] == pytest.approx(np.maximum.accumulate(scores))


@pytest.mark.parametrize("kind", ["RandomSearch", "BayesianOptimization", "GridSearch"])
def test_every_point_is_tried_once(kind, table):
    steps = figures.replay(kind, table, "max", epochs=10_000)
    assert [epochs for epochs, _ in steps] == [9 * trial for trial in range(1, 17)]
    assert steps[-1][1] == pytest.approx(0.9)


def test_hyperband_pays_for_epochs_and_sees_no_others(table):
    steps = figures.replay("Hyperband", table, "max", epochs=21)
    spent = np.diff([0, *(epochs for epochs, _ in steps)])
    # Nine trials for one epoch, three of these for three, one of these for nine.
    assert list(spent) == [1] * 9 + [2] * 3 + [6]
    scores = [score for _, score in steps]
    assert max(scores[:9]) <= 0.9 * 1 / 9 + 1e-5
    assert max(scores[:12]) <= 0.9 * 3 / 9 + 1e-5
    assert scores[-1] > 0.5


def test_budget_and_target_end_a_search(table):
    assert figures.replay("RandomSearch", table, "max", epochs=50)[-1][0] == 45
    steps = figures.replay("RandomSearch", table, "max", epochs=10_000, target=0.7)
    assert steps[-1][1] >= 0.7
    assert all(score < 0.7 for _, score in steps[:-1])


def test_smaller_is_better_if_one_says_so(table):
    steps = figures.replay("BayesianOptimization", table, "min", epochs=10_000)
    assert steps[-1][1] == pytest.approx(min(curve({"a": "p", "b": 0, "rate": 0.1})))


def test_diverged_trainings_cost_and_do_not_win(tmp_path):
    table = figures.Table(tmp_path / "table.csv", space)
    for values in table.missing():
        table.add(values, [2.0, math.nan] if values["b"] == 3 else [0.1, 0.2 * values["b"]])
    steps = figures.replay("RandomSearch", table, "max", epochs=10_000)
    assert steps[-1] == (32, 0.4)


def test_part_of_a_space():
    whole = keras_tuner.HyperParameters()
    space(whole)
    part = figures.part_of(whole, fixed={"a": "q"}, start={"rate": 0.01}, order=5)
    assert part.values == {"a": "q", "b": 1, "rate": 0.01}
    orders = {
        tuple(hp.name for hp in figures.part_of(whole, order=seed).space) for seed in range(50)
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
    found = figures.regret(table, "max", searches, trainings=16, seeds=20)
    first = 0.9 - max(curve({"a": "p", "b": 1, "rate": 0.1}))
    for name, distances in found.items():
        assert distances.shape == (3, 16)
        assert (np.diff(distances, axis=1) <= 1e-9).all()
        assert (np.diff(distances, axis=0) >= -1e-9).all()
        assert distances[:, -1] == pytest.approx(0.2 if name == "only p" else 0.0, abs=1e-5)
        assert distances[:, 0] == pytest.approx(first, abs=1e-5)
    figures.save_regrets({"toy": found}, tmp_path / "found.csv")
    again = figures.load_regrets(tmp_path / "found.csv")["toy"]
    assert all(again[name] == pytest.approx(found[name], abs=1e-5) for name in searches)


def test_trainings_needed_compares_medians():
    rival = np.array([[0.0, 0.0, 0.0], [0.5, 0.3, 0.2], [0.9, 0.9, 0.9]])
    faster = np.array([[0.0, 0.0, 0.0], [0.4, 0.2, 0.1], [0.9, 0.9, 0.9]])
    slower = np.array([[0.0, 0.0, 0.0], [0.4, 0.4, 0.3], [0.9, 0.9, 0.9]])
    assert figures.trainings_needed(faster, rival) == 2
    assert figures.trainings_needed(rival, rival) == 3
    assert figures.trainings_needed(slower, rival) == math.inf


def test_titles_say_trainings_needed_and_gaps_at_1_and_20_trainings():
    def regrets(median):
        return np.array([np.zeros(25), median, np.ones(25)])

    falling = np.linspace(1, 0.04, 25)  # 0.04 less each time
    searches = {
        "random": regrets(falling),
        "Bayesian": regrets(np.maximum(falling - 0.4, 0)),
        "Adam": regrets(falling),
        "SGD": regrets(0.5 * falling),
    }
    assert "is after 15 (" in figures.race_title({"toy": searches})
    title = figures.budget_title({"toy": searches})
    assert title.endswith("differ by 0.500; after 20 trials each, by 0.120")


def test_nothing_is_completed_yet(tmp_path):
    table = figures.Table(tmp_path / "table.csv", space)
    for values in table.missing():
        table.add(values, [math.nan] if values["b"] == 2 else [float(values["b"])])
    start = {"fail first": ("RandomSearch", {"start": {"b": 2}})}
    assert np.isinf(figures.regret(table, "max", start, trainings=3, seeds=2)["fail first"]).all()


def test_fill_trains_each_point_as_if_it_were_the_only_one(tmp_path):
    """One network serves for all rates, set back each time.

    The scores are those of a network of its own with a plain rate.
    """
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
    table = figures.Table(tmp_path / "table.csv", two)
    table.fill(build, **arguments)
    assert len(table) == 6
    for values in ({"units": 2, "rate": 0.3}, {"units": 5, "rate": 0.01}):
        keras.utils.set_random_seed(figures.oracles.random_number("table", values))
        model = build(**values)
        fit = model.fit(data, validation_data=data, epochs=3, shuffle=False, verbose=0)
        assert table[values] == pytest.approx(fit.history["val_loss"], rel=1e-4)

    lines = table.path.read_text().splitlines()
    table.path.write_text("\n".join(lines[:4]) + "\n")  # stopped after three points
    built.clear()
    figures.Table(table.path, two).fill(build, **arguments)
    assert built == [5] * 4, "one network, and the first weights of three"
    points = [line.split(",")[:2] for line in table.path.read_text().splitlines()]
    assert points == [line.split(",")[:2] for line in lines]


def test_space_has_252_points_and_starts_with_keras_own_rates():
    table = figures.table_of("no such problem")
    assert len(list(table.points())) == len(table.missing()) == 252
    for name in ("Adam", "SGD"):
        _, part = figures.SEARCHES[name]
        space = figures.part_of(table.space, **part)
        assert space.values == {
            "optimizer": name.lower(),
            "learning_rate": {"Adam": 0.001, "SGD": 0.01}[name],
            "width": 8,
            "depth": 2,
            "dropout": 0.0,
        }


def test_replays_and_pictures_of_any_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "TABLES", tmp_path)
    monkeypatch.setattr(figures.storage.os, "fsync", lambda descriptor: None)
    assert figures.figures(None, None, None) == {}, "nothing replayed yet"
    for problem in recipe.VARIANTS:
        table = figures.table_of(problem)
        for values in table.missing():
            rate = np.log10(values["learning_rate"]) + (2 if values["optimizer"] == "adam" else 1)
            score = 0.9 - 0.1 * rate**2 - 0.01 * abs(values["depth"] - 3) - 0.001 * values["width"]
            table.add(values, [score - 0.3 / epoch for epoch in range(1, 10)])
    figures.replay_searches(seeds=3, trainings=20)
    found = figures.load_regrets(figures.replays())
    assert list(found) == list(recipe.VARIANTS)
    assert all(set(searches) == set(figures.SEARCHES) for searches in found.values())
    assert all(of["Bayesian"][1, -1] <= of["random"][1, -1] for of in found.values())
    pictures = figures.figures(None, None, None)
    assert set(pictures) == {"tables", "race", "same_budget"}
    assert all(len(picture.axes) == 3 for picture in pictures.values())
    plt.close("all")


@needs_tables
@pytest.mark.parametrize("problem", recipe.VARIANTS)
def test_tables_are_full(problem):
    table = figures.table_of(problem)
    assert not table.missing()
    assert {len(table[values]) for values in table.points()} == {recipe.EPOCHS}


@needs_tables
@pytest.mark.parametrize("problem", ["fashion_cnn", "imdb_text"])
def test_settings_matter_by_far(problem):
    """Slide: "arte más que ciencia". Twenty random points differ by 20 percentage points."""
    finals = [score for _, score in figures.table_of(problem).finals("max")]
    assert np.ptp(np.random.default_rng(0).choice(finals, 20, replace=False)) > 0.2


@needs_tables
@pytest.mark.parametrize("problem", recipe.VARIANTS)
def test_bayesian_search_needs_at_most_half_the_trainings_of_random_search(problem):
    found = figures.load_regrets(figures.replays())[problem]
    needed = figures.trainings_needed(found["Bayesian"], found["random"])
    assert needed <= found["random"].shape[1] / 2


@needs_tables
@pytest.mark.parametrize("problem", recipe.VARIANTS)
def test_with_the_same_budget_adam_and_sgd_are_closer_than_untuned(problem):
    found = figures.load_regrets(figures.replays())[problem]
    gap = abs(found["Adam"][1] - found["SGD"][1])
    assert gap[19] < gap[0]

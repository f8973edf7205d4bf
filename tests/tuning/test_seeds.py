"""The same seed gives the same search, 0 included; the defaults come first."""

import numpy as np
import pytest

from recipes import tuning
from recipes.tuning import oracles
from tests.tuning import tiny


def search(kind, folder, **arguments):
    tuner = tiny.fake(kind, folder, **arguments)
    tuner.search(verbose=0)
    return tuner


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_same_seed_same_search(kind, tmp_path):
    first, again = (search(kind, tmp_path / name, seed=0, max_trials=6) for name in "ab")
    assert first.oracle.seed == 0
    assert tiny.table(first) == tiny.table(again)
    assert [row["trial"] for row in first.leaderboard()] == [
        row["trial"] for row in again.leaderboard()
    ]


@pytest.mark.parametrize("kind", ["RandomSearch", "BayesianOptimization", "Hyperband"])
def test_other_seed_other_search(kind, tmp_path):
    """No value of a continuous hyperparameter occurs twice, at any distance between the seeds."""
    rates = []
    for seed in (0, 1, 4):  # KerasTuner's streams overlap at distances of a few
        tuner = search(kind, tmp_path / str(seed), seed=seed, max_trials=5)
        rates.append(
            {values["rate"] for _, values in tuner.calls[1:] if "tuner/trial_id" not in values}
        )
    defaults = {tiny.space().values["rate"]}
    for i in range(3):
        for j in range(i):
            assert rates[i] & rates[j] <= defaults


def test_without_a_seed_one_is_drawn_and_kept(tmp_path):
    first = search("RandomSearch", tmp_path, seed=None, max_trials=2)
    more = tiny.fake("RandomSearch", tmp_path, seed=None, max_trials=4)
    assert more.oracle.seed == first.oracle.seed
    assert tiny.fake("RandomSearch", tmp_path / "other", seed=None).oracle.seed != first.oracle.seed


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_defaults_first(kind, tmp_path):
    tuner = search(kind, tmp_path, max_trials=2)
    first = {
        name: value for name, value in tuner.calls[0][1].items() if not name.startswith("tuner/")
    }
    assert first == tiny.space().values == {"units": 4, "rate": 1e-3, "kind": "a"}
    if kind == "Hyperband":
        assert tuner.calls[0][1]["tuner/bracket"] == 2
        assert tuner.calls[0][1]["tuner/epochs"] == 1


def test_seed_of_a_build_depends_on_values_not_on_the_trial(tmp_path):
    tuner = tiny.fake("RandomSearch", tmp_path)
    values = {"units": 4, "rate": 0.1}
    seed = tuner.trial_seed(values)
    assert seed == tuner.trial_seed({"rate": 0.1, "units": 4, "tuner/epochs": 3})
    assert seed != tuner.trial_seed({**values, "rate": 0.2})
    assert seed != tuner.trial_seed(values, execution=1)
    assert 0 <= seed < 2**32
    other = tiny.fake("RandomSearch", tmp_path / "other", seed=1)
    assert other.trial_seed(values) != seed


def test_random_numbers_are_those_of_every_machine():
    assert oracles.random_number("trial", 0, 1) == 2879546295
    numbers = [
        oracles.random_number("trial", seed, number) for seed in range(30) for number in range(30)
    ]
    assert len(set(numbers)) == 900
    assert abs(np.mean(numbers) / 2**32 - 0.5) < 0.05


def test_lazy_names():
    assert tuning.RandomSearch.__name__ == "RandomSearch"
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        tuning.Nothing  # noqa: B018

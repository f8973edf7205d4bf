"""One folder, one search: another one is refused, and nothing is deleted that no tuner made."""

import re
import time

import keras_tuner
import pytest

from recipes.tuning import storage
from tests.tuning import tiny


def other_space(change):
    hp = keras_tuner.HyperParameters()
    hp.Int(
        "units", 2, 16 if change == "range" else 8, step=2, default=6 if change == "default" else 4
    )
    if change == "kind":
        hp.Choice("rate", [1e-3, 1e-2])
    elif change != "missing":
        hp.Float("rate", 1e-4, 1e-1, sampling="log", default=1e-3)
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["b"]):
        hp.Float("slope", 0.0, 1.0, default=0.5)
    return hp


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        (
            "RandomSearch",
            {"hyperparameters": other_space("range")},
            "'units': max_value 8 there, 16 here",
        ),
        (
            "RandomSearch",
            {"hyperparameters": other_space("default")},
            "'units': default 4 there, 6 here",
        ),
        ("RandomSearch", {"hyperparameters": other_space("missing")}, "'rate': only there"),
        ("RandomSearch", {"hyperparameters": other_space("kind")}, "'rate': "),
        ("RandomSearch", {"seed": 1}, "seed: 0 there, 1 here"),
        ("RandomSearch", {"direction": "max"}, "objective: "),
        ("RandomSearch", {"executions_per_trial": 2}, "executions_per_trial: 1 there, 2 here"),
        ("RandomSearch", {"prune": "median"}, "prune: None there, median here"),
        ("GridSearch", {}, "algorithm: RandomSearch there, GridSearch here"),
    ],
)
def test_another_search_is_refused(kind, change, said, tmp_path):
    tiny.fake("RandomSearch", tmp_path, max_trials=2).search(verbose=0)
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        tiny.fake(kind, tmp_path, **change)
    assert "overwrite=True" in str(error.value)
    assert "project_name" in str(error.value)
    fresh = tiny.fake(kind, tmp_path, max_trials=2, overwrite=True, **change)
    assert fresh.oracle.trials == {}


def test_arguments_of_the_algorithm_count(tmp_path):
    tiny.fake("Hyperband", tmp_path, max_epochs=3).search(verbose=0)
    with pytest.raises(ValueError, match="max_epochs: 3 there, 9 here"):
        tiny.fake("Hyperband", tmp_path)


def test_same_search_is_taken_up(tmp_path):
    tiny.fake("RandomSearch", tmp_path, max_trials=2).search(verbose=0)
    same = tiny.fake("RandomSearch", tmp_path, max_trials=3, hyperparameters=other_space(None))
    assert len(same.oracle.trials) == 2


def test_overwrite_deletes_only_what_a_tuner_made(tmp_path):
    precious = tmp_path / "search" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine")
    with pytest.raises(ValueError, match="no tuner made"):
        tiny.fake("RandomSearch", tmp_path, overwrite=True)
    tiny.fake("RandomSearch", tmp_path, max_trials=2).search(verbose=0)
    tuner = tiny.fake("RandomSearch", tmp_path, overwrite=True, max_trials=1)
    assert precious.read_text() == "mine"
    assert not list(precious.parent.glob("trial_*"))
    tuner.search(verbose=0)
    assert len(tuner.calls) == 1


def test_folder_of_plain_keras_tuner_is_refused(tmp_path):
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "oracle.json").write_text("{}")
    with pytest.raises(ValueError, match="plain KerasTuner"):
        tiny.fake("RandomSearch", tmp_path)
    tiny.fake("RandomSearch", tmp_path, overwrite=True)


def test_second_search_at_once_is_refused(tmp_path):
    first, second = tiny.fake("RandomSearch", tmp_path), tiny.fake("RandomSearch", tmp_path)
    with storage.held(first.project_dir):
        with pytest.raises(RuntimeError, match=r"is in use by the search of process \d+"):
            second.search(verbose=0)
        with pytest.raises(RuntimeError, match="is in use"):
            tiny.fake("RandomSearch", tmp_path, overwrite=True)
        if (tmp_path / "search" / "search.json").exists():
            raise AssertionError("a refused search wrote something")
    second.search(verbose=0)
    first.search(verbose=0)  # takes up what the second found, although it was made before
    assert first.calls == []
    assert tiny.table(first) == tiny.table(second)


def test_time_limit_of_the_search(tmp_path, capsys):
    def slowly(values):
        time.sleep(0.03)
        return 1.0

    tuner = tiny.fake("RandomSearch", tmp_path, slowly, max_trials=99, time_limit=0.1)
    tuner.search()
    assert 1 <= len(tuner.calls) <= 4
    assert (
        capsys.readouterr().out.splitlines()[-1]
        == "The time limit of 0.1 s is reached: no new trial is begun."
    )
    assert all(row["seconds"] >= 0.03 for row in tuner.leaderboard())


def test_space_defined_in_run_trial(tmp_path):
    import recipes.tuning

    class Own(recipes.tuning.RandomSearch):
        def run_trial(self, trial, *fit_args, **fit_kwargs):
            x = trial.hyperparameters.Float("x", -1.0, 1.0, default=0.5)
            return x * x

    tables = []
    for name in ("whole", "parts"):
        for trials in [6] if name == "whole" else [2, 6]:
            tuner = Own(max_trials=trials, seed=3, directory=tmp_path, project_name=name)
            tuner.search(verbose=0)
        tables.append(tiny.table(tuner))
    assert tables[0] == tables[1]
    assert tables[0][0][1] == {"x": 0.5}
    assert len({row[1]["x"] for row in tables[0]}) == 6


def test_missing_hypermodel(tmp_path):
    import recipes.tuning

    with pytest.raises(ValueError, match="hypermodel is missing"):
        recipes.tuning.RandomSearch(None, "val_loss", directory=tmp_path)


def test_unknown_arguments(tmp_path):
    with pytest.raises(TypeError, match="nonsense"):
        tiny.fake("RandomSearch", tmp_path, nonsense=1)
    with pytest.raises(ValueError, match='prune must be None or "median"'):
        tiny.fake("RandomSearch", tmp_path, prune="mean")
    with pytest.raises(ValueError, match="does not go with Hyperband"):
        tiny.fake("Hyperband", tmp_path, prune="median")

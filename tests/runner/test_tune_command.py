"""`tune`: what it refuses, what it leaves, and that neither its workers nor it itself may be killed with impunity."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import keras_tuner
import pytest

from recipes._runner import search, tune_command
from tests.runner import tiny, tiny_recipe


def tune(folder, *flags, recipe="tiny"):
    return tiny.main(["tune", recipe, "--output", str(folder), *flags])


def leaderboard(folder, tuner):
    return json.loads((folder / f"tuning-{tuner}" / "leaderboard.json").read_text())


def plan(module="tests.runner.tiny_recipe", **changes):
    keywords = {
        "recipe": "tiny",
        "module": module,
        "epochs": 2,
        "variant": None,
        "defaults": {},
        "arguments": {},
        "data": {},
        "choice": {},
        "precision": "auto",
        "smoke": False,
        "tuner": "RandomSearch",
        "objective": ["val_accuracy", "max"],
        "tuner_arguments": {"max_trials": 3, "seed": 0},
    }
    return search.SearchPlan(**{**keywords, **changes})


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400)])
def test_durations(text, seconds):
    assert tune_command.duration(text) == seconds


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--time-limit", "soon"], "time such as 90s, 30m or 2h"),
        (["--trial-time-limit", "0"], "time such as"),
        (["--trials", "0"], "positive whole number"),
        (["--tuner", "magic"], "magic"),
        (["--tuner", "hyperband", "--trials", "3"], "follows from --epochs"),
        (["--tuner", "hyperband", "--prune", "median"], "--prune does not go with --tuner hyperband"),
        (["--set", "unit=3"], "did you mean units"),
        (["--variant", "big"], "tiny has no such variant; it has no variants"),
    ],
)
def test_wrong_flags_get_one_line_and_status_2(flags, said, tmp_path, capsys):
    assert tune(tmp_path, *flags) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]


def test_a_recipe_that_trains_nothing_is_refused(tmp_path, capsys):
    assert tune(tmp_path, recipe="im2col") == 2
    assert "there is nothing to search" in capsys.readouterr().err


def test_the_recipes_own_metric_is_the_objective():
    assert tune_command.objective(tiny_recipe, None, 1, {}, {}) == ("val_accuracy", "max")
    assert tune_command.objective(tiny_recipe, "val_loss", 1, {}, {}) == ("val_loss", "min")


def test_what_is_set_is_not_searched_and_a_variant_is_where_the_search_starts():
    def space(**changes):
        described = plan(**changes)
        return search.space(search.recipe_model(described), described)

    assert space().get("units") == 8
    started = space(defaults={"units": 12})
    assert started.get("units") == 12
    assert isinstance(started.space[0], keras_tuner.engine.hyperparameters.Int)
    for fixed in (space(arguments={"units": 16}), space(defaults={"units": 5})):  # 5 is not on the grid
        assert isinstance(fixed.space[0], keras_tuner.engine.hyperparameters.Fixed)


def test_another_search_in_the_folder_is_refused(tmp_path):
    tune_command.output.write_json(tmp_path / "plan.json", tune_command.dataclasses.asdict(plan()))
    tune_command.refuse_another(plan(), tmp_path)
    tune_command.refuse_another(plan(tuner_arguments={"max_trials": 30, "seed": 0}), tmp_path)  # more of the same
    with pytest.raises(tune_command.UserError, match="epochs 2 there, 5 here"):
        tune_command.refuse_another(plan(epochs=5), tmp_path)
    with pytest.raises(tune_command.UserError, match="seed 0 there, 1 here"):
        tune_command.refuse_another(plan(tuner_arguments={"max_trials": 3, "seed": 1}), tmp_path)


def test_a_search_leaves_leaderboard_pictures_and_a_trained_winner(tmp_path, capsys, monkeypatch):
    flags = ["--tuner", "random", "--epochs", "1"]
    assert tune(tmp_path, *flags, "--trials", "2") == 0
    said = capsys.readouterr().out
    folder = tmp_path / "tuning-random"
    rows = leaderboard(tmp_path, "random")
    assert len(rows) == 2
    assert [row["hyperparameters"]["units"] for row in rows if row["trial"] == min(r["trial"] for r in rows)] == [8]
    assert "Trial 1 of 2: val_accuracy" in said
    assert f"model = build_model(units={rows[0]['hyperparameters']['units']})" in said
    left = {path.name for path in folder.iterdir()}
    assert {"leaderboard.csv", "best.py", "best_so_far.png", "hyperparameters.png", "parallel_coordinates.png"} <= left
    metrics = json.loads((tmp_path / "tuned" / "metrics.json").read_text())
    assert metrics["arguments"]["units"] == rows[0]["hyperparameters"]["units"]
    assert (tmp_path / "tuned" / "defaults" / "model.keras").exists()

    records = {path: path.read_bytes() for path in folder.glob("trials/trial_*/trial.json")}
    assert len(records) == 2
    monkeypatch.setattr(tune_command, "test", lambda *arguments: metrics)  # as above
    assert tune(tmp_path, *flags, "--trials", "3") == 0  # goes on from the two
    assert len(leaderboard(tmp_path, "random")) == 3
    assert all(path.read_bytes() == before for path, before in records.items())


# With processes that die


def start(folder, *flags, recipe="tiny"):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.runner.tiny", "tune", recipe, "--output", str(folder), *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def workers(folder):
    """Processes that run trials of the search under `folder`."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
            if b"recipes._runner.search" in words and str(folder).encode() in words:
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def wait_until(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_trials_that_kill_hang_raise_or_diverge_fail_and_the_search_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(tune_command, "GRACE", 5)
    assert tune(tmp_path, "--tuner", "grid", "--trial-time-limit", "60s", recipe="deadly") == 0
    rows = {row["hyperparameters"]["kind"]: row for row in leaderboard(tmp_path, "grid")}
    assert {kind for kind, row in rows.items() if row["status"] == "COMPLETED"} == {"good", "also good"}
    assert "killed, by the system for want of memory or by someone" in rows["kills"]["message"]
    assert "it hung: still running after 65 s" in rows["hangs"]["message"]
    assert "this never works" in rows["raises"]["message"]
    assert "val_loss is nan" in rows["diverges"]["message"] or "val_loss is inf" in rows["diverges"]["message"]


@pytest.mark.slow
def test_defaults_that_fail_end_the_search_with_their_error(tmp_path):
    process = start(tmp_path, "--tuner", "grid", "--set", "kind=raises", "--objective", "val_loss", recipe="deadly")
    said = process.communicate(timeout=600)[0]
    assert process.returncode == 2
    assert "this never works" in said.splitlines()[-1]


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_its_trial_runs_again(tmp_path):
    process = start(tmp_path, "--tuner", "random", "--trials", "3", "--epochs", "3")
    wait_until(lambda: list(tmp_path.glob("tuning-random/trials/trial_*/trial.json")))
    os.kill(workers(tmp_path)[0], signal.SIGKILL)
    said = process.communicate(timeout=900)[0]
    assert process.returncode == 0, said
    assert [row["status"] for row in leaderboard(tmp_path, "random")] == ["COMPLETED"] * 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("tuner", ["random", "bayesian", "hyperband", "grid"])
def test_a_killed_search_continues_as_if_nothing_had_been(tuner, tmp_path):
    flags = ["--tuner", tuner, "--epochs", "3" if tuner == "hyperband" else "2", "--seed", "3"]
    flags += ["--trials", "5"] * (tuner in ("random", "bayesian"))
    whole = start(tmp_path / "whole", *flags)
    assert whole.wait(900) == 0
    process = start(tmp_path / "cut", *flags)
    done = tmp_path / "cut" / f"tuning-{tuner}" / "trials"
    wait_until(lambda: len(list(done.glob("trial_*/trial.json"))) >= 2)
    process.kill()
    process.wait()
    wait_until(lambda: not workers(tmp_path), 30)  # they notice that their chief is gone
    assert start(tmp_path / "cut", *flags).wait(900) == 0
    one, other = (leaderboard(tmp_path / name, tuner) for name in ("whole", "cut"))
    for row in (*one, *other):
        row.pop("seconds")
    assert one == other


@pytest.mark.slow
def test_two_workers_find_what_one_finds(tmp_path):
    flags = ["--tuner", "random", "--trials", "4", "--epochs", "2"]
    assert start(tmp_path / "one", *flags).wait(900) == 0
    assert start(tmp_path / "two", *flags, "--workers", "2").wait(900) == 0
    one, two = (
        {row["hyperparameters"]["units"]: row["score"] for row in leaderboard(tmp_path / name, "random")}
        for name in ("one", "two")
    )
    assert {units: score for units, score in one.items() if units in two} == {
        units: score for units, score in two.items() if units in one
    }

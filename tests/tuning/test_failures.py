"""Trials that go wrong are recorded with their reason and never win; the search goes on."""

import math
import threading

import keras_tuner
import pytest

from tests.tuning import tiny


def failing(kind, folder, outcome, bad=(2, 3, 4, 5), **arguments):
    """A search whose trials of these numbers end in `outcome`: a value, or an error to raise."""
    count = [0]

    def function(values):
        number, count[0] = count[0], count[0] + 1
        if number in bad:
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome
        return tiny.score(values)

    return tiny.fake(kind, folder, function, **arguments)


def exhausted():
    import tensorflow as tf

    return tf.errors.ResourceExhaustedError(None, None, "out of memory when allocating a tensor")


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (ValueError("bad shape"), "ValueError: bad shape"),
        (MemoryError("no memory left"), "MemoryError: no memory left"),
        (exhausted(), "ResourceExhaustedError"),
        (math.nan, "score is nan"),
        (math.inf, "score is inf"),
        (-math.inf, "score is -inf"),
    ],
)
@pytest.mark.parametrize("direction", ["min", "max"])
def test_failed_trials(outcome, reason, direction, tmp_path):
    tuner = failing("RandomSearch", tmp_path, outcome, direction=direction)
    tuner.search(verbose=0)
    assert len(tuner.calls) == 9
    for board in (
        tuner.leaderboard(),
        tiny.fake("RandomSearch", tmp_path, direction=direction).leaderboard(),
    ):
        failed = [row for row in board if row["status"] == "FAILED"]
        assert len(failed) == 4
        assert board[-4:] == failed
        assert all(
            reason in row["message"] and row["rank"] is None and row["score"] is None
            for row in failed
        )
    best = tuner.oracle.get_best_trials(9)
    assert len(best) == 5
    assert all(math.isfinite(trial.score) for trial in best)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_every_kind_goes_on(kind, tmp_path):
    tuner = failing(kind, tmp_path, math.nan)
    tuner.search(verbose=0)
    statuses = [trial.status for trial in tuner.oracle.trials.values()]
    assert statuses.count("FAILED") == 4
    assert statuses.count("COMPLETED") >= 5
    assert tiny.table(tiny.fake(kind, tmp_path)) == tiny.table(tuner)


@pytest.mark.parametrize("outcome", [ZeroDivisionError("in build"), math.nan])
def test_first_trial_stops_the_search(outcome, tmp_path):
    tuner = failing("RandomSearch", tmp_path, outcome, bad=(0,))
    error = ZeroDivisionError if isinstance(outcome, Exception) else ArithmeticError
    with pytest.raises(error, match=r"in build|score is nan"):
        tuner.search(verbose=0)
    assert len(tuner.calls) == 1
    # The user has mended it: the search begins where it stopped.
    mended = tiny.fake("RandomSearch", tmp_path)
    mended.search(verbose=0)
    assert len(mended.calls) == 9
    assert mended.calls[0] == tuner.calls[0]
    assert all(trial.status == "COMPLETED" for trial in mended.oracle.trials.values())


@pytest.mark.parametrize("outcome", [math.nan, RuntimeError("once")])
def test_retry_counts(outcome, tmp_path):
    tuner = failing("RandomSearch", tmp_path, outcome, bad=(2,), max_retries_per_trial=1)
    tuner.search(verbose=0)
    assert len(tuner.calls) == 10
    assert tuner.calls[2] == tuner.calls[3]
    assert all(trial.status == "COMPLETED" for trial in tuner.oracle.trials.values())
    retried = tuner.oracle.trials["2"]
    assert retried.score == tiny.score(retried.hyperparameters.values)
    assert retried.message is None


def test_retry_is_seeded_otherwise(tmp_path):
    seeds = []

    def function(values):
        seeds.append(tuner.trial_seed(values))
        return math.nan if len(seeds) == 2 else 1.0

    tuner = tiny.fake("RandomSearch", tmp_path, function, max_trials=2, max_retries_per_trial=1)
    tuner.search(verbose=0)
    assert len(set(seeds)) == 3


def test_failures_in_a_row_if_wanted(tmp_path):
    tuner = failing("RandomSearch", tmp_path, math.nan, max_consecutive_failed_trials=3)
    with pytest.raises(RuntimeError, match="consecutive failures"):
        tuner.search(verbose=0)
    assert len(tuner.calls) == 5
    assert all(
        trial.status == "COMPLETED" or trial.message for trial in tuner.oracle.trials.values()
    )


def test_lock_is_let_go_on_error(tmp_path):
    """KerasTuner's lock stays with the thread that met an error; others then wait forever."""
    tuner = tiny.fake("RandomSearch", tmp_path)
    trial = tuner.oracle.create_trial("a")
    with pytest.raises(ValueError, match="Objective value missing"):
        tuner.oracle.update_trial(trial.trial_id, {"other": 1.0})
    thread = threading.Thread(target=tuner.oracle.create_trial, args=("b",), daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert len(tuner.oracle.trials) == 2


def test_interrupt_passes(tmp_path):
    tuner = failing("RandomSearch", tmp_path, KeyboardInterrupt(), bad=(3,))
    with pytest.raises(KeyboardInterrupt):
        tuner.search(verbose=0)
    again = tiny.fake("RandomSearch", tmp_path)
    again.search(verbose=0)
    assert [trial_id for trial_id, _ in again.calls] == ["3", "4", "5", "6", "7", "8"]


def test_fatal_errors_pass(tmp_path):
    tuner = failing("RandomSearch", tmp_path, keras_tuner.errors.FatalError("stop"), bad=(1,))
    with pytest.raises(keras_tuner.errors.FatalError):
        tuner.search(verbose=0)


def test_executions(tmp_path):
    tuner = tiny.fake("RandomSearch", tmp_path, lambda values: [1.0, 2.0, 6.0])
    tuner.search(verbose=0)
    row = tuner.leaderboard()[0]
    assert row["score"] == 3.0
    assert row["scores"] == [1.0, 2.0, 6.0]
    count = iter(range(99))
    tuner = tiny.fake(
        "RandomSearch", tmp_path / "b", lambda values: [1.0, math.nan if next(count) == 1 else 2.0]
    )
    tuner.search(verbose=0)
    assert [row["status"] for row in tuner.leaderboard()].count("FAILED") == 1


def test_report(tmp_path, capsys):
    tuner = failing("RandomSearch", tmp_path, ValueError("bad shape"), bad=(1,), max_trials=3)
    tuner.search()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("Trial 1 of 3: score 2.5, best 2.5 (trial 1), ")
    assert lines[0].endswith(" s left")
    assert lines[1].startswith("Trial 2 of 3: failed (ValueError: bad shape), best 2.5 (trial 1)")
    tuner = tiny.fake("RandomSearch", tmp_path, max_trials=4)
    tuner.search(verbose=0)
    assert capsys.readouterr().out == ""

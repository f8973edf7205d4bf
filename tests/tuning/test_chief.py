"""Several workers: nothing is lost with one of them, and the chief ends in time."""

import os
import subprocess
import sys
import tempfile
import threading
import time

import keras_tuner
import pytest

from recipes.tuning import chief
from tests.tuning import tiny


def finish(oracle, trial, score=1.0):
    oracle.update_trial(trial.trial_id, {"score": score})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)


@pytest.mark.parametrize("kind", ["RandomSearch", "BayesianOptimization", "GridSearch"])
def test_abandon(kind, tmp_path):
    oracle = tiny.fake(kind, tmp_path, max_trials=3).oracle
    first, second = oracle.create_trial("a"), oracle.create_trial("b")
    finish(oracle, first)
    assert oracle.abandon("b", "killed by signal 9") == second.trial_id
    assert oracle.abandon("b", "killed by signal 9") is None
    assert oracle.create_trial("a").trial_id == second.trial_id  # once more, elsewhere
    assert oracle.abandon("a", "killed by signal 9") == second.trial_id
    assert second.status == "FAILED"
    assert second.message == "worker a was lost: killed by signal 9"
    third = oracle.create_trial("c")
    assert third.trial_id not in (first.trial_id, second.trial_id)
    finish(oracle, third)
    assert oracle.create_trial("c").status == "STOPPED"
    assert oracle.tuner_ids == set()
    again = tiny.fake(kind, tmp_path, max_trials=3).oracle
    assert [trial.status for trial in again.trials.values()] == ["COMPLETED", "FAILED", "COMPLETED"]


def test_conditions_are_sent_to_workers_in_silence(capsys):
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["mlp", "cnn"])
    with hp.conditional_scope("kind", ["cnn"]):
        hp.Int("filters", 8, 64)
    assert "cnn" in str(hp.to_proto())
    assert capsys.readouterr().out == ""


def test_nobody_goes_while_a_trial_may_come_back(tmp_path):
    oracle = tiny.fake("RandomSearch", tmp_path, max_trials=2).oracle
    first, second = oracle.create_trial("a"), oracle.create_trial("b")
    finish(oracle, first)
    assert oracle.create_trial("a").status == "IDLE"
    oracle.abandon("b", "gone")
    assert oracle.create_trial("a") is second


def test_late_report_of_an_abandoned_worker(tmp_path):
    oracle = tiny.fake("RandomSearch", tmp_path, max_trials=2).oracle
    finish(oracle, oracle.create_trial("a"))
    trial = oracle.create_trial("b")
    oracle.abandon("b", "silent")
    finish(oracle, trial, 0.5)
    assert trial.score == 0.5
    assert oracle.create_trial("a").status == "STOPPED"
    finish(oracle, trial, 0.1)
    assert trial.score == 0.5


def test_abandon_survives_a_restart(tmp_path):
    oracle = tiny.fake("RandomSearch", tmp_path, max_trials=2).oracle
    finish(oracle, oracle.create_trial("a"))
    trial = oracle.create_trial("b")
    oracle.abandon("b", "gone")
    again = tiny.fake("RandomSearch", tmp_path, max_trials=2).oracle
    assert again.create_trial("a").trial_id == trial.trial_id
    again.abandon("a", "gone too")
    assert again.trials[trial.trial_id].status == "FAILED"


@pytest.fixture
def short_folder():
    """The path of a socket may have about 100 characters."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_over_the_protocol(transport, tmp_path, monkeypatch, request):
    """A chief and a worker in threads: messages, exact values, remaining trials, an end in time."""

    def function(values):
        if values["units"] == 8:
            raise ValueError("too many units")
        return tiny.score(values)

    local = tiny.fake("RandomSearch", tmp_path / "local", function)
    local.search(verbose=0)
    chiefs = tiny.fake("RandomSearch", tmp_path / "far", function)
    if transport == "tcp":
        request.getfixturevalue("loopback")
        server = chief.serve(chiefs.oracle)
        assert server.host == "127.0.0.1"
    else:
        folder = request.getfixturevalue("short_folder")
        server = chief.serve(chiefs.oracle, "unix", f"{folder}/chief")
    for name, value in server.environment("worker-1").items():
        monkeypatch.setenv(name, value)
    worker = tiny.fake("RandomSearch", tmp_path / "far", function)
    assert worker.remaining_trials == 9
    thread = threading.Thread(target=server.wait, daemon=True)
    thread.start()
    worker.search(verbose=0)
    ended = time.monotonic()
    thread.join(30)
    assert not thread.is_alive()
    assert time.monotonic() - ended < 10
    assert worker.remaining_trials == 0
    assert tiny.table(chiefs) == tiny.table(local)
    assert "ValueError: too many units" in [row["message"] for row in worker.leaderboard()]
    monkeypatch.setattr(chief, "PATIENCE", 1.0)
    with pytest.raises(
        ConnectionError,
        match=r"the chief at (127.0.0.1:\d+|unix:/.*/chief) has not answered for 1 s",
    ):
        chief.Client(chiefs.oracle).get_space()


PROGRAM = """
import sys, time
from tests.tuning import tiny
def slowly(values):
    time.sleep(1.0)
    return tiny.score(values)
tiny.fake("RandomSearch", sys.argv[1], slowly).search(verbose=0)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_real_processes(tmp_path):
    """Two workers, one of them killed: all trials are run, the same ones as without workers."""
    tuner = tiny.fake("RandomSearch", tmp_path / "far")
    with tuner.project():
        server = chief.serve(tuner.oracle)
        names = ("worker-1", "worker-2")
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "far")]
        workers = [
            subprocess.Popen(command, env={**os.environ, **server.environment(name)})
            for name in names
        ]
        while len(tuner.oracle.ongoing_trials) < 2:
            time.sleep(0.1)
        workers[1].kill()
        workers[1].wait()
        tuner.oracle.abandon("worker-2", "killed by signal 9")
        server.wait()
        assert workers[0].wait(30) == 0
    assert sorted(trial.status for trial in tuner.oracle.trials.values()) == ["COMPLETED"] * 9
    local = tiny.fake("RandomSearch", tmp_path / "local")
    local.search(verbose=0)
    assert tiny.table(local) == tiny.table(tuner)

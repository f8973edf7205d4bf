"""A search that dies at any write goes on as if it had not."""

import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from recipes.tuning import storage
from tests.tuning import tiny

MANNERS = ("before", "truncated", "after")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted search of each kind: (table, number of writes, folder)."""
    results = {}
    patch = pytest.MonkeyPatch()
    patch.setattr(os, "fsync", lambda descriptor: None)
    for kind in tiny.KINDS:
        folder = tmp_path_factory.mktemp(kind)
        tuner = tiny.fake(kind, folder)
        writes = tiny.count_writes(patch, lambda tuner=tuner: tuner.search(verbose=0))
        results[kind] = (tiny.table(tuner), writes, folder)
    patch.undo()
    return results


def check_fault(kind, whole, folder, monkeypatch, number, manner):
    expected, _, _ = whole[kind]
    first = tiny.fake(kind, folder)
    with tiny.fault(monkeypatch, number, manner), pytest.raises(tiny.Killed):
        first.search(verbose=0)
    finished = {
        path.parent.name.removeprefix("trial_")
        for path in pathlib.Path(folder).glob("search/trial_*/trial.json")
        if json.loads(path.read_text())["status"] == "COMPLETED"
    }
    second = tiny.fake(kind, folder)
    second.search(verbose=0)
    assert tiny.table(second) == expected
    again = {trial_id for trial_id, _ in second.calls}
    assert not finished & again, "a finished trial was repeated"
    runs = collections.Counter(trial_id for trial_id, _ in first.calls + second.calls)
    assert set(runs) == {row[0] for row in expected}
    assert max(runs.values()) <= 2
    assert sum(runs.values()) <= len(expected) + 1


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_faults(kind, whole, tmp_path, monkeypatch):
    _, writes, _ = whole[kind]
    step = 13 if kind != "BayesianOptimization" else 19
    for index, number in enumerate(range(1, writes + 1, step)):
        check_fault(kind, whole, tmp_path / str(number), monkeypatch, number, MANNERS[index % 3])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", tiny.KINDS)
def test_faults_at_every_write(kind, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    _, writes, _ = whole[kind]
    assert writes * len(MANNERS) >= 50  # of each kind, so 200 and more in all
    for number in range(1, writes + 1):
        for manner in MANNERS:
            folder = tmp_path / f"{number}-{manner}"
            check_fault(kind, whole, folder, monkeypatch, number, manner)
            shutil.rmtree(folder)


def test_bayesian_search_reaches_its_model(whole):
    """The faults above hit a search that has left its random phase."""
    trials = len(whole["BayesianOptimization"][0])
    assert trials == 9 > max(4, len(tiny.space().space) + 1)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_truncation(kind, whole, tmp_path):
    """Whichever file a disk spoils, wherever it is cut off: nothing is lost, nothing runs again."""
    expected, _, source = whole[kind]
    files = [path.relative_to(source) for path in sorted(source.rglob("*.json*"))]
    assert len(files) >= 4 * len(expected)
    folder = tmp_path / "copy"
    shutil.copytree(source, folder)
    every = files if kind == "RandomSearch" else files[::7]
    for name in every:
        content = (folder / name).read_bytes()
        for length in range(0, len(content), 100):
            (folder / name).write_bytes(content[:length])
            tuner = tiny.fake(kind, folder)
            assert tiny.table(tuner) == expected
        tuner.search(verbose=0)
        assert tuner.calls == []
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_record_and_copy_spoilt(kind, whole, tmp_path):
    """With both files of a trial gone it is marked, and the search still comes to its end."""
    expected, _, source = whole[kind]
    shutil.copytree(source, tmp_path / "copy")
    for name in ("trial.json", "trial.json.copy"):
        (tmp_path / "copy" / "search" / f"trial_{expected[2][0]}" / name).write_text("{")
    tuner = tiny.fake(kind, tmp_path / "copy")
    tuner.search(verbose=0)
    rows = {row["trial"]: row for row in tuner.leaderboard()}
    assert rows[expected[2][0]]["status"] == "FAILED"
    assert "cannot be read" in rows[expected[2][0]]["message"]
    kept = {row[0]: row[2] for row in expected if row[0] != expected[2][0]}
    assert {trial: rows[trial]["score"] for trial in kept} == kept


def test_files_are_synchronized_and_renamed(tmp_path, monkeypatch):
    events = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: events.append("fsync"))
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append("replace"), replace(a, b)))
    storage.save_json(tmp_path / "x.json", {"a": 1})
    assert events[:2] == ["fsync", "replace"]
    assert storage.load_json(tmp_path / "x.json") == {"a": 1}


def test_raising_max_trials_continues(whole, tmp_path):
    expected, _, _ = whole["RandomSearch"]
    tiny.fake("RandomSearch", tmp_path, max_trials=4).search(verbose=0)
    more = tiny.fake("RandomSearch", tmp_path, max_trials=9)
    more.search(verbose=0)
    assert tiny.table(more) == expected
    assert len(more.calls) == 5


def test_searching_again_does_nothing(tmp_path):
    tuner = tiny.fake("RandomSearch", tmp_path, max_trials=3)
    tuner.search(verbose=0)
    tuner.search(verbose=0)
    assert len(tuner.calls) == 3


PROGRAM = """
import sys, time
from tests.tuning import tiny
def slowly(values):
    time.sleep(0.15)
    return tiny.score(values)
tuner = tiny.fake(sys.argv[1], sys.argv[2], slowly)
print("ready", flush=True)
tuner.search(verbose=0)
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", tiny.KINDS)
def test_real_kills(kind, whole, tmp_path):
    """Two SIGKILLs each, at different moments."""
    for delay in (0.4, 0.9):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, kind, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert process.stdout.readline() == b"ready\n"
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    tuner = tiny.fake(kind, tmp_path)
    begun = len(tuner.oracle.start_order)
    assert begun >= 1
    tuner.search(verbose=0)
    assert tiny.table(tuner) == whole[kind][0]
    assert len(tuner.calls) <= len(whole[kind][0]) - begun + 1

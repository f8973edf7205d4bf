"""Same seed, same weights, also of a run that was killed at any moment and resumed."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from recipes.tuning import progress
from tests.runner import tiny_recipe

QUIET = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}


def test_callbacks_go_on_with_their_memory_and_their_thresholds(tmp_path):
    """Keras turns the sign of `min_delta` around in the first epoch, of the rest of a run, too."""
    train, _, _ = tiny_recipe.load_data()
    model = tiny_recipe.build_model()
    before = tiny_recipe.callbacks()
    model.fit(train, epochs=2, callbacks=before, shuffle=False, verbose=0)
    progress.save(tmp_path, model, before, {"epochs": 2})

    again = tiny_recipe.build_model()
    after = tiny_recipe.callbacks()
    reminders = progress.restore(progress.load(tmp_path), again, after)
    # The callbacks' memory comes back when training has begun; nothing is an improvement on it.
    again.optimizer.learning_rate = 0.0
    given = {"shuffle": False, "verbose": 0, "initial_epoch": 2, "epochs": 3}
    again.fit(train.take(1), callbacks=[*reminders, *after], **given)
    plateau, early_stopping = after
    assert plateau.min_delta == before[0].min_delta == -0.05
    assert early_stopping.best <= before[1].best
    assert plateau.best <= before[0].best


def interrupted_at_every_write(fresh_python, folder, every):
    finished = fresh_python("-m", "tests.runner.faults", folder, every, env=QUIET)
    assert finished.returncode == 0, finished.stderr[-3000:]
    writes, *interruptions = map(json.loads, finished.stdout.splitlines())
    assert writes["repeats"], "the same seed gave other weights or scores"
    assert writes["seeded"], "another seed gave the same weights"
    assert {"save_weights", "dumps", "rename", "replace", "link"} <= set(writes["writes"])
    assert len(interruptions) == -(-len(writes["writes"]) // every)
    assert any(interruption["resumed"] for interruption in interruptions)
    return [interruption for interruption in interruptions if not interruption["equal"]]


@pytest.mark.full
@pytest.mark.timeout(600)
def test_interruptions_at_some_writes_change_nothing(tmp_path, fresh_python):
    assert interrupted_at_every_write(fresh_python, tmp_path, every=8) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_interruptions_at_all_writes_change_nothing(tmp_path, fresh_python):
    assert interrupted_at_every_write(fresh_python, tmp_path, every=1) == []


def tiny(folder, *flags, **keywords):
    command = [
        sys.executable,
        "-m",
        "tests.runner.tiny",
        "run",
        "tiny",
        "--deterministic",
        "--output",
        str(folder),
    ]
    return subprocess.Popen(
        [*command, *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=QUIET, **keywords
    )


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kills_at_random_moments_change_nothing(tmp_path):
    """Eight SIGKILLs spread over the time in which the run trains and writes."""
    epochs = ["--epochs", "150"]
    whole = tiny(tmp_path / "whole", *epochs)
    assert whole.wait() == 0, whole.stdout.read().decode()[-3000:]
    killed, kills, epochs_seen = tmp_path / "killed", 0, set()
    moments = random.Random(0)
    while True:
        started = (killed / "unfinished" / "plan.json").exists()
        run = tiny(killed, *epochs, *["--resume"] * started)
        if kills < 8:
            states = killed / "unfinished" / "state"
            before = set(states.glob("epoch-*"))
            while run.poll() is None and not set(states.glob("epoch-*")) - before:
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 0.5))
            run.send_signal(signal.SIGKILL)
            epochs_seen |= {state.name for state in states.glob("epoch-*")}
            kills += run.wait() == -signal.SIGKILL
            if run.returncode == 0:
                break
        else:
            assert run.wait() == 0, run.stdout.read().decode()[-3000:]
            break
    assert kills >= 4
    assert len(epochs_seen) >= 3
    expected, weights = (
        keras.saving.load_model(folder / "model.keras").get_weights()
        for folder in (tmp_path / "whole", killed)
    )
    assert all(map(np.array_equal, expected, weights))
    assert (killed / "history.csv").read_text() == (tmp_path / "whole" / "history.csv").read_text()

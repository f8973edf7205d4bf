"""`python -m tests.runner.faults FOLDER [EVERY]`: interrupts a run at, or in, each EVERY-th write.

One process for all: importing TensorFlow costs more. Prints a line of JSON per interruption.
"""

import contextlib
import io
import json
import os
import pathlib
import pickle
import sys

import keras
import numpy as np
import pytest

from recipes._runner import output
from tests import drawing
from tests.runner import tiny


class Interrupted(BaseException):
    """Stands for a kill: nothing in the runner catches it."""


class Faults:
    """Counts a run's writes; interrupts the n-th, before it or (weights only) with half written."""

    WRITES = (
        (os, "rename"),
        (os, "replace"),
        (os, "link"),
        (pickle, "dumps"),
        (keras.Model, "save_weights"),
    )

    def __init__(self, stop_at=None):
        self.stop_at, self.writes = stop_at, []

    def __enter__(self):
        self.originals = [(owner, name, getattr(owner, name)) for owner, name in self.WRITES]
        for owner, name, original in self.originals:
            setattr(owner, name, self.wrapped(name, original))
        return self

    def __exit__(self, *error):
        for owner, name, original in self.originals:
            setattr(owner, name, original)

    def wrapped(self, name, original):
        def write(*arguments, **keywords):
            self.writes.append(name)
            if len(self.writes) != self.stop_at:
                return original(*arguments, **keywords)
            if name == "save_weights":
                original(*arguments, **keywords)
                path = pathlib.Path(arguments[1])
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            raise Interrupted

        return write


def run(folder, *flags, seed=3):
    """Train, and return the weights that were saved."""
    keras.backend.clear_session(free_memory=False)
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as errors,
    ):
        arguments = [
            "run",
            "tiny",
            "--deterministic",
            "--seed",
            str(seed),
            "--epochs",
            "3",
            "--output",
            str(folder),
        ]
        status = tiny.main([*arguments, *flags])
    assert status == 0, errors.getvalue()
    return keras.saving.load_model(folder / "model.keras").get_weights()


def scores(folder):
    return json.loads((folder / "metrics.json").read_text())["scores"]


def main(folder, every=1):
    folder = pathlib.Path(folder)
    with Faults() as counting:
        expected = run(folder / "whole")
    repeated, other_seed = run(folder / "repeated"), run(folder / "other", seed=4)
    repeats = all(map(np.array_equal, expected, repeated)) and scores(folder / "whole") == scores(
        folder / "repeated"
    )
    seeded = not any(
        np.array_equal(one, other)
        for one, other in zip(expected, other_seed, strict=True)
        if one.std()
    )
    print(json.dumps({"writes": counting.writes, "repeats": repeats, "seeded": seeded}), flush=True)
    for number in range(1, len(counting.writes) + 1, int(every)):
        target = folder / str(number)
        with contextlib.suppress(Interrupted), Faults(number):
            run(target)
        started = (target / output.UNFINISHED / "plan.json").exists() or (
            target / "plan.json"
        ).exists()
        equal = all(map(np.array_equal, expected, run(target, *["--resume"] * started)))
        print(
            json.dumps(
                {
                    "before": f"{number}: {counting.writes[number - 1]}",
                    "resumed": started,
                    "equal": equal,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    drawing.coarsely(pytest.MonkeyPatch())
    main(*sys.argv[1:])

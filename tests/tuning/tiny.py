"""Searches that cost milliseconds: the score is computed from the hyperparameters."""

import contextlib
import math
import pathlib

import keras_tuner

from recipes import tuning
from recipes.tuning import storage

KINDS = ("RandomSearch", "BayesianOptimization", "Hyperband", "GridSearch")


class Killed(BaseException):
    """Stands for SIGKILL: nobody catches it."""


def space():
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 2, 8, step=2, default=4)
    hp.Float("rate", 1e-4, 1e-1, sampling="log", default=1e-3)
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["b"]):
        hp.Float("slope", 0.0, 1.0, default=0.5)
    return hp


def score(values):
    """Smaller is better; best at units 6, rate 0.01, kind b, slope 0.3."""
    return (
        abs(values["units"] - 6) / 4
        + abs(math.log10(values["rate"]) + 2)
        + (abs(values["slope"] - 0.3) if values["kind"] == "b" else 1.0)
    )


def fake(kind, folder, function=score, **arguments):
    """A tuner whose trials call `function(values)`; `calls` lists (trial id, values) in order."""

    class Fake(getattr(tuning, kind)):
        def run_trial(self, trial, *fit_args, **fit_kwargs):
            values = dict(trial.hyperparameters.values)
            self.calls.append((trial.trial_id, values))
            return function(values)

    Fake.__name__ = kind
    Fake.calls = []
    arguments.setdefault("hyperparameters", space())
    arguments.setdefault("seed", 0)
    if kind == "Hyperband":
        arguments = {"max_epochs": 9, **arguments}
        arguments.pop("max_trials", None)
    else:
        arguments.setdefault("max_trials", 9)
    objective = keras_tuner.Objective("score", arguments.pop("direction", "min"))
    return Fake(None, objective, directory=folder, project_name="search", **arguments)


def table(tuner):
    """What a search found, for comparisons: values and results of all trials in order."""
    trials = [tuner.oracle.trials[trial_id] for trial_id in tuner.oracle.start_order]
    return [(t.trial_id, t.hyperparameters.values, t.score, t.status) for t in trials]


@contextlib.contextmanager
def fault(monkeypatch, number, manner):
    """Die at the `number`-th write from now on: "before", half-way ("truncated"), or "after" it."""
    write, count = storage.write, 0

    def faulty(path, text, sync=True):
        nonlocal count
        count += 1
        if count < number:
            return write(path, text, sync)
        if manner == "truncated":
            path = pathlib.Path(path)
            with open(path.with_name(f".{path.name}.new"), "w") as file:
                file.write(text[: len(text) // 2])
        elif manner == "after":
            write(path, text, sync)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write", faulty)
        yield lambda: count


def count_writes(monkeypatch, run):
    write, count = storage.write, 0

    def counted(*arguments, **keywords):
        nonlocal count
        count += 1
        return write(*arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write", counted)
        run()
    return count

"""Searches replayed on a table of trainings done once: what they would have found, in seconds.

    table = Table("scores.csv", space)                                # of a finite space
    table.fill(build_model, train, validation, epochs=9, metric="val_accuracy")
    steps = replay("BayesianOptimization", table, "max", epochs=400, seed=3)

What to try next is chosen by the oracles of `recipes.tuning` themselves; they write nothing to disk.
"""

import csv
import functools
import io
import itertools
import math
import pathlib
import random
import time

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

from recipes.tuning import oracles, storage


class Table:
    """The validation scores after each epoch of the points of a space, kept in a CSV file.

    Args:
        path: of the file, which need not exist.
        space: `keras_tuner.HyperParameters` without conditions, finite; or a function that asks empty ones
            for its values.

    A point is on the file as soon as it is added, so filling a table can be interrupted at any time.
    """

    def __init__(self, path, space):
        self.path, self.space = pathlib.Path(path), space
        if callable(space):
            self.space = keras_tuner.HyperParameters()
            space(self.space)
        self.names = [hp.name for hp in self.space.space]
        self._lines, self._scores = {}, {}
        if self.path.exists():
            with self.path.open(newline="", encoding="utf8") as file:
                for row in csv.DictReader(file):
                    key = tuple(row[name] for name in self.names)
                    self._keep(
                        key,
                        row["seconds"],
                        [row[name] for name in row if name.startswith("epoch_")],
                    )

    def _key(self, values):
        return tuple(str(values[name]) for name in self.names)

    def _keep(self, key, seconds, scores):
        self._lines[key], self._scores[key] = (
            [*key, seconds, *scores],
            [float(score) for score in scores],
        )

    def __len__(self):
        return len(self._scores)

    def __getitem__(self, values):
        """Scores after each epoch, for a dictionary of values; names that the space has not do not matter."""
        return self._scores[self._key(values)]

    def points(self):
        """All points of the space, as dictionaries."""
        for point in itertools.product(*(hp.values for hp in self.space.space)):
            yield dict(zip(self.names, point, strict=True))

    def missing(self):
        """The points that are not in the table yet."""
        return [values for values in self.points() if self._key(values) not in self._scores]

    def add(self, values, scores, seconds=math.nan):
        """Put a point into the table and its file."""
        self._keep(self._key(values), f"{seconds:.2f}", [f"{score:.5f}" for score in scores])
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            [*self.names, "seconds", *(f"epoch_{epoch + 1}" for epoch in range(len(scores)))]
        )
        writer.writerows(self._lines.values())
        storage.write(self.path, text.getvalue())

    def fill(self, build, train, validation, epochs, metric, rate="learning_rate"):
        """Train every point that is missing, and add it.

        Args:
            build: gives a compiled model for the values of a point, as keyword arguments. The learning rate comes as a
                variable, and one network serves for all rates, with all its state set back: to compile it takes longer
                than a short training.
            train: training set, a batched `tf.data.Dataset`; and so
            validation: validation set.
            epochs: of each training.
            metric: the score, such as `"val_accuracy"`.
            rate: the name of the learning rate among the values.
        """
        options = tf.data.Options()
        options.autotune.enabled = False  # it stalls the end of every epoch
        train, validation = train.with_options(options), validation.with_options(options)
        variable, before = keras.Variable(0.0), None
        for values in sorted(
            self.missing(), key=lambda values: [str(values[n]) for n in values if n != rate]
        ):
            began = time.process_time()
            variable.assign(values[rate])
            network = {**values, rate: variable}
            if {**values, rate: None} != before:
                keras.utils.clear_session()
                model, before = build(**network), {**values, rate: None}
                model.steps_per_execution = 16  # the same result in half the time
                model.optimizer.build(model.trainable_variables)
                beginning = [variable.numpy() for variable in model.optimizer.variables]
            keras.utils.set_random_seed(oracles.random_number("table", values))
            fresh = [variable.numpy() for variable in build(**network).variables]
            for state, value in zip(
                model.variables + model.optimizer.variables, fresh + beginning, strict=True
            ):
                state.assign(value)
            history = model.fit(
                train, validation_data=validation, epochs=epochs, shuffle=False, verbose=0
            ).history
            self.add(values, history[metric], time.process_time() - began)

    def finals(self, direction):
        """`[(values, score), …]` of the points that were trained to the end, with the score of their best epoch."""
        known = [values for values in self.points() if self._key(values) in self._scores]
        return [
            (values, best(self[values], direction))
            for values in known
            if math.isfinite(self[values][-1])
        ]


def best(scores, direction):
    """The best of the finite scores."""
    return (max if direction == "max" else min)(score for score in scores if math.isfinite(score))


class InMemory:
    """Goes before an oracle among the base classes: nothing is written."""

    def _save_trial(self, trial):
        pass

    def _run_of(self, trial_id):
        return {}

    def _tidy(self):
        pass


@functools.cache
def in_memory(kind):
    return type(f"InMemory{kind}", (InMemory, getattr(oracles, f"{kind}Oracle")), {})


def part_of(space, fixed=None, start=None, order=None):
    """A space with some values fixed, with others to start from, and in the order that a seed draws.

    The order decides what a grid comes to first, and nothing else.
    """
    fixed, start, chosen = fixed or {}, start or {}, keras_tuner.HyperParameters()
    for hp in (
        space.space if order is None else random.Random(order).sample(space.space, len(space.space))
    ):
        if hp.name in fixed:
            chosen.Fixed(hp.name, fixed[hp.name])
        else:
            chosen.merge(
                [
                    type(hp).from_config(
                        {**hp.get_config(), "default": start.get(hp.name, hp.default)}
                    )
                ]
            )
    return chosen


def replay(kind, table, direction, epochs, seed=0, space=None, target=None, **arguments):
    """One search, until so many epochs are spent, its oracle stops, or the target is reached.

    Args:
        kind: `"RandomSearch"`, `"BayesianOptimization"`, `"Hyperband"` or `"GridSearch"`.
        table: a full `Table`; a trial has the epochs of its trainings, or for Hyperband at most these.
        direction: `"min"` or `"max"`, what is better.
        epochs: the budget. The trial that would exceed it is left out.
        seed: of the search.
        space: `keras_tuner.HyperParameters` to search, if not just the table's: with other defaults, in another order,
            or with some of them fixed.
        target: a score at which to stop; None: go on.
        **arguments: of the oracle.

    Returns:
        `[(epochs spent, best score so far), …]`, one for each trial. The score is None until a trial is completed.
    """
    better = max if direction == "max" else min
    longest = len(table[next(table.points())])
    endless = (
        {"max_epochs": longest, "hyperband_iterations": None}
        if kind == "Hyperband"
        else {"max_trials": len(table)}
    )
    arguments = {
        "hyperparameters": (space or table.space).copy(),
        "seed": seed,
        **endless,
        **arguments,
    }
    oracle = in_memory(kind)(objective=keras_tuner.Objective("score", direction), **arguments)
    spent, reached, steps = 0, None, []
    while True:
        trial = oracle.create_trial("replay")
        values = trial.hyperparameters.values
        until = values.get("tuner/epochs", longest)
        spent += until - values.get("tuner/initial_epoch", 0)
        if trial.status != oracles.RUNNING or spent > epochs:
            return steps
        scores = table[values][:until]
        trial.status = oracles.FAILED
        if math.isfinite(scores[-1]):
            trial.status, score = oracles.COMPLETED, best(scores, direction)
            oracle.update_trial(trial.trial_id, {"score": score})
            reached = score if reached is None else better(reached, score)
        oracle.end_trial(trial)
        steps.append((spent, reached))
        if None not in (target, reached) and better(reached, target) == reached:
            return steps


def regret(table, direction, searches, trainings, seeds, shares=(0.1, 0.5, 0.9)):
    """How far searches are from the best score of the table, when they have spent 1, 2, … whole trainings.

    Args:
        table: a full `Table`.
        direction: `"min"` or `"max"`, what is better.
        searches: `{name: (kind, options)}`: kind as for `replay`, options of `part_of`.
        trainings: the budget.
        seeds: how many searches of each kind.
        shares: of the searches that are closer.

    Returns:
        `{name: array (shares, trainings)}`, quantiles over the seeds; infinite while no trial has been completed.
        The hyperparameters are in another order for each seed.
    """
    sign = 1 if direction == "max" else -1
    top = best([score for _, score in table.finals(direction)], direction)
    at = len(table[next(table.points())]) * np.arange(1, trainings + 1)
    found = {}
    for name, (kind, options) in searches.items():
        curves = []
        for seed in range(seeds):
            space = part_of(table.space, order=seed, **options)
            steps = replay(kind, table, direction, int(at[-1]), seed, space, target=top)
            reached = [
                math.inf,
                *(math.inf if score is None else sign * (top - score) for _, score in steps),
            ]
            curves.append(
                np.array(reached)[
                    np.searchsorted([epochs for epochs, _ in steps], at, side="right")
                ]
            )
        found[name] = np.quantile(curves, shares, axis=0, method="lower")
    return found


def save(found, path):
    """Keep `{problem: result of regret}` in a CSV file."""
    text = io.StringIO()
    for problem, searches in found.items():
        for name, distances in searches.items():
            csv.writer(text, lineterminator="\n").writerows(
                [problem, name, *row.round(5)] for row in distances
            )
    storage.write(path, text.getvalue())


def load(path):
    """What `save` has kept."""
    found = {}
    with open(path, newline="", encoding="utf8") as file:
        for problem, name, *distances in csv.reader(file):
            found.setdefault(problem, {}).setdefault(name, []).append(
                [float(distance) for distance in distances]
            )
    return {
        problem: {name: np.array(rows) for name, rows in of.items()}
        for problem, of in found.items()
    }


def needed(distances, rival):
    """After how many trainings the median search is as close as the rival's median is in the end; infinity if never."""
    close = distances[1] <= rival[1, -1]
    return int(close.argmax()) + 1 if close.any() else math.inf


def draw(axis, searches):
    """Median and band of `{name: distances}` against the trainings spent; the axis ends at 0."""
    for name, distances in searches.items():
        low, middle, high = np.where(np.isfinite(distances), distances, np.nan)
        spent = np.arange(1, len(middle) + 1)
        (line,) = axis.plot(spent, middle, label=name)
        axis.fill_between(spent, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    axis.set_yscale("symlog", linthresh=0.01, linscale=1)
    axis.yaxis.set_major_formatter("{x:g}")
    axis.set_ylim(0, None)

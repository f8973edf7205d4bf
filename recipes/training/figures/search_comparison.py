"""The pictures of search_comparison, and the replays of searches that they show.

Every point of the space is trained once, and its scores are stored in a table. A replayed search
reads its scores from there, which takes seconds; the oracles of `recipes.tuning` choose the points
as usual, but write nothing to disk.

`python -m recipes.training.figures.search_comparison` trains the points that are missing in the
tables (half an hour on one core for all) and replays the searches. It may be interrupted.
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
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from recipes.common import search_tables
from recipes.training import search_comparison
from recipes.tuning import oracles, storage

TABLES = search_tables.FOLDER
# The searches: their kind, and the part of the space, as for `part_of`.
SEARCHES = {
    "random": ("RandomSearch", {}),
    "grid": ("GridSearch", {}),
    "Bayesian": ("BayesianOptimization", {}),
    "Hyperband": ("Hyperband", {}),
    # With the same budget, starting at Keras' default learning rates:
    "Adam": (
        "RandomSearch",
        {"fixed": {"optimizer": "adam"}, "start": {"learning_rate": 0.001}},
    ),
    "SGD": (
        "RandomSearch",
        {"fixed": {"optimizer": "sgd"}, "start": {"learning_rate": 0.01}},
    ),
}


class Table:
    """The validation scores of the points of a space after each epoch, stored in a CSV file.

    Each point is written immediately, so filling a table can be interrupted.

    Args:
        path: Of the file, which need not exist.
        space: A function of `keras_tuner.HyperParameters`, such as `search_space`, that defines a
            finite space without conditions.
    """

    def __init__(self, path, space):
        self.path = pathlib.Path(path)
        self.space = keras_tuner.HyperParameters()
        space(self.space)
        self.names = [hp.name for hp in self.space.space]
        self.rows = {}  # point as texts: seconds, score after epoch 1, 2, …
        if self.path.exists():
            with self.path.open(newline="", encoding="utf8") as file:
                _, *lines = csv.reader(file)
            for line in lines:
                self.rows[tuple(line[: len(self.names)])] = line[len(self.names) :]

    def key(self, values):
        """A point as texts; names that are not in the space are ignored."""
        return tuple(str(values[name]) for name in self.names)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, values):
        """Scores after each epoch, for a dictionary of values."""
        _, *scores = self.rows[self.key(values)]
        return [float(score) for score in scores]

    def points(self):
        """All points of the space, as dictionaries."""
        for point in itertools.product(*(hp.values for hp in self.space.space)):
            yield dict(zip(self.names, point, strict=True))

    def missing(self):
        """The points that are not in the table yet."""
        return [values for values in self.points() if self.key(values) not in self.rows]

    def finals(self, direction):
        """`[(values, score of the best epoch), …]` of the points that were trained to the end."""
        found = []
        for values in self.points():
            if self.key(values) in self.rows and math.isfinite(self[values][-1]):
                found.append((values, best(self[values], direction)))
        return found

    def add(self, values, scores, seconds=math.nan):
        """Add a point to the table and its file."""
        self.rows[self.key(values)] = [f"{seconds:.2f}", *(f"{score:.5f}" for score in scores)]
        epochs = [f"epoch_{epoch + 1}" for epoch in range(len(scores))]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*self.names, "seconds", *epochs])
        for key, row in self.rows.items():
            writer.writerow([*key, *row])
        storage.write(self.path, text.getvalue())

    def fill(self, build, train, validation, epochs, metric, rate="learning_rate"):
        """Train every missing point, and add it.

        Args:
            build: A function that returns a compiled model for the values of a point as keyword
                arguments. The learning rate is passed as a variable, and the network is reused for
                all rates, with all its state reset, because compiling takes longer than a short
                training.
            train: Training set, a batched `tf.data.Dataset`.
            validation: Validation set, likewise batched.
            epochs: Of each training.
            metric: The score, such as `"val_accuracy"`.
            rate: The name of the learning rate among the values.
        """
        options = tf.data.Options()
        options.autotune.enabled = False  # it stalls the end of every epoch
        train, validation = train.with_options(options), validation.with_options(options)
        variable = keras.Variable(0.0)
        compiled = None  # the values, without the rate, of the currently compiled model

        def all_but_rate(values):
            return [str(values[name]) for name in values if name != rate]

        for values in sorted(self.missing(), key=all_but_rate):
            began = time.process_time()
            variable.assign(values[rate])
            arguments = {**values, rate: variable}
            if compiled != all_but_rate(values):
                keras.utils.clear_session()
                model = build(**arguments)
                model.steps_per_execution = 16  # equal results in half the time
                model.optimizer.build(model.trainable_variables)
                optimizer_state = [state.numpy() for state in model.optimizer.variables]
                compiled = all_but_rate(values)

            # Initialize the weights as in a new network, and reset the optimizer.
            keras.utils.set_random_seed(oracles.random_number("table", values))
            weights = [weight.numpy() for weight in build(**arguments).variables]
            states = [*model.variables, *model.optimizer.variables]
            for state, value in zip(states, weights + optimizer_state, strict=True):
                state.assign(value)

            fit = model.fit(
                train, validation_data=validation, epochs=epochs, shuffle=False, verbose=0
            )
            self.add(values, fit.history[metric], time.process_time() - began)


def best(scores, direction):
    """The best of the finite scores."""
    finite = [score for score in scores if math.isfinite(score)]
    return max(finite) if direction == "max" else min(finite)


def oracle_in_memory(kind, **arguments):
    """An oracle of `recipes.tuning` that writes nothing."""

    class InMemory(getattr(oracles, f"{kind}Oracle")):
        def _save_trial(self, trial):
            pass

        def _run_of(self, trial_id):
            return {}

        def _tidy(self):
            pass

    return InMemory(**arguments)


def part_of(space, fixed=None, start=None, order=None):
    """A part of a space.

    Args:
        space: `keras_tuner.HyperParameters`, which are not modified.
        fixed: `{name: value}` of hyperparameters that are not searched.
        start: `{name: default}` of hyperparameters with another default.
        order: Seed of the order of the hyperparameters, which only affects the order of a grid
            search; None: unchanged.
    """
    fixed = fixed or {}
    start = start or {}
    hyperparameters = space.space
    if order is not None:
        hyperparameters = random.Random(order).sample(hyperparameters, len(hyperparameters))
    part = keras_tuner.HyperParameters()
    for hp in hyperparameters:
        if hp.name in fixed:
            part.Fixed(hp.name, fixed[hp.name])
        else:
            config = {**hp.get_config(), "default": start.get(hp.name, hp.default)}
            part.merge([type(hp).from_config(config)])
    return part


def replay(kind, table, direction, epochs, seed=0, space=None, target=None, **arguments):
    """Replay one search, until the budget is spent, its oracle stops, or the target is reached.

    Args:
        kind: `"RandomSearch"`, `"BayesianOptimization"`, `"Hyperband"` or `"GridSearch"`.
        table: A full `Table`; a trial has the epochs of its trainings, for Hyperband at most.
        direction: `"min"` or `"max"`: which scores are better.
        epochs: The budget. The trial that would exceed it is left out.
        seed: Of the search.
        space: `keras_tuner.HyperParameters` to search if they differ from the table's: with other
            defaults, in another order, or partly fixed.
        target: A score at which to stop; None: no target.
        **arguments: Of the oracle.

    Returns:
        `[(epochs spent, best score so far), …]`, one for each trial. The score is None until a
        trial is completed.
    """
    longest = len(table[next(table.points())])
    if kind == "Hyperband":
        endless = {"max_epochs": longest, "hyperband_iterations": None}
    else:
        endless = {"max_trials": len(table)}
    oracle = oracle_in_memory(
        kind,
        objective=keras_tuner.Objective("score", direction),
        hyperparameters=(space or table.space).copy(),
        seed=seed,
        **{**endless, **arguments},
    )
    spent = 0
    completed = []  # scores of the trials
    steps = []
    while True:
        trial = oracle.create_trial("replay")
        values = trial.hyperparameters.values
        # Hyperband continues a stopped trial from `initial_epoch` to `epochs`.
        until = values.get("tuner/epochs", longest)
        spent += until - values.get("tuner/initial_epoch", 0)
        if trial.status != oracles.RUNNING or spent > epochs:
            return steps
        scores = table[values][:until]
        if math.isfinite(scores[-1]):
            trial.status = oracles.COMPLETED
            completed.append(best(scores, direction))
            oracle.update_trial(trial.trial_id, {"score": completed[-1]})
        else:
            trial.status = oracles.FAILED
        oracle.end_trial(trial)
        reached = best(completed, direction) if completed else None
        steps.append((spent, reached))
        if completed and target is not None and best([reached, target], direction) == reached:
            return steps


def regret(table, direction, searches, trainings, seeds, shares=(0.1, 0.5, 0.9)):
    """Regret of searches after 1, 2, … whole trainings: the distance from the table's best score.

    Args:
        table: A full `Table`.
        direction: `"min"` or `"max"`: which scores are better.
        searches: `{name: (kind, options)}`: kind as for `replay`, options of `part_of`.
        trainings: The budget.
        seeds: Number of searches of each kind, each with another order of the hyperparameters.
        shares: Quantiles to return.

    Returns:
        `{name: array (shares, trainings)}`, quantiles over the seeds; infinite while no trial has
        been completed.
    """
    top = best([score for _, score in table.finals(direction)], direction)
    epochs = len(table[next(table.points())]) * np.arange(1, trainings + 1)
    regrets = {}
    for name, (kind, options) in searches.items():
        curves = []
        for seed in range(seeds):
            space = part_of(table.space, order=seed, **options)
            steps = replay(kind, table, direction, int(epochs[-1]), seed, space, target=top)
            spent = [epochs for epochs, _ in steps]
            distances = [math.inf]  # before the first trial, and after each
            for _, score in steps:
                distances.append(math.inf if score is None else abs(top - score))
            trials = np.searchsorted(spent, epochs, side="right")  # that are over by then
            curves.append(np.array(distances)[trials])
        regrets[name] = np.quantile(curves, shares, axis=0, method="lower")
    return regrets


def trainings_needed(regrets, rival):
    """Trainings until a search's median regret reaches the rival's final one, or infinity.

    Args:
        regrets, rival: Arrays (shares, trainings) of `regret`, the median in the middle.
    """
    close = regrets[1] <= rival[1, -1]
    return int(close.argmax()) + 1 if close.any() else math.inf


def save_regrets(regrets, path):
    """Save `{problem: result of regret}` to a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for problem, searches in regrets.items():
        for name, rows in searches.items():
            for row in rows:
                writer.writerow([problem, name, *row.round(5)])
    storage.write(path, text.getvalue())


def load_regrets(path):
    """Read the regrets that `save_regrets` has written."""
    regrets = {}
    with open(path, newline="", encoding="utf8") as file:
        for problem, name, *row in csv.reader(file):
            rows = regrets.setdefault(problem, {}).setdefault(name, [])
            rows.append([float(distance) for distance in row])
    for searches in regrets.values():
        for name, rows in searches.items():
            searches[name] = np.array(rows)
    return regrets


def table_of(problem):
    """The table of a problem."""
    path = TABLES / f"search_comparison_{problem}.csv"
    return Table(path, search_comparison.search_space)


def replays():
    """The file with the regrets of the replayed searches."""
    return TABLES / "search_comparison_replays.csv"


def fill_tables():
    """Train the points that are missing in the tables."""
    epochs = search_comparison.EPOCHS
    for problem, arguments in search_comparison.VARIANTS.items():
        train, validation, _ = search_comparison.load_data(**arguments)
        build = functools.partial(
            search_comparison.build_model, problem=problem, steps=epochs * len(train)
        )
        metric = f"val_{search_comparison.METRICS[problem]}"
        table_of(problem).fill(build, train, validation, epochs, metric)


def replay_searches(seeds=100, trainings=40):
    """Search each table with each tuner, and save the regrets."""
    regrets = {}
    for problem in search_comparison.VARIANTS:
        regrets[problem] = regret(table_of(problem), "max", SEARCHES, trainings, seeds)
    save_regrets(regrets, replays())


def panels(title, ylabel):
    """A figure with a panel for each problem, and the panels by problem."""
    figure, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
    figure.suptitle(title)
    axes[0].set_ylabel(ylabel)
    by_problem = dict(zip(search_comparison.VARIANTS, axes, strict=True))
    for problem, axis in by_problem.items():
        axis.set_title(problem)
    return figure, by_problem


def plot_tables():
    """The score of each of the 252 points against its learning rate."""
    figure, axes = panels("What 252 choices make of the same data", "validation score")
    for problem, axis in axes.items():
        finals = table_of(problem).finals("max")
        for optimizer, shift in (("adam", 0.92), ("sgd", 1.09)):  # side by side
            rates = [v["learning_rate"] * shift for v, _ in finals if v["optimizer"] == optimizer]
            heights = [score for v, score in finals if v["optimizer"] == optimizer]
            axis.plot(rates, heights, "o", markersize=4, alpha=0.5, label=optimizer)
        low, high = axis.dataLim.y0, axis.dataLim.y1
        axis.set(xscale="log", xlabel="learning rate", ylim=(max(0, low - 0.03), high + 0.03))
    labels = axis.get_legend_handles_labels()
    figure.legend(*labels, loc="outside lower center", ncols=2)
    return figure


def plot_regrets(axis, searches):
    """Median and band of `{name: regrets (3, trainings)}` against the trainings spent."""
    for name, regrets in searches.items():
        low, median, high = np.where(np.isfinite(regrets), regrets, np.nan)
        spent = np.arange(1, len(median) + 1)
        (line,) = axis.plot(spent, median, label=name)
        axis.fill_between(spent, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    axis.set_yscale("symlog", linthresh=0.01, linscale=1)  # down to 0
    axis.yaxis.set_major_formatter("{x:g}")
    axis.set_ylim(0, None)
    axis.set_xlabel(f"trainings of {search_comparison.EPOCHS} epochs, or as much")


def plot_searches(title, regrets, names):
    """The regrets of some of the searches on each problem."""
    figure, axes = panels(title, "below the best")
    for problem, axis in axes.items():
        plot_regrets(axis, {name: regrets[problem][name] for name in names})
    labels = axis.get_legend_handles_labels()
    figure.legend(*labels, loc="outside lower center", ncols=len(names))
    return figure


def race_title(regrets):
    """Trainings until Bayesian search reaches random search's final regret, in words."""
    needed = []
    for searches in regrets.values():
        needed.append(str(trainings_needed(searches["Bayesian"], searches["random"])))
    return (
        f"Where random search is after 40 trainings, Bayesian search is after {', '.join(needed)} "
        "(medians; bands: 80 %)"
    )


def budget_title(regrets):
    """The gaps between Adam and SGD before and after 20 trials, in words."""
    gaps = []
    for trainings in (1, 20):
        found = []
        for searches in regrets.values():
            adam, sgd = searches["Adam"][1], searches["SGD"][1]  # medians
            found.append(f"{abs(adam - sgd)[trainings - 1]:.3f}")
        gaps.append(", ".join(found))
    return f"Adam and SGD at Keras' rates differ by {gaps[0]}; after 20 trials each, by {gaps[1]}"


def figures(models, test, histories):
    """The tables, the race of the tuners, and the same budget for Adam and for SGD."""
    if not replays().exists():  # with a copy of the recipe, which lacks this file
        return {}
    regrets = load_regrets(replays())
    tuners = ("random", "grid", "Bayesian", "Hyperband")
    return {
        "tables": plot_tables(),
        "race": plot_searches(race_title(regrets), regrets, tuners),
        "same_budget": plot_searches(budget_title(regrets), regrets, ("Adam", "SGD")),
    }


if __name__ == "__main__":
    fill_tables()
    replay_searches()

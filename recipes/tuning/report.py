"""Reports of a search: tables and pictures of its leaderboard, and the call of the best model.

A leaderboard is a list of rows, best first, as returned by `tuner.leaderboard()`: dictionaries with
`rank` (None without a score), `trial`, `score`, `status`, `message`, `epochs`, `seconds`
and `hyperparameters`.
"""

import csv
import json
import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import ticker
from matplotlib.collections import LineCollection

EDGE = 0.02  # fraction of a range, at either end, that counts as close to its border
DETAILS = ("rank", "trial", "score", "status", "epochs", "seconds", "message")


def write_csv(rows, path):
    """One line per trial: rank, trial, score, status and so on, and a column per hyperparameter."""
    names = hyperparameter_names(rows)
    with open(path, "w", newline="", encoding="utf8") as file:
        table = csv.writer(file)
        table.writerow([*DETAILS, *names])
        for row in rows:
            table.writerow(
                [row.get(name) for name in DETAILS]
                + [row["hyperparameters"].get(name) for name in names]
            )


def write_json(rows, path):
    """The rows as a JSON list; non-finite numbers become null."""
    rows = [{**row, "score": row["score"] if finite(row) else None} for row in rows]
    with open(path, "w", encoding="utf8") as file:
        json.dump(rows, file, indent=1, ensure_ascii=False)


def python_line(function, hyperparameters, *more):
    """`build_model(filters=24, learning_rate=0.01)`, ready to paste.

    Args:
        function: its name, possibly with a prefix such as a module.
        hyperparameters: `{argument: value}`.
        *more: further arguments as source text, such as `"steps=10 * len(train)"`.
    """
    arguments = [f"{name}={value!r}" for name, value in hyperparameters.items()]
    return f"{function}({', '.join([*arguments, *more])})"


def figures(rows, objective, direction="max"):
    """The pictures of a search, `{name: matplotlib Figure}`; empty without a finished trial.

    Args:
        rows: the leaderboard.
        objective: the metric of the scores, such as `"val_accuracy"`.
        direction: `"max"` or `"min"`.
    """
    rows = sorted((row for row in rows if finite(row)), key=lambda row: int(row["trial"]))
    if not rows:
        return {}
    return {
        "best_so_far": best_so_far(rows, objective, direction),
        "hyperparameters": score_by_hyperparameter(rows, objective, direction),
        "parallel_coordinates": parallel_coordinates(rows, objective, direction),
    }


def best_so_far(rows, objective, direction):
    """The score of each trial, and the best so far, over the time spent on trials."""
    minutes = np.cumsum([row["seconds"] or 0 for row in rows]) / 60
    scores = np.array([row["score"] for row in rows])
    best = (np.maximum if direction == "max" else np.minimum).accumulate(scores)
    figure, axis = plt.subplots(layout="constrained")
    axis.plot(minutes, scores, "o", color="tab:gray", alpha=0.6, markersize=5, label="a trial")
    axis.step(minutes, best, where="post", label="the best so far")
    axis.plot(
        minutes[0], scores[0], "D", color="black", markersize=8, label="the defaults, tried first"
    )
    when = int(np.argmax(best == best[-1]))
    axis.set_title(
        f"{objective} {scores[0]:.4g} at the defaults, "
        f"{best[-1]:.4g} after {when + 1} of {len(rows)} trials"
    )
    axis.set(xlabel="minutes of training, all trials together", ylabel=objective)
    focus(axis.set_ylim, scores, direction)
    axis.legend()
    return figure


def score_by_hyperparameter(rows, objective, direction):
    """A panel for each hyperparameter: scores over values, with the best trial highlighted."""
    names = varied(rows)
    columns = min(3, len(names)) or 1
    lines = math.ceil(len(names) / columns) or 1
    figure, axes = plt.subplots(
        lines,
        columns,
        figsize=(10, 1 + 2.6 * lines),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    best = (max if direction == "max" else min)(rows, key=lambda row: row["score"])
    # A panel for each hyperparameter.
    for axis, name in zip(axes.flat, names, strict=False):
        positions, ticks, logarithmic = scale(rows, name)
        scores = [row["score"] for row in rows if name in row["hyperparameters"]]
        axis.plot(positions, scores, "o", color="tab:gray", alpha=0.6, markersize=5)
        if name in best["hyperparameters"]:
            place = positions[
                [row["trial"] for row in rows if name in row["hyperparameters"]].index(
                    best["trial"]
                )
            ]
            axis.plot(place, best["score"], "D", markersize=8, color="C1")
        if ticks:
            axis.set_xticks(range(len(ticks)), ticks)
            if sum(map(len, ticks)) > 24:  # long labels would overlap
                plt.setp(axis.get_xticklabels(), rotation=20, ha="right", rotation_mode="anchor")
        else:
            set_ticks(axis, positions, logarithmic)
        axis.set_xlabel(name)
    # Hide unused panels.
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    focus(axes[0, 0].set_ylim, [row["score"] for row in rows], direction)
    figure.supylabel(objective)
    figure.suptitle(f"{objective} by each hyperparameter; the best trial is the diamond")
    return figure


def parallel_coordinates(rows, objective, direction):
    """A line per trial through its values to its score: where dark lines meet, a value matters."""
    names = varied(rows)
    figure, axis = plt.subplots(figsize=(1.5 * len(names) + 4, 4.5), layout="constrained")
    places = np.full((len(rows), len(names) + 1), np.nan)
    # Heights from 0 to 1 on the axis of each hyperparameter, with labels.
    for column, name in enumerate(names):
        positions, ticks, logarithmic = scale(rows, name)
        heights = np.log(positions) if logarithmic and not ticks else np.asarray(positions, float)
        low, high = heights.min(), heights.max()
        height = np.full_like(heights, 0.5) if high == low else (heights - low) / (high - low)
        places[[name in row["hyperparameters"] for row in rows], column] = height
        labels = dict(
            zip(height, ticks or [short(position) for position in positions], strict=False)
        )
        if ticks:
            labels = {
                (tick - low) / (high - low) if high > low else 0.5: label
                for tick, label in enumerate(ticks)
            }
        for at in {min(labels), max(labels)} if not ticks else labels:
            text = axis.annotate(
                labels[at],
                (column, at),
                (-5, 0),
                textcoords="offset points",
                ha="right",
                va="center",
            )
            text.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1})
    # On the last axis, the ranks of the scores.
    scores = np.array([row["score"] for row in rows])
    merits = scores if direction == "max" else -scores
    better = np.array([np.sum(merits > merit) for merit in merits])  # number of better trials
    order = 1 - better / max(1, better.max())  # ranks: 1 best, 0 worst
    places[:, -1] = order
    # Draw the lines, colored by rank.
    colors = plt.get_cmap("viridis_r")(order)
    drawn = np.argsort(order)  # the best on top
    lines = [
        np.column_stack([np.flatnonzero(known), place[known]])
        for place in places[drawn]
        for known in [~np.isnan(place)]
    ]
    axis.add_collection(
        LineCollection(lines, colors=colors[drawn], linewidths=1 + 2 * order[drawn] ** 4, alpha=0.8)
    )
    # Label the best and the worst score.
    worst, top = (
        (scores.min(), scores.max()) if direction == "max" else (scores.max(), scores.min())
    )
    for at, score in {0: worst, 1: top}.items() if worst != top else [(1, top)]:
        axis.annotate(
            f"{score:.4g}", (len(names), at), (6, 0), textcoords="offset points", va="center"
        )
    for column in range(len(names) + 1):
        axis.axvline(column, color="black", linewidth=0.8)
    axis.set(xlim=(-0.6, len(names) + 0.5), ylim=(-0.05, 1.05), yticks=[])
    axis.set_xticks(range(len(names) + 1), [*names, f"{objective}, by rank"])
    axis.spines[:].set_visible(False)
    axis.set_title("Each line is a trial; the darker, the better")
    return figure


def hyperparameter_names(rows):
    return list(dict.fromkeys(name for row in rows for name in row["hyperparameters"]))


def varied(rows):
    """The hyperparameters in which trials differ; all of them if there are none."""
    names = hyperparameter_names(rows)
    return [
        name for name in names if len({str(row["hyperparameters"].get(name)) for row in rows}) > 1
    ] or names


def finite(row):
    return row["score"] is not None and math.isfinite(row["score"])


def scale(rows, name):
    """Positions of a hyperparameter's values, labels of words, and whether the scale is log."""
    values = [row["hyperparameters"][name] for row in rows if name in row["hyperparameters"]]
    if any(isinstance(value, str | bool) for value in values):
        words = sorted(set(map(str, values)))
        return [words.index(str(value)) for value in values], words, False
    low, high = min(values), max(values)
    return values, None, low > 0 and high / low >= 8


def set_ticks(axis, values, logarithmic):
    """Ticks that do not overlap: at the values if they are few, otherwise at round numbers."""
    values = sorted(set(values))
    if logarithmic:
        axis.set_xscale("log")
        axis.xaxis.set_minor_locator(ticker.NullLocator())
    if len(values) > 6:
        if not logarithmic:
            return  # Matplotlib's own
        low, high = values[0], values[-1]
        digits = (1, 2, 5) if high / low < 100 else (1,)
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        values = [digit * 10.0**power for power in powers for digit in digits]
        values = [value for value in values if low <= value <= high]
    places = np.log(values) if logarithmic else np.asarray(values, float)
    far = 0.19 * np.ptp(places)  # distance between ticks: five to six labels fit
    kept = []
    for place, value in zip(places, values, strict=True):
        if not kept or place - kept[-1][0] >= far:
            kept.append((place, value))
    axis.set_xticks([value for _, value in kept], [short(value) for _, value in kept])


def short(value):
    return f"{value:.3g}"


def focus(set_limits, scores, direction):
    """Exclude the worst tenth from the axis if it would compress all other scores."""
    low, high = visible(scores, direction)
    if low > min(scores) or high < max(scores):
        set_limits(low, high)


def visible(scores, direction):
    """The lowest and highest score to show, without bad outliers, at most a tenth of all scores."""
    scores = np.asarray(scores)
    low, high = np.quantile(scores, (0.1, 1) if direction == "max" else (0, 0.9))
    if np.ptp(scores) > 3 * (high - low) > 0:
        margin = 0.1 * (high - low)
        return low - margin, high + margin
    return scores.min(), scores.max()


def at_the_border(values, space):
    """A line for each number at or near the border of its range, which suggests a wider range.

    There is no line for strings and Booleans, for inactive hyperparameters, or at a lower border of
    0 (integers: 1), below which there are usually no valid values.

    Args:
        values: Those of the best trial, `{name: value}`.
        space: The hyperparameters, as in `keras_tuner.HyperParameters().space`.
    """
    lines = []
    for hp in space:
        if not is_active(hp, values):
            continue
        value, low, high = values[hp.name], *ends(hp)
        if isinstance(value, str | bool) or low == high:
            continue
        # In ranges without steps, values close to an end count, too; otherwise only the end itself.
        stepless = getattr(hp, "step", 1) is None
        place = hp.value_to_prob(value) if stepless else 0.5
        lowest = low == 0 or (isinstance(low, int) and low == 1)
        if math.isclose(value, high) or place > 1 - EDGE:
            end, which, where = high, "largest", "up"
        elif not lowest and (math.isclose(value, low) or place < EDGE):
            end, which, where = low, "smallest", "down"
        else:
            continue
        close = "" if math.isclose(value, end) else f"close to {short(end)}, "
        lines.append(
            f"{hp.name} {short(value)} is {close}the {which} value searched: search further {where}"
        )
    return lines


def is_active(hp, values):
    """Whether a trial has a value for a hyperparameter, and meets its conditions."""
    met = all(condition.is_active(values) for condition in hp.conditions)
    return met and hp.name in values


def ends(hp):
    """The smallest and the largest value of a hyperparameter."""
    if getattr(hp, "step", 1) is None:
        return hp.min_value, hp.max_value
    values = list(hp.values)
    return min(values), max(values)

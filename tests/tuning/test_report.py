"""The pictures of a search."""

import itertools

import keras_tuner
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.tuning import report
from tests.tuning import tiny


def row(trial, score, **hyperparameters):
    return {"trial": trial, "score": score, "seconds": 1.0, "hyperparameters": hyperparameters}


def test_only_what_was_varied_is_drawn():
    rows = [row("0", 0.5, width=32, depth=1), row("1", 0.6, width=32, depth=2), row("2", None, width=8, depth=1)]
    figures = report.figures(rows, "val_accuracy")
    assert [axis.get_xlabel() for axis in figures["hyperparameters"].axes] == ["depth"]
    ticks = [label.get_text() for label in figures["parallel_coordinates"].axes[0].get_xticklabels()]
    assert ticks == ["depth", "val_accuracy, by rank"]
    for figure in figures.values():
        plt.close(figure)


def test_a_single_trial_is_drawn_with_all_it_has():
    figures = report.figures([row("0", 0.5, width=32, depth=1)], "val_accuracy")
    assert [axis.get_xlabel() for axis in figures["hyperparameters"].axes] == ["width", "depth"]
    for figure in figures.values():
        plt.close(figure)


@pytest.mark.parametrize("direction", ["min", "max"])
def test_ties_share_a_rank_in_the_table_and_a_height_in_the_picture(direction, tmp_path):
    scores = {2: 0.5, 4: 0.9, 6: 0.9, 8: 0.1}

    def function(values):
        return scores[values["units"]]

    tuner = tiny.fake("GridSearch", tmp_path, function, hyperparameters=units(), direction=direction)
    tuner.search(verbose=0)
    rows = tuner.leaderboard()
    expected = {0.9: 1, 0.5: 3, 0.1: 4} if direction == "max" else {0.1: 1, 0.5: 2, 0.9: 3}
    assert [row["rank"] for row in rows] == [expected[row["score"]] for row in rows]
    tied = [row["trial"] for row in rows if row["score"] == 0.9]
    assert tied == sorted(tied)  # the earlier one first: it is the winner
    figures = report.figures(rows, "score", direction)
    (lines,) = figures["parallel_coordinates"].axes[0].collections
    ends = [segment[-1, 1] for segment in lines.get_segments()]
    places = dict(zip(expected.values(), np.linspace(1, 0, 3), strict=True))
    if direction == "max":
        places = {1: 1.0, 3: 1 / 3, 4: 0.0}
    assert sorted(ends) == pytest.approx(sorted(places[row["rank"]] for row in rows))
    drawn = [line for line in figures["hyperparameters"].axes[0].lines if line.get_marker() == "D"]
    assert [line.get_xdata()[0] for line in drawn] == [rows[0]["hyperparameters"]["units"]]
    for figure in figures.values():
        plt.close(figure)


def units():
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 2, 8, step=2, default=4)
    return hp


def test_trials_stand_in_the_order_of_their_numbers():
    """Ids grow longer when a search is given more trials."""
    rows = [row(str(number), score, width=number) for number, score in enumerate((0.1, 0.2, 0.3))]
    rows += [row("10", 0.9, width=10)]
    figure = report.figures(rows, "val_accuracy")["best_so_far"]
    assert "0.9 after 4 of 4 trials" in figure.axes[0].get_title()
    plt.close("all")


@pytest.mark.parametrize("values", [[0.0005, 0.001, 0.002, 0.004], [0.005, 0.08], list(np.geomspace(1e-4, 1e-1, 30))])
def test_log_ticks_do_not_overlap(values):
    rows = [row(str(n), 0.5 + n / 100, rate=float(value), depth=n, width=n) for n, value in enumerate(values)]
    figure = report.figures(rows, "val_accuracy")["hyperparameters"]
    figure.draw_without_rendering()
    labels = [label for which in ("major", "minor") for label in figure.axes[0].xaxis.get_ticklabels(which=which)]
    boxes = [label.get_window_extent() for label in labels if label.get_text() and label.get_visible()]
    low, high = figure.axes[0].get_window_extent().intervalx
    boxes = sorted((box.x0, box.x1) for box in boxes if low <= (box.x0 + box.x1) / 2 <= high)
    assert len(boxes) >= 2
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(boxes))
    plt.close("all")

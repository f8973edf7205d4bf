"""The pictures of a search."""

import itertools

import keras_tuner
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.tuning import report
from tests.tuning import tiny


@pytest.fixture(autouse=True)
def matplotlibs_own_style():
    """Whatever style other tests of this process have set."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


def row(trial, score, **hyperparameters):
    return {"trial": trial, "score": score, "seconds": 1.0, "hyperparameters": hyperparameters}


def test_only_what_was_varied_is_drawn():
    rows = [
        row("0", 0.5, width=32, depth=1),
        row("1", 0.6, width=32, depth=2),
        row("2", None, width=8, depth=1),
    ]
    figures = report.figures(rows, "val_accuracy")
    assert [axis.get_xlabel() for axis in figures["hyperparameters"].axes] == ["depth"]
    ticks = [
        label.get_text() for label in figures["parallel_coordinates"].axes[0].get_xticklabels()
    ]
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

    tuner = tiny.fake(
        "GridSearch", tmp_path, function, hyperparameters=units(), direction=direction
    )
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


@pytest.mark.parametrize(
    "values",
    [
        [0.0005, 0.001, 0.002, 0.004],
        [0.005, 0.08],
        list(np.geomspace(1e-4, 1e-1, 30)),
        [0.00101, 0.00102, 0.00105, 0.0203],
        [0.101, 0.102, 0.105, 0.203],
    ],
)
def test_ticks_do_not_overlap(values):
    rows = [
        row(str(n), 0.5 + n / 100, rate=float(value), depth=n, width=n)
        for n, value in enumerate(values)
    ]
    figure = report.figures(rows, "val_accuracy")["hyperparameters"]
    figure.draw_without_rendering()
    labels = [
        label
        for which in ("major", "minor")
        for label in figure.axes[0].xaxis.get_ticklabels(which=which)
    ]
    boxes = [
        label.get_window_extent() for label in labels if label.get_text() and label.get_visible()
    ]
    low, high = figure.axes[0].get_window_extent().intervalx
    boxes = sorted((box.x0, box.x1) for box in boxes if low <= (box.x0 + box.x1) / 2 <= high)
    assert len(boxes) >= 2
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(boxes))
    plt.close("all")


@pytest.mark.parametrize("direction", ["min", "max"])
def test_pictures_know_which_direction_is_better(direction):
    """Scores 0.5, 0.2, 0.9, 0.6; the second hyperparameter is not there in every trial."""
    sign = 1 if direction == "max" else -1
    scores = [sign * score for score in (0.5, 0.2, 0.9, 0.6)]
    rows = [row(str(number), score, width=number) for number, score in enumerate(scores)]
    for number in (1, 2):
        rows[number]["hyperparameters"]["slope"] = 10 + number
    figures = report.figures(rows[::-1], "x", direction)

    so_far = figures["best_so_far"].axes[0]
    assert (
        so_far.get_title()
        == f"x {sign * 0.5:.4g} at the defaults, {sign * 0.9:.4g} after 3 of 4 trials"
    )
    line = next(line for line in so_far.lines if line.get_label() == "the best so far")
    assert list(line.get_ydata()) == [sign * score for score in (0.5, 0.5, 0.9, 0.9)]
    defaults = next(line for line in so_far.lines if line.get_marker() == "D")
    assert (defaults.get_xdata()[0], defaults.get_ydata()[0]) == (1 / 60, sign * 0.5)

    for axis, points in zip(
        figures["hyperparameters"].axes,
        ({0: 0.5, 1: 0.2, 2: 0.9, 3: 0.6}, {11: 0.2, 12: 0.9}),
        strict=False,
    ):
        dots, diamond = axis.lines
        drawn = dict(zip(dots.get_xdata(), dots.get_ydata(), strict=True))
        assert drawn == {x: sign * y for x, y in points.items()}
        assert (diamond.get_xdata()[0], diamond.get_ydata()[0]) == (
            max(points, key=points.get),
            sign * 0.9,
        )

    parallel = figures["parallel_coordinates"].axes[0]
    ends = {segment[0, 1]: segment[-1, 1] for segment in parallel.collections[0].get_segments()}
    assert ends == pytest.approx({0: 1 / 3, 1 / 3: 0, 2 / 3: 1, 1: 2 / 3})  # width, rank
    said = {text.get_text(): text.xy for text in parallel.texts}
    assert said[f"{sign * 0.9:.4g}"] == (2, 1)
    assert said[f"{sign * 0.2:.4g}"] == (2, 0)
    plt.close("all")


@pytest.mark.parametrize("direction", ["min", "max"])
def test_a_far_worse_trial_is_left_outside_the_picture_and_never_the_best(direction):
    sign = 1 if direction == "max" else -1
    scores = [sign * (0.9 + number / 1000) for number in range(20)] + [sign * -50.0]
    limits = []
    report.focus(lambda low, high: limits.extend((low, high)), scores, direction)
    low, high = limits
    assert low < sign * 0.919 < high
    assert not low < sign * -50.0 < high


def border(hp, **values):
    return report.at_the_border(values, hp.space)


def test_a_best_value_at_the_border_of_its_range_is_said():
    hp = keras_tuner.HyperParameters()
    hp.Choice("rate", [0.01, 0.1, 0.001])  # not in order
    hp.Int("units", 4, 15, step=5)  # 4, 9, 14
    hp.Float("decay", 1e-6, 1e-2, sampling="log")
    further = "value searched: search further"
    assert border(hp, rate=0.01, units=9, decay=1e-4) == []
    assert border(hp, rate=0.1, units=9, decay=1e-4) == [f"rate 0.1 is the largest {further} up"]
    assert border(hp, rate=0.001, units=4, decay=1e-6) == [
        f"rate 0.001 is the smallest {further} down",
        f"units 4 is the smallest {further} down",
        f"decay 1e-06 is the smallest {further} down",
    ]
    assert border(hp, rate=0.01, units=14, decay=9.9e-3) == [
        f"units 14 is the largest {further} up",
        f"decay 0.0099 is close to 0.01, the largest {further} up",
    ]
    # By powers: 2e-6 is 7.5 % of the way, as 5e-3 is from the other end.
    assert border(hp, rate=0.01, units=9, decay=2e-6) == []
    assert border(hp, rate=0.01, units=9, decay=5e-3) == []


def test_no_border_is_said_where_there_is_nothing_beyond():
    hp = keras_tuner.HyperParameters()
    hp.Choice("activation", ["elu", "relu"])
    hp.Choice("bias", [False, True])
    hp.Boolean("augment")
    hp.Fixed("width", 8)
    hp.Choice("classes", [3])
    hp.Float("dropout", 0.0, 0.5, step=0.25)
    hp.Int("depth", 1, 4)
    with hp.conditional_scope("activation", ["elu"]):
        hp.Float("alpha", 0.1, 1.0)
    words = {"activation": "relu", "bias": True, "augment": True, "width": 8, "classes": 3}
    assert border(hp, **words, dropout=0.0, depth=1) == []
    # What a trial keeps of a value whose condition is not met does not count.
    assert border(hp, **words, dropout=0.0, depth=1, alpha=1.0) == []
    words["activation"] = "elu"
    assert [line.split()[0] for line in border(hp, **words, dropout=0.5, depth=4, alpha=1.0)] == [
        "dropout",
        "depth",
        "alpha",
    ]

"""Which hyperparameters mattered: against functions whose variance is known."""

import itertools

import keras_tuner
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.tuning import importance


def row(score, **values):
    return {"score": score, "hyperparameters": values}


def abc():
    hp = keras_tuner.HyperParameters()
    for name in "bca":
        hp.Float(name, 0.0, 1.0)
    return hp.space


def rows_of_abc(count, function):
    rng = np.random.default_rng(0)
    points = [dict(zip("abc", rng.random(3).tolist(), strict=True)) for _ in range(count)]
    return [row(function(**point), **point) for point in points]


def test_a_sum_has_the_squares_of_its_factors_as_shares():
    """Of 3a + b the variances are 9 and 1, whatever the scale of the score; c has none."""
    rows = rows_of_abc(300, lambda a, b, c: 500 - 30 * a - 10 * b)
    shares = importance.importances(rows, abc(), "max")
    assert list(shares) == ["a", "b", "c"]
    assert shares == pytest.approx({"a": 0.9, "b": 0.1, "c": 0}, abs=0.04)


def test_what_works_together_is_in_no_single_share():
    """The exclusive or of two switches says nothing about either; a word decides on the rest."""
    hp = keras_tuner.HyperParameters()
    hp.Boolean("left")
    hp.Boolean("right")
    hp.Choice("word", ["none", "some", "all"])
    rows = []
    for left, right, word in itertools.product((False, True), (False, True), hp.space[2].values):
        for _ in range(4):
            score = (left != right) + 2 * (word == "all")
            rows.append(row(float(score), left=left, right=right, word=word))
    shares = importance.importances(rows, hp.space, "max")
    # Variances: 1/4 of the switches, 4 · 2/9 of the word.
    expected = (8 / 9) / (8 / 9 + 1 / 4)
    assert shares == pytest.approx({"left": 0, "right": 0, "word": expected}, abs=0.04)
    assert importance.with_rest(shares)["several together"] == pytest.approx(1 - expected, abs=0.04)


def conditional():
    """Two kinds, of which each has a hyperparameter of its own."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["plain", "deep"])
    with hp.conditional_scope("kind", ["deep"]):
        hp.Float("depth", 1.0, 3.0)
    with hp.conditional_scope("kind", ["plain"]):
        hp.Int("width", 1, 8)
    return hp.space


def test_a_conditional_hyperparameter_counts_where_it_is_active():
    """Plain networks score 0, deep ones from 0 to 2: variance 1/4 of kind, half of 1/3 of depth."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(200):
        rows.append(row(0.0, kind="plain", width=int(rng.integers(1, 9))))
        depth = float(rng.uniform(1, 3))
        rows.append(row(depth - 1, kind="deep", depth=depth))
    shares = importance.importances(rows, conditional(), "max")
    assert shares == pytest.approx({"kind": 0.6, "depth": 0.4, "width": 0}, abs=0.04)


def test_one_diverged_trial_does_not_hide_the_others():
    rows = rows_of_abc(60, lambda a, b, c: a)
    rows[7]["score"] = 1e9
    rows[7]["hyperparameters"]["b"] = 0.999
    shares = importance.importances(rows, abc(), "min")
    assert next(iter(shares)) == "a"
    assert shares["a"] > 0.7


def test_too_few_trials_are_said_to_be_too_few():
    rows = rows_of_abc(importance.FEWEST, lambda a, b, c: a)
    assert importance.importances(rows, abc(), "max") is not None
    rows[3]["score"] = None  # a trial that failed
    assert importance.importances(rows, abc(), "max") is None
    (line,) = importance.lines(None, "val_loss", 9)
    assert "takes 10 completed trials" in line
    assert line.endswith("and there are 9.")
    same = rows_of_abc(20, lambda a, b, c: 1.0)
    assert importance.importances(same, abc(), "max") is None


def test_bars_and_lines_say_the_same():
    shares = {"rate": 0.625, "units": 0.125}
    assert importance.lines(shares, "val_loss", 30)[1:] == [
        "     62%  rate",
        "     12%  units",
        "     25%  several together",
    ]
    figure = importance.figure(shares, "val_loss", 30)
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == [
        "rate",
        "units",
        "several together",
    ]
    assert [bar.get_width() for bar in axis.patches] == [62.5, 12.5, 25]
    assert axis.get_ylim()[0] > axis.get_ylim()[1], "the largest on top"
    plt.close(figure)

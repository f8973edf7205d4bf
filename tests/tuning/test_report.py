"""The pictures of a search."""

import matplotlib.pyplot as plt

from recipes.tuning import report


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

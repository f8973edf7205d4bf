"""Comparison of kinds of network: their test scores, their cost, and a baseline."""

import time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from recipes.common.arrays import to_numpy
from recipes.common.plots import CLASS_COLORS

GRAY = "0.55"


def answers(model, test):
    """Class probabilities of a whole data set, and the CPU seconds to compute them.

    Args:
        model: A classifier with softmax outputs.
        test: Batches of (inputs, labels).

    Returns:
        Array (examples, classes), and a float. Loading the data and compiling are excluded.
    """
    batches = [inputs for inputs, _ in test]
    for inputs in (batches[0], batches[-1]):  # compile for both batch sizes
        model.predict_on_batch(inputs)
    begun = time.process_time()
    probabilities = [model.predict_on_batch(inputs) for inputs in batches]
    return np.concatenate(probabilities), time.process_time() - begun


def accuracy(probabilities, labels):
    """The share of examples whose most probable class is the true one.

    Args:
        probabilities: Array (examples, classes).
        labels: Integers (examples,).
    """
    return float(np.mean(probabilities.argmax(axis=-1) == labels))


def compare(models, test):
    """Test accuracy and cost of each network, and of the mean of their probabilities.

    Args:
        models: `{name: classifier}`.
        test: Batches of (inputs, labels).

    Returns:
        `{name: (accuracy, note)}`, the notes in words for the leaderboard.
    """
    labels = to_numpy(test.map(lambda _, labels: labels))
    rows, probabilities, total = {}, [], 0
    for name, model in models.items():
        of_model, seconds = answers(model, test)
        note = f"{model.count_params():,} parameters, {seconds:.2g} CPU s"
        rows[name] = (accuracy(of_model, labels), note)
        probabilities.append(of_model)
        total += seconds
    mean = np.mean(probabilities, axis=0)
    rows["mean of all"] = (accuracy(mean, labels), f"{len(models)} networks, {total:.2g} CPU s")
    return rows


def plot_curves(axis, histories):
    """Validation accuracy over the epochs, a line for each kind."""
    for color, (name, history) in zip(CLASS_COLORS, histories.items(), strict=False):
        values = history["val_accuracy"]
        axis.plot(np.arange(1, len(values) + 1), values, ".-", color=color, label=name)
    axis.set(title="While they train", xlabel="epoch", ylabel="validation accuracy")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(loc="lower right")


def plot_leaderboard(axis, rows, colors):
    """Test accuracies as bars, the best on top, each with its note.

    Args:
        axis: Where to draw.
        rows: `{name: (accuracy, note)}`.
        colors: `{name: color}`; rows without a color are gray.
    """
    order = sorted(rows, key=lambda name: rows[name][0])
    for place, name in enumerate(order):
        score, note = rows[name]
        axis.barh(place, score, color=colors.get(name, GRAY), alpha=0.55)
        axis.text(0.01, place, f"{score:.3f}  {note}", va="center", fontsize=9)
    axis.set_yticks(range(len(order)), order)
    axis.set(xlim=(0, 1.05 * rows[order[-1]][0]), xlabel="test accuracy; CPU seconds to answer all")


def plot_kinds(models, test, histories, baseline_name, baseline):
    """The figure of a comparison of kinds: validation curves and a leaderboard on the test set.

    The title compares the baseline with the network of the best validation accuracy.

    Args:
        models: `{name: classifier}`.
        test: Batches of (inputs, labels).
        histories: `{name: history}`, with "val_accuracy".
        baseline_name: One or two words.
        baseline: The baseline's test accuracy.

    Returns:
        A Matplotlib figure.
    """
    figure, axes = plt.subplots(1, 2, figsize=(11.5, 4.6), layout="constrained")
    plot_curves(axes[0], histories)
    rows = compare(models, test)
    chosen = max(histories, key=lambda name: max(histories[name]["val_accuracy"]))
    difference = 100 * (rows[chosen][0] - baseline)
    rows[baseline_name] = (baseline, "baseline")
    plot_leaderboard(axes[1], rows, dict(zip(models, CLASS_COLORS, strict=False)))
    where = "above" if difference > 0 else "below"
    axes[1].set_title(
        f"Best on validation: {chosen}, {abs(difference):.1f} points {where} {baseline_name}"
    )
    return figure

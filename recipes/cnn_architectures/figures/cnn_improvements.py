"""The picture of cnn_improvements: learning curves of the plain and the improved networks."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots

NAMES = {
    "plain": "plain",
    "local_response": "local response normalization",
    "batch": "batch normalization",
    "bottleneck": "1×1 bottlenecks",
    "inception": "inception modules",
    "residual": "residual connections",
    "all": "batch, inception and residual",
}


def figures(models, test, histories):
    """Test accuracy against the plain network's, and validation accuracy epoch by epoch."""
    accuracies = {}
    for name, model in models.items():
        accuracies[name] = model.evaluate(test, return_dict=True, verbose=0)["accuracy"]
    return {"improvements": plot_improvements(accuracies, histories)}


def differences(accuracies, reference):
    """Points of accuracy more or less than those of one network.

    Args:
        accuracies: `{name: accuracy}`, from 0 to 1.
        reference: The name of that network, which is left out.

    Returns:
        `{name: points}`.
    """
    points = {}
    for name, accuracy in accuracies.items():
        if name != reference:
            points[name] = 100 * (accuracy - accuracies[reference])
    return points


def headline(points):
    """Which network gains the most over the plain one, if one gains.

    Args:
        points: `{name: points}`, as returned by `differences`.
    """
    best = max(points, key=points.get)
    if points[best] > 0:
        return f"At equal cost, most is gained by {NAMES[best]}"
    return "At equal cost, no network gains on the plain one"


def plot_improvements(accuracies, histories):
    """Gains as bars on the left, the course of training on the right."""
    points = differences(accuracies, "plain")
    figure, (bars, curves) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    colors = dict(zip(accuracies, plots.CLASS_COLORS, strict=False))
    rows = np.arange(len(points))
    drawn = bars.barh(rows, list(points.values()), color=[colors[name] for name in points])
    bars.bar_label(drawn, fmt="{:+.1f}", padding=3)
    bars.set_yticks(rows, [NAMES[name] for name in points])
    bars.invert_yaxis()
    bars.axvline(0, color="0.5", linewidth=1)
    bars.margins(x=0.15)
    bars.set(xlabel="points of test accuracy beyond the plain network")
    for name, history in histories.items():
        epochs = np.arange(1, len(history["val_accuracy"]) + 1)
        curves.plot(epochs, history["val_accuracy"], "o-", color=colors[name], label=NAMES[name])
    curves.set(xlabel="epoch", ylabel="validation accuracy")
    curves.legend(fontsize=8)
    figure.suptitle(headline(points))
    return figure

"""The pictures of imbalanced: precision–recall curves, and calibration of the probabilities."""

import itertools

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.training.imbalanced import VARIANTS, WEIGHT


def figures(models, test, histories):
    """Precision–recall curves and calibration of the networks with and without class weights."""
    features, labels = to_numpy(test)
    outputs = {}
    for name, model in models.items():
        outputs[name] = model.predict(features, batch_size=1000, verbose=0)[:, 0]
    return {
        "recall_and_precision": plot_curves(labels, outputs),
        "calibration": plot_calibration(labels, outputs),
    }


def recall_and_precision(labels, outputs, threshold):
    """Recall and precision of the rare class at a threshold.

    Args:
        labels: Integers (examples,), 1 for the rare class.
        outputs: Probabilities (examples,).
        threshold: Outputs above it are predicted as rare.

    Returns:
        Two numbers; the precision is NaN if nothing is predicted as rare.
    """
    called = outputs > threshold
    right = np.sum(called & (labels == 1))
    return right / np.sum(labels == 1), right / called.sum() if called.any() else np.nan


def corrected(outputs, weight):
    """Probabilities corrected for a `weight` of the rare class in training."""
    return outputs / (outputs + weight * (1 - outputs))


def calibration(labels, outputs, edges):
    """Mean output and frequency of the rare class in each bin of `edges` with at least 10 examples.

    Returns:
        Two arrays (bins,).
    """
    means, shares = [], []
    for low, high in itertools.pairwise(edges):
        inside = (outputs > low) & (outputs <= high)
        if inside.sum() >= 10:
            means.append(outputs[inside].mean())
            shares.append(labels[inside].mean())
    return np.array(means), np.array(shares)


def plot_curves(labels, outputs):
    """Recall and precision over all thresholds, with a dot at the threshold of each variant."""
    figure, axis = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
    thresholds = np.concatenate([np.geomspace(1e-5, 0.5, 200), 1 - np.geomspace(0.5, 1e-5, 200)])
    recalls = {}
    for name, arguments in VARIANTS.items():
        curve = [recall_and_precision(labels, outputs[name], each) for each in thresholds]
        (line,) = axis.plot(*np.transpose(curve), alpha=0.6)
        threshold = arguments.get("threshold", 0.5)
        recalls[name], precision = recall_and_precision(labels, outputs[name], threshold)
        label = f"{name}: above {threshold:.3g} recall {recalls[name]:.2f}"
        axis.plot(recalls[name], precision, "o", markersize=10, color=line.get_color(), label=label)
    axis.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall: share of the rare class that is found")
    axis.set(ylabel="precision: share of what is called rare that is")
    gained = recalls["weighted"] - recalls["plain"]
    moved = recalls["moved_threshold"] - recalls["plain"]
    axis.set(title=f"Weights change the recall by {gained:+.2f}, a moved threshold by {moved:+.2f}")
    axis.legend(loc="lower left")
    return figure


def plot_calibration(labels, outputs):
    """Plot calibration: the frequency of the rare class against its predicted probability."""
    figure, axis = plt.subplots(figsize=(6, 5), layout="constrained")
    edges = np.linspace(0, 1, 11)
    edges[0] = -1e-9
    weighted = outputs["weighted"]
    lines = {
        "plain": outputs["plain"],
        "weighted": weighted,
        f"weighted, odds divided by {WEIGHT}": corrected(weighted, WEIGHT),
    }
    axis.plot([0, 1], [0, 1], ":", color="gray", label="right")
    for name, values in lines.items():
        axis.plot(*calibration(labels, values, edges), "o-", label=name)
    said = weighted.mean() / labels.mean()
    axis.set(title=f"With weights the rare class seems {said:.1f} times as frequent as it is")
    axis.set(xlabel="output: said probability of the rare class", ylabel="its frequency there")
    axis.set(xlim=(0, 1), ylim=(0, 1))
    axis.legend(loc="upper left")
    return figure

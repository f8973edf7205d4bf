"""The pictures of unsupervised_convnet: gain of each step, filters with and without labels."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots

TITLES = {
    "full": "k-means filters, all steps",
    "no_rectification": "… without rectification",
    "no_normalization": "… without normalization",
    "random": "random filters, all steps",
    "random_no_rectification": "… without rectification",
    "supervised": "filters trained with labels, all steps",
}
# The effect of each step: the first variant has it, the second does not.
STEPS = {
    "rectification": ("full", "no_rectification"),
    "normalization": ("full", "no_normalization"),
    "filters learned without labels": ("full", "random"),
    "labels": ("supervised", "full"),
}


def figures(models, test, histories):
    """The test accuracy with and without each step, and the filters."""
    accuracies = {}
    for name, model in models.items():
        accuracies[name] = model.evaluate(test, return_dict=True, verbose=0)["accuracy"]
    return {"steps": plot_steps(accuracies), "filters": plot_filters(models)}


def gains(accuracies):
    """The gain in test accuracy of each step, from `{variant: accuracy}`."""
    return {step: accuracies[a] - accuracies[b] for step, (a, b) in STEPS.items()}


def plot_steps(accuracies):
    """A bar for each variant; the title names the step with the largest gain."""
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    colors = []
    for name in accuracies:
        kind = 2 if name == "supervised" else int(name.startswith("random"))
        colors.append(plots.CLASS_COLORS[kind])
    places = np.arange(len(accuracies))
    bars = axis.barh(places, list(accuracies.values()), color=colors)
    axis.bar_label(bars, fmt="{:.1%}", padding=3)
    axis.set_yticks(places, [TITLES[name] for name in accuracies])
    axis.invert_yaxis()
    axis.xaxis.set_major_formatter("{x:.0%}")
    axis.margins(x=0.1)
    given = gains(accuracies)
    step = max(given, key=given.get)
    axis.set(xlabel="test accuracy")
    figure.suptitle(f"Most is given by {step}: {100 * given[step]:+.1f} percentage points")
    return figure


def plot_filters(models):
    """The filters of three variants as small images, gray where a weight is 0."""
    figure, axes = plt.subplots(1, 3, figsize=(8, 3.2), layout="constrained")
    titles = {"random": "random", "full": "k-means, no labels", "supervised": "trained with labels"}
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        kernel = next(layer for layer in models[name].layers if hasattr(layer, "kernel")).kernel
        filters = np.asarray(kernel).transpose(3, 0, 1, 2)
        largest = np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
        images = 0.5 + 0.5 * filters / np.maximum(largest, 1e-12)
        plots.show_images(axis, images, title=title)
    return figure

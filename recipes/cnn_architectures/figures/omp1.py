"""The pictures of omp1: accuracy against the number of features, and the filters."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.cnn_architectures import omp1
from recipes.common import plots


def figures(models, test, histories):
    """Accuracy against the number of features, and the filters as small images."""
    accuracies = {}
    for model in models.values():
        score = model.evaluate(test, return_dict=True, verbose=0)["accuracy"]
        accuracies[encoder(model).features] = score
    largest = max(models.values(), key=lambda model: encoder(model).features)
    return {"features": plot_accuracies(accuracies), "filters": plot_filters(largest)}


def encoder(model):
    """The layer with the filters: the dictionary's atoms times the whitening matrix."""
    return next(layer for layer in model.layers if isinstance(layer, omp1.PatchEncoder))


def plot_accuracies(accuracies):
    """A point per network of `{features: test accuracy}`; the title has the gain per doubling."""
    features = np.array(sorted(accuracies))
    values = np.array([accuracies[count] for count in features])
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    axis.plot(features, values, "o-")
    axis.set_xscale("log", base=2)
    axis.set_xticks(features, features)
    axis.minorticks_off()
    axis.yaxis.set_major_formatter("{x:.0%}")
    axis.set(xlabel="atoms of the dictionary", ylabel="test accuracy")
    axis.set_title(f"Each doubling gives {100 * per_doubling(accuracies):.1f} percentage points")
    return figure


def per_doubling(accuracies):
    """The gain per doubling: the slope of accuracy over log₂ of the number of features."""
    return np.polyfit(np.log2(list(accuracies)), list(accuracies.values()), 1)[0]


def plot_filters(model, count=100):
    """The first filters as colors, each scaled from its lowest to its highest weight."""
    kernel = np.asarray(encoder(model).kernel)[:, :count]  # (108, filters)
    filters = kernel.T.reshape(-1, omp1.SIZE, omp1.SIZE, 3)
    lowest = filters.min(axis=(1, 2, 3), keepdims=True)
    spread = np.ptp(filters, axis=(1, 2, 3), keepdims=True)
    figure, axis = plt.subplots(figsize=(5, 5.2), layout="constrained")
    plots.show_images(axis, (filters - lowest) / np.maximum(spread, 1e-12))
    axis.set_title(f"{len(filters)} of {encoder(model).features} filters, learned without labels")
    return figure

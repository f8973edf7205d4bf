"""The picture of senet: its channel gates, class by class."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from layers.squeeze_excitation import SqueezeExcitation
from recipes.cnn_architectures.senet import CLASSES
from recipes.common import plots
from recipes.common.arrays import to_numpy

IMAGES = 2000  # test images over whose classes the gates are averaged


def figures(models, test, histories):
    """The mean gates of each class in the first and the last block, and the spread over classes."""
    images, labels = to_numpy(test.take(-(-IMAGES // 500)))  # batches of 500
    drawn = {}
    for name, model in models.items():
        if any(isinstance(layer, SqueezeExcitation) for layer in model.layers):
            gates = gates_by_class(model, images, labels)
            drawn["gates" if name == "with_gates" else f"gates_{name}"] = plot_gates(gates)
    return drawn


def gates_by_class(model, images, labels):
    """The mean gate of each channel over the images of each class, for all layers with gates.

    Args:
        model: A network with layers of the class `SqueezeExcitation`.
        images: Array.
        labels: Integers 0 … classes − 1.

    Returns:
        A list of arrays (classes, channels); NaN where a class has no images.
    """
    outputs = []
    for layer in model.layers:
        if isinstance(layer, SqueezeExcitation):
            outputs.append(layer.gates(layer.input))
    found = keras.Model(model.input, outputs).predict(images, batch_size=500, verbose=0)
    means = []
    for gates in found if isinstance(found, list) else [found]:
        by_class = np.full((len(CLASSES), gates.shape[-1]), np.nan)
        for label in np.unique(labels):
            by_class[label] = gates[labels == label].mean(axis=0)
        means.append(by_class)
    return means


def difference_of_classes(gates):
    """Standard deviation of the mean gates over the classes, averaged over channels."""
    return np.nanstd(gates, axis=0).mean()


def most_specific(gates):
    """The block, counted from 1, in which the gates differ most between classes."""
    return int(np.argmax([difference_of_classes(each) for each in gates])) + 1


def plot_gates(gates):
    """Two heatmaps, classes by channels, and the differences of all blocks."""
    figure, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained", width_ratios=[2, 4, 3])
    for axis, number in zip(axes, (1, len(gates)), strict=False):
        values = gates[number - 1]
        # Sort channels by their mean gates.
        order = np.argsort(np.nanmean(values, axis=0))
        picture = plots.heatmap(axis, values[:, order], rows=CLASSES, vmax=1, aspect="auto")
        axis.set(title=f"block {number}", xlabel="channel, sorted", xticks=[])
    axes[1].set_yticks([])
    figure.colorbar(picture, ax=axes[1], label="mean gate")
    blocks = np.arange(1, len(gates) + 1)
    axes[2].bar(blocks, [difference_of_classes(each) for each in gates])
    axes[2].set(xlabel="block", ylabel="deviation between classes", xticks=blocks)
    axes[2].set_title(f"largest in block {most_specific(gates)}")
    figure.suptitle("Gates by class, from the first block to the last")
    return figure

"""The picture of cnn_cifar10: which classes each network finds difficult."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.convolution.cnn_cifar10 import CLASSES


def figures(models, test, histories):
    """The test accuracy of each network, class by class."""
    _, labels = to_numpy(test)
    accuracies = {}
    for name, model in models.items():
        accuracies[name] = class_accuracies(labels, model.predict(test, verbose=0))
    return {"accuracy_by_class": plot_class_accuracies(accuracies)}


def class_accuracies(labels, probabilities):
    """The share of each class's images that is classified correctly.

    Args:
        labels: Integers 0 … classes − 1, (images,).
        probabilities: Array (images, classes).

    Returns:
        Array (classes,); NaN where a class has no images.
    """
    correct = probabilities.argmax(axis=-1) == labels
    accuracies = np.full(probabilities.shape[-1], np.nan)
    for label in np.unique(labels):
        accuracies[label] = correct[labels == label].mean()
    return accuracies


def plot_class_accuracies(accuracies):
    """Bars by class, one for each network; the title names the hardest class."""
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    plots.class_bars(axis, accuracies, CLASSES)
    mean = np.mean(list(accuracies.values()), axis=0)
    easiest = CLASSES[np.nanargmax(mean)]
    hardest = CLASSES[np.nanargmin(mean)]
    axis.set(title=f"The easiest class is {easiest}, the hardest {hardest}")
    axis.set(ylabel="test accuracy", ylim=(0, 1))
    axis.tick_params(axis="x", labelrotation=30)
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure

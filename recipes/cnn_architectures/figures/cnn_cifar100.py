"""The picture of cnn_cifar100: which classes are taken for each other within their superclass."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.datasets import cifar100

SHOWN = 6  # superclasses
SUPERCLASS_OF = np.array(cifar100.superclass_labels())  # (100,)


def figures(model, test, history):
    """Confusion matrices of the five classes of a superclass, where they are confused most."""
    _, labels = to_numpy(test)
    answers = model.predict(test, verbose=0)
    found = answers["fine"].argmax(axis=-1)
    agreement = np.mean(SUPERCLASS_OF[found] == answers["coarse"].argmax(axis=-1))
    return {"confusion_within": plot_confusion(labels["fine"], found, agreement)}


def confusion(true, found):
    """The share of each class's images that is given each class: (100, 100), rows are true classes.

    Rows without images are zeros.
    """
    counts = np.zeros((100, 100))
    np.add.at(counts, (true, found), 1)
    images = counts.sum(axis=1, keepdims=True)
    return counts / np.maximum(images, 1)


def confusion_within(shares):
    """Of each superclass the matrix (5, 5) of its classes, from `confusion`'s: (20, 5, 5)."""
    matrices = []
    for superclass in range(len(cifar100.SUPERCLASSES)):
        classes = np.flatnonzero(superclass == SUPERCLASS_OF)
        matrices.append(shares[np.ix_(classes, classes)])
    return np.array(matrices)


def mistakes_within(true, found):
    """The share of the mistakes that stay within the superclass; 0 if there are no mistakes."""
    wrong = true != found
    within = SUPERCLASS_OF[true] == SUPERCLASS_OF[found]
    return np.sum(wrong & within) / max(np.sum(wrong), 1)


def plot_confusion(true, found, agreement):
    """Matrices of the most confused superclasses; what a row lacks of 100 % went to other ones."""
    matrices = confusion_within(confusion(true, found))
    wrong = matrices.sum(axis=(1, 2)) - np.trace(matrices, axis1=1, axis2=2)
    most_confused = np.argsort(-wrong)[:SHOWN]
    superclasses = list(cifar100.SUPERCLASSES)
    figure, axes = plt.subplots(2, SHOWN // 2, figsize=(11, 8), layout="constrained")
    for axis, superclass in zip(axes.flat, most_confused, strict=True):
        name = superclasses[superclass]
        classes = []
        for word in cifar100.SUPERCLASSES[name].split():
            classes.append(word.removesuffix("_tree").replace("_", " "))
        matrix = 100 * matrices[superclass]
        plots.heatmap(axis, matrix, classes, classes, numbers="{:.0f}", vmax=100)
        axis.set_title(name.replace("_", " "), fontsize=11)
    figure.suptitle(
        "Which class (column) is seen in images of which (row), in percent: "
        "the most confused superclasses\n"
        f"{mistakes_within(true, found):.0%} of all mistakes stay within the superclass "
        f"(by chance {4 / 99:.0%}); the two heads agree on {agreement:.0%} of the images"
    )
    return figure

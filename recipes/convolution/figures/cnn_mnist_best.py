"""The picture of cnn_mnist_best: the test digits that it classifies wrongly."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy

SHOWN = 48  # most digits to show


def figures(model, test, history):
    """The misclassified test digits, the most confident mistakes first: true → predicted."""
    images, labels = to_numpy(test)
    probabilities = model.predict(test, verbose=0)
    return {"mistakes": plot_mistakes(images, labels.argmax(axis=-1), probabilities)}


def mistakes(labels, probabilities):
    """Indices of the wrong predictions, the most confident ones first.

    Args:
        labels: Integers (images,).
        probabilities: Array (images, classes).
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=-1) != labels)
    confidence = probabilities[wrong].max(axis=-1)
    return wrong[np.argsort(-confidence, kind="stable")]


def plot_mistakes(images, labels, probabilities):
    """A grid of digits, each with its true and its predicted class above."""
    wrong = mistakes(labels, probabilities)
    shown = wrong[:SHOWN]
    columns = 12
    rows = max(1, -(-len(shown) // columns))
    figure, axes = plt.subplots(
        rows, columns, figsize=(9, 1 + 0.95 * rows), layout="constrained", squeeze=False
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, index in zip(axes.flat, shown, strict=False):
        axis.imshow(images[index], cmap="gray_r")
        axis.set_title(f"{labels[index]} → {probabilities[index].argmax()}", fontsize=9)
    title = f"{len(wrong)} of {len(labels)} test digits are wrong"
    if len(shown) < len(wrong):
        title += f"; the {len(shown)} surest"
    figure.suptitle(title)
    return figure

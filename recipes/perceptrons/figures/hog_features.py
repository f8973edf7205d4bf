"""The pictures of hog_features: histograms and weights, accuracies, features by classifiers."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.perceptrons import hog_features as recipe

SHOWN = (2, 3, 4, 7, 9)  # digits
NAMES = {
    "rules": "rules by hand",
    "pixels": "pixels, linear SVM",
    "hog_3_bins": "HOG with 3 orientations",
    "hog_unnormalized": "HOG without normalization",
    "hog": "HOG, linear SVM",
    "cnn": "CNN",
}


def figures(models, test, histories):
    """What HOG sees of digits, the accuracy of each way, and features by hand by classifiers."""
    train, validation, _ = recipe.load_data()
    accuracies = {"rules": recipe.baseline(train, test)["accuracy"]}
    for name, model in models.items():
        accuracies[name] = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
    found = {
        "accuracies": plot_accuracies(accuracies),
        "table": plot_table(recipe.classic_table(train, validation, test), accuracies),
    }
    if "hog" in models:
        found["histograms"] = plot_histograms(models["hog"], *to_numpy(test))
    return found


def cell_histograms(blocks):
    """The histogram of each cell: the mean of those that it has in its blocks.

    Args:
        blocks: Array (rows, columns, 4 · bins) of blocks, as the layer HOG returns them.

    Returns:
        Array (rows + 1, columns + 1, bins).
    """
    rows, columns, features = blocks.shape
    blocks = blocks.reshape(rows, columns, features // 4, 2, 2)
    cells = np.zeros((rows + 1, columns + 1, features // 4))
    counts = np.zeros((rows + 1, columns + 1, 1))
    for down in (0, 1):
        for across in (0, 1):
            cells[down : down + rows, across : across + columns] += blocks[..., down, across]
            counts[down : down + rows, across : across + columns] += 1
    return cells / counts


def draw_histograms(axis, cells):
    """Draw a star in each cell: its lines lie along strokes, so across the gradient's direction.

    Args:
        axis: Where to draw.
        cells: Array (rows, columns, bins), not below 0.
    """
    rows, columns, bins = cells.shape
    lines = []
    strengths = cells.ravel() / max(cells.max(), 1e-9)
    angles = (np.arange(bins) + 0.5) * np.pi / bins + np.pi / 2
    for row in range(rows):
        for column in range(columns):
            center = np.array([column, row])
            for angle in angles:
                half = 0.5 * np.array([np.cos(angle), np.sin(angle)])
                lines.append([center - half, center + half])
    axis.add_collection(LineCollection(lines, colors="black", alpha=strengths, linewidths=1.5))
    axis.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), aspect="equal")
    axis.set(xticks=[], yticks=[])


def plot_histograms(model, images, labels):
    """Digits, their histograms, and the part of these that speaks for the digit's class."""
    figure, axes = plt.subplots(3, len(SHOWN), figsize=(8, 5), layout="constrained")
    layer = next(layer for layer in model.layers if isinstance(layer, recipe.HOG))
    for column, digit in zip(axes.T, SHOWN, strict=True):
        image = images[labels[:, digit].argmax()] / np.float32(255)
        blocks = np.asarray(layer(image[None]))[0]
        weights = np.asarray(model.layers[-1].kernel)[:, digit].reshape(blocks.shape)
        column[0].imshow(image[..., 0], cmap="gray_r")
        column[0].set(xticks=[], yticks=[])
        draw_histograms(column[1], cell_histograms(blocks))
        draw_histograms(column[2], cell_histograms(blocks * np.maximum(weights, 0)))
        for axis in column:
            axis.spines[:].set_visible(False)
    for axis, name in zip(axes[:, 0], ("image", "HOG", "HOG · weights\nabove 0"), strict=True):
        axis.set_ylabel(name)
    figure.suptitle(
        "What HOG sees of a digit: strokes and their directions; what speaks for its class"
    )
    return figure


def plot_accuracies(accuracies):
    """A bar for the test accuracy of each way to recognize digits, `{variant: accuracy}`."""
    names = [name for name in NAMES if name in accuracies][::-1]
    figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for row, name in enumerate(names):
        color = plots.CLASS_COLORS[0] if name.startswith("hog") else "0.6"
        axis.barh(row, 100 * accuracies[name], color=color)
        axis.text(100 * accuracies[name] + 0.5, row, f"{accuracies[name]:.1%}", va="center")
    axis.set_yticks(range(len(names)), [NAMES[name] for name in names])
    axis.set(xlim=(0, 115), xticks=range(0, 101, 20), xlabel="test accuracy, %")
    title = f"Learned from {recipe.IMAGES:,} digits"
    if {"pixels", "hog"} <= accuracies.keys():
        title += (
            f": HOG lifts a linear SVM from {accuracies['pixels']:.1%} to {accuracies['hog']:.1%}"
        )
    axis.set_title(title, loc="right")
    return figure


def plot_table(table, accuracies):
    """The test accuracy of each classifier on each kind of features.

    Args:
        table: As returned by `classic_table`.
        accuracies: Of the networks, `{variant: accuracy}`.
    """
    features = list(dict.fromkeys(kind for kind, _ in table))
    classifiers = list(recipe.CLASSIFIERS)
    tested = np.array([[table[kind, name][1] for name in classifiers] for kind in features])
    best = max(table, key=lambda pair: table[pair][0])
    figure, axis = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    plots.heatmap(axis, 100 * tested, features, classifiers, numbers="{:.1f}", vmin=85)
    row, column = features.index(best[0]), classifiers.index(best[1])
    axis.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec="C1", lw=3))
    title = f"Test accuracy in %; best on validation: {' and '.join(best)}, {table[best][1]:.1%}"
    if "cnn" in accuracies:
        title += f"\nA CNN learns its features and the classifier: {accuracies['cnn']:.1%}"
    figure.suptitle(title, fontsize=12)
    return figure

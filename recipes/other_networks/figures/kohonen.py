"""The pictures of kohonen: the map of prototypes, and the digits on the map."""

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from recipes.common import plots
from recipes.common.arrays import to_numpy

# Ten classes: the eight colors of `plots`, and two more.
COLORS = (*plots.CLASS_COLORS[:7], "#882255", "#999999", "#44AA99")


def figures(model, test, history):
    """The prototypes on their grid; the digits to which they respond, and the cluster borders."""
    images, labels = to_numpy(test)
    return {"map": plot_map(model), "classes": plot_classes(model, images, labels)}


def prototypes_on_grid(model):
    """The prototypes, (rows, columns, inputs)."""
    prototypes = keras.ops.convert_to_numpy(model.prototypes)
    return prototypes.reshape(model.options["rows"], model.options["columns"], -1)


def plot_map(model):
    """Every unit's prototype, at its position on the map."""
    prototypes = prototypes_on_grid(model)
    rows, columns, pixels = prototypes.shape
    side = int(np.sqrt(pixels))
    figure, axis = plt.subplots(figsize=(8, 8.3), layout="constrained")
    images = prototypes.reshape(rows * columns, side, side)
    plots.show_images(axis, images, columns, cmap="gray_r", vmin=0, vmax=1)
    figure.suptitle("Neighbors on the map are alike: digits turn into one another")
    return figure


def count_classes(model, images, labels, classes=10):
    """The number of examples of each class that a unit responds to: (rows, columns, classes)."""
    places = model.predict(images, batch_size=500, verbose=0).astype(int)
    counts = np.zeros((model.options["rows"], model.options["columns"], classes), int)
    np.add.at(counts, (places[:, 0], places[:, 1], labels), 1)
    return counts


def neighbor_distances(prototypes):
    """Mean distance from up to 4 neighbors (U-matrix): (rows, columns, n) to (rows, columns)."""
    rows, columns, _ = prototypes.shape
    distances = np.zeros((rows, columns))
    for row in range(rows):
        for column in range(columns):
            found = []
            for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                other = (row + down, column + right)
                if 0 <= other[0] < rows and 0 <= other[1] < columns:
                    found.append(np.linalg.norm(prototypes[row, column] - prototypes[other]))
            distances[row, column] = np.mean(found)
    return distances


def plot_classes(model, images, labels):
    """Left: the class that a unit responds to most. Right: distances between neighbors."""
    counts = count_classes(model, images, labels)
    total = counts.sum(axis=2)
    majority = np.where(total > 0, counts.argmax(axis=2), np.nan)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5.4), layout="constrained")
    left.imshow(majority, cmap=ListedColormap(COLORS), vmin=-0.5, vmax=9.5, alpha=0.6)
    for (row, column), digit in np.ndenumerate(majority):
        if np.isfinite(digit):
            left.text(column, row, int(digit), ha="center", va="center", fontsize=9)
    left.set(title="The digit to which a unit responds most often")
    distances = neighbor_distances(prototypes_on_grid(model))
    picture = right.imshow(distances, cmap="magma")
    figure.colorbar(picture, label="distance", shrink=0.8)
    right.set(title="Distance from the neighbors' prototypes (U-matrix)")
    for axis in (left, right):
        axis.set(xticks=[], yticks=[])
    figure.suptitle("Without labels, the map has found regions of digits, and borders between them")
    return figure

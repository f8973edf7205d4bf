"""The pictures of x_image: the slides' X step by step, and what the trained network looks for."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.convolution import x_image


def figures(model, test, history):
    """The slides' X step by step, in numbers; learned filters, and their maps of an X and an O."""
    images, labels = to_numpy(test)
    return {"walk": plot_walk(), "learned": plot_learned(model, first_of_each(images, labels))}


def first_of_each(images, labels):
    """The first X and the first O, given labels (n, 1): array (2, height, width, 1)."""
    first_x = images[labels[:, 0] == 1][0]
    first_o = images[labels[:, 0] == 0][0]
    return np.stack([first_x, first_o])


def short(value):
    """A number in two digits, without the zero before the decimal point: ".56", "−1", "0"."""
    return f"{value:.2g}".replace("0.", ".").replace("-", "−")


def plot_map(axis, values, title="", numbers=False):
    """A map (height, width) in orange and violet about a white 0, with its numbers if asked."""
    limit = 1.3 * (np.abs(values).max() or 1)
    plots.show_images(axis, values[None], title=title, cmap="PuOr_r", vmin=-limit, vmax=limit)
    if numbers:
        for (row, column), value in np.ndenumerate(values):
            style = {"color": "white" if value < -limit / 2 else "black", "fontsize": 7}
            axis.text(column, row, short(value), ha="center", va="center", **style)


def plot_walk():
    """The drawing, and for each filter its map, rectified and pooled."""
    maps = x_image.filter_maps()
    rectified = np.maximum(maps, 0)
    stages = {
        "Filter": x_image.PATTERNS,
        "Map": maps,
        "ReLU": rectified,
        "Pooled": x_image.pool(rectified),
    }
    figure, axes = plt.subplots(
        3, 5, figsize=(11, 6.8), width_ratios=(1.3, 0.5, 1.2, 1.2, 0.8), layout="constrained"
    )
    for number, row in enumerate(axes):
        plot_map(row[0], x_image.X)
        for axis, stage in zip(row[1:], stages.values(), strict=True):
            plot_map(axis, stage[:, :, number], numbers=True)
    for axis, title in zip(axes[0], ("Drawing", *stages), strict=True):
        axis.set_title(title)
    figure.suptitle("Each filter finds its own places in the X: 1 where it fits exactly")
    return figure


def plot_learned(model, images):
    """The filters of the first layer, and below them their maps of each image."""
    (first, *_) = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    maps = np.asarray(keras.Model(model.inputs[0], first.output)(images, training=False))
    kernels = first.get_weights()[0][:, :, 0]  # (3, 3, filters)
    count = kernels.shape[-1]
    figure, axes = plt.subplots(3, count + 1, figsize=(11, 4.2), layout="constrained")
    axes[0, 0].axis("off")
    for image, axis in zip(images, axes[1:, 0], strict=True):
        plot_map(axis, image[:, :, 0])
    for number in range(count):
        plot_map(axes[0, number + 1], kernels[:, :, number])
        plot_map(axes[1, number + 1], maps[0, :, :, number])
        plot_map(axes[2, number + 1], maps[1, :, :, number])
    figure.suptitle("Learned filters, and their maps of an X and of an O")
    return figure

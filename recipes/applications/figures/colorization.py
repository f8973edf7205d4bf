"""The pictures of colorization: colors of each network, and their mean saturation."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.applications import colorization
from recipes.common.arrays import to_numpy

SHOWN = 8  # images


def figures(models, test, histories):
    """Images in color, in gray, and as colorized by each network; and their mean saturation."""
    brightness, colors = to_numpy(test)
    predictions = {}
    for name, model in models.items():
        predictions[name] = model.predict(brightness, batch_size=250, verbose=0)
    chosen = colorful(colors, SHOWN)
    painted = {
        "original": painting(brightness[chosen], colors[chosen]),
        "gray": painting(brightness[chosen], np.zeros_like(colors[chosen])),
    }
    for name, prediction in predictions.items():
        painted[name] = painting(brightness[chosen], prediction[chosen])
    saturations = {"original": mean_saturation(colors, colors)}
    for name, prediction in predictions.items():
        saturations[name] = mean_saturation(colors, prediction)
    return {"painted": plot_painted(painted), "saturation": plot_saturation(saturations)}


def colorful(colors, count):
    """Indices of the `count` most colorful images among the first ones."""
    lengths = np.linalg.norm(colors[: 20 * count], axis=-1).mean(axis=(1, 2))
    return np.argsort(-lengths, kind="stable")[:count]


def painting(brightness, predictions):
    """Images (count, height, width, 3) from 0 to 1."""
    brightness = keras.ops.cast(brightness, "float32")
    predictions = keras.ops.cast(predictions, "float32")
    return keras.ops.convert_to_numpy(colorization.Paint()([brightness, predictions]))


def mean_saturation(colors, predictions):
    """Mean distance of the predicted colors from gray over all images, out of 128."""
    return float(np.mean(colorization.saturation(colors, keras.ops.convert_to_tensor(predictions))))


def plot_painted(painted):
    """A row for each method, a column for each image."""
    rows = len(painted)
    figure, axes = plt.subplots(
        rows, SHOWN, figsize=(1.25 * SHOWN + 1, 1.25 * rows + 0.4), layout="constrained"
    )
    for row, (name, images) in zip(axes, painted.items(), strict=True):
        for axis, image in zip(row, images, strict=False):
            axis.imshow(image)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set_visible(False)
    figure.suptitle("Gray images, painted by networks that answer in different ways")
    return figure


def plot_saturation(saturations):
    """Plot the mean saturation of the original images and of each network's."""
    figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
    bars = axis.barh(list(saturations), list(saturations.values()))
    axis.bar_label(bars, fmt="%.1f", padding=3)
    axis.invert_yaxis()
    axis.set(xlabel="mean distance of the colors from gray, of 128")
    axis.set_title("How colorful each network dares to be")
    return figure

"""The pictures of zip_code_net: its windows and biases, and the activations for some digits."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.cnn_architectures.zip_code_net import PositionBias
from recipes.common import plots


def figures(model, test, history):
    """Weights and biases of H1, and the values of all units for four digits."""
    images, _ = next(test.as_numpy_iterator())
    return {"first_layer": plot_first_layer(model), "units": plot_units(model, images[:4])}


def windows(model):
    """The 5×5 windows of H1: an array (12, 5, 5)."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    return np.moveaxis(layers[0].get_weights()[0][:, :, 0], -1, 0)


def biases(model):
    """The biases of H1: an array (12, 8, 8)."""
    layers = [layer for layer in model.layers if isinstance(layer, PositionBias)]
    return np.moveaxis(layers[0].get_weights()[0], -1, 0)


def spread(biases):
    """Variation of the biases by position: the mean standard deviation within a map.

    Args:
        biases: Array (maps, height, width).
    """
    return float(biases.std(axis=(1, 2)).mean())


def plot_first_layer(model):
    """The twelve windows of H1, and the biases of its maps; the title gives their spread."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.9), layout="constrained")
    panels = (windows(model), biases(model))
    titles = ("one window for all places of a map", "a bias for each place")
    for axis, values, title in zip(axes, panels, titles, strict=True):
        largest = np.abs(values).max()
        style = {"cmap": "PuOr_r", "vmin": -largest, "vmax": largest}
        picture = plots.show_images(axis, values, columns=4, title=title, **style)
        figure.colorbar(picture, shrink=0.8)
    figure.suptitle(
        f"The biases of a map of H1 differ by {spread(panels[1]):.2f} (standard deviation)"
    )
    return figure


def units(model, images):
    """The values of the input, H1 and H2 as maps, and of H3 and the outputs.

    Returns:
        Arrays (images, 16, 16, 1), (images, 8, 8, 12), (images, 4, 4, 12), (images, 30) and
        (images, 10).
    """
    scaled = [x for x in model.layers if isinstance(x, keras.layers.Rescaling)]
    activated = [x for x in model.layers if isinstance(x, keras.layers.Activation)]
    dense = [x for x in model.layers if isinstance(x, keras.layers.Dense)]
    outputs = [layer.output for layer in (*scaled, *activated, *dense)]
    return keras.Model(model.inputs, outputs).predict(images, verbose=0)


def plot_units(model, images):
    """One row for each digit: 256 pixels, 768 units of H1, 192 of H2, 30 of H3, 10 outputs."""
    titles = ("input", "H1: 12 of 8 × 8", "H2: 12 of 4 × 4", "H3: 30", "outputs")
    figure, axes = plt.subplots(
        len(images),
        5,
        figsize=(10, 2.1 * len(images)),
        width_ratios=(1, 1.4, 1.4, 1.2, 0.8),
        layout="constrained",
        squeeze=False,
    )
    values = units(model, images)
    for number, row in enumerate(axes):
        style = {"vmin": -1.7159, "vmax": 1.7159}
        pixels, h1, h2, h3, outputs = (part[number] for part in values)
        plots.show_images(row[0], pixels[None], **style)
        plots.show_images(row[1], np.moveaxis(h1, -1, 0), columns=4, **style)
        plots.show_images(row[2], np.moveaxis(h2, -1, 0), columns=4, **style)
        plots.show_images(row[3], h3.reshape(1, 5, 6), **style)
        row[4].barh(range(10), outputs)
        row[4].set(xlim=(0, 1), xticks=[0, 1], yticks=range(10))
        row[4].invert_yaxis()
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title)
    figure.suptitle("Four digits in all 1,000 units behind the input")
    return figure

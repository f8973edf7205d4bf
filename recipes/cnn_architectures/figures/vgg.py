"""The pictures of vgg: parameters and multiplications by layer, and what excites the last layer."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.cnn_architectures.vgg import CLASSES
from recipes.common import plots
from recipes.common.arrays import to_numpy

CHANNELS = 6  # of the last convolution
IMAGES = 8  # for each channel
TITLES = {"vgg11": "VGG-11", "vgg11_lrn": "VGG-11 with LRN", "vgg16": "VGG-16"}


def figures(models, test, histories):
    """The cost of each layer, and the test images that excite the last convolution most."""
    images, labels = to_numpy(test)
    deepest = list(models)[-1]
    return {
        "cost_by_layer": plot_costs(models),
        "deepest_features": plot_exciting(models[deepest], images, labels, TITLES[deepest]),
    }


def weighted_layers(model):
    """The convolutions and dense layers of a network, in order."""
    kinds = (keras.layers.Conv2D, keras.layers.Dense)
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def costs(model):
    """Parameters and multiply–accumulates of each convolution and dense layer.

    Returns:
        Two arrays of integers (layers,).
    """
    parameters = []
    multiplications = []
    for layer in weighted_layers(model):
        parameters.append(layer.count_params())
        pixels = np.prod(layer.output.shape[1:-1], dtype=int)  # 1 for a dense layer
        multiplications.append(pixels * np.prod(layer.kernel.shape))
    return np.array(parameters), np.array(multiplications)


def plot_costs(models):
    """Bars by layer; the title gives the share of the dense layers."""
    figure, axes = plt.subplots(
        len(models), 2, figsize=(9, 2.3 * len(models)), layout="constrained", squeeze=False
    )
    for row, (name, model) in zip(axes, models.items(), strict=True):
        dense = np.array([isinstance(x, keras.layers.Dense) for x in weighted_layers(model)])
        numbers = np.arange(1, len(dense) + 1)
        for axis, values, what in zip(row, costs(model), ("parameters", "products"), strict=True):
            share = values[dense].sum() / values.sum()
            axis.bar(numbers[~dense], values[~dense], label="convolution")
            axis.bar(numbers[dense], values[dense], label="dense layer")
            axis.set(title=f"{TITLES[name]}: {share:.0%} in dense layers", ylabel=what)
            axis.ticklabel_format(axis="y", scilimits=(0, 0))
            axis.set_xticks(numbers)
    axes[-1, 0].set(xlabel="layer")
    axes[-1, 1].set(xlabel="layer")
    axes[0, 0].legend()
    figure.suptitle("The convolutions do the work, the dense layers hold the parameters")
    return figure


def last_maps(model, images):
    """What last convolution, pool and ReLU make of images: (images, height, width, channels)."""
    flatten = next(x for x in model.layers if isinstance(x, keras.layers.Flatten))
    return keras.Model(model.input, flatten.input).predict(images, batch_size=500, verbose=0)


def top_images(activations, channels, count):
    """Indices of the images that excite each channel most.

    Args:
        activations: Array (images, height, width, channels).
        channels: Number of channels: those that vary most between images.
        count: Number of images for each.

    Returns:
        Array of integers (channels, count): numbers of images, the most exciting first.
    """
    strongest = activations.max(axis=(1, 2))  # (images, channels)
    most_variable = np.argsort(strongest.std(axis=0))[::-1][:channels]
    return np.argsort(strongest[:, most_variable], axis=0)[::-1][:count].T


def agreement(labels):
    """The share of the most frequent label in each row, averaged over the rows.

    Args:
        labels: Array of integers (rows, labels).
    """
    shares = [np.bincount(row).max() / len(row) for row in labels]
    return float(np.mean(shares))


def plot_exciting(model, images, labels, name):
    """One row of test images for each channel, with the class that most of them belong to."""
    chosen = top_images(last_maps(model, images), CHANNELS, IMAGES)
    figure, axes = plt.subplots(len(chosen), 1, figsize=(6, 5.4), layout="constrained")
    for axis, row in zip(axes, chosen, strict=True):
        plots.show_images(axis, images[row] / 255, columns=IMAGES)
        most = CLASSES[np.bincount(labels[row]).argmax()]
        axis.set_ylabel(most, rotation=0, ha="right", va="center")
    share = agreement(labels[chosen])
    figure.suptitle(
        f"Six channels of {name}'s last convolution, and what excites them:\n"
        f"{share:.0%} of the images of a row are of one class"
    )
    return figure

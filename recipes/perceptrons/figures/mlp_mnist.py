"""The pictures of mlp_mnist: weights of the first layer, and the digits in each layer's space."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy


def figures(models, test, histories):
    """Weights of first-layer neurons; principal components of each layer of the deep network."""
    images, labels = to_numpy(test)
    layers = forward(models["deep"].get_weights(), images[:2000])
    return {
        "neurons": plot_neurons(*models["shallow"].get_weights()),
        "layers": plot_layers(layers, labels[:2000]),
    }


def forward(weights, images):
    """Forward pass of a ReLU network in NumPy: the output of each layer.

    Args:
        weights: Kernel and bias of each layer in turn, as returned by `get_weights()`.
        images: Array (batch, 28, 28, 1) from 0 to 255.

    Returns:
        List of arrays (batch, units): the scaled pixels, then the output of each layer.
    """
    x = images.reshape(len(images), -1) / np.float32(255)
    layers = [x]
    # Hidden layers with ReLU.
    *hidden_weights, last_kernel, last_bias = weights
    for kernel, bias in zip(hidden_weights[::2], hidden_weights[1::2], strict=True):
        x = np.maximum(x @ kernel + bias, 0)
        layers.append(x)
    # The output layer with softmax.
    logits = x @ last_kernel + last_bias
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    layers.append(exponentials / exponentials.sum(axis=1, keepdims=True))
    return layers


def principal_components(x):
    """The rows of x (n, features) along the two directions of largest variance: (n, 2)."""
    x = x - x.mean(axis=0)
    _, directions = np.linalg.eigh(x.T @ x)  # in ascending order of variance
    return x @ directions[:, [-1, -2]]


def strongest(output_kernel, count):
    """Indices of the hidden neurons with the longest outgoing weights, the longest first."""
    return np.argsort(-np.linalg.norm(output_kernel, axis=1))[:count]


def plot_neurons(kernel, bias, output_kernel, output_bias):
    """Incoming weights of the 24 hidden neurons with the largest effect, each scaled to 1."""
    neurons = strongest(output_kernel, 24)
    images = kernel[:, neurons].T.reshape(-1, 28, 28)
    largest = np.abs(images).max(axis=(1, 2), keepdims=True)
    figure, axis = plt.subplots(figsize=(10, 4.2), layout="constrained")
    plots.show_images(axis, images / largest, columns=8, cmap="PuOr_r", vmin=-1, vmax=1)
    axis.set_title(
        "The 24 neurons with the strongest output: ink on orange excites them, on violet inhibits"
    )
    return figure


def plot_layers(layers, labels):
    """The digits along the first two principal components of four layers, labeled at medians.

    Args:
        layers: Of a network with five hidden layers, as returned by `forward`.
        labels: Integers (batch,).
    """
    titles = {0: "Pixels", 1: "First hidden layer", 3: "Third", 5: "Fifth"}  # by number of layer
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.7), layout="constrained")
    box = {"facecolor": "white", "alpha": 0.7, "pad": 1, "linewidth": 0}
    for axis, (number, title) in zip(axes, titles.items(), strict=True):
        # A point for each image, in the color of its digit.
        points = principal_components(layers[number])
        axis.scatter(*points.T, s=3, c=labels, cmap="tab10", vmin=-0.5, vmax=9.5)
        # The digit, in the middle of its points.
        for digit in np.unique(labels):
            median = np.median(points[labels == digit], axis=0)
            axis.text(*median, digit, weight="bold", bbox=box)
        axis.set(title=title, xticks=[], yticks=[])
    figure.suptitle("Layer by layer the digits separate: principal components in the deep network")
    return figure

"""The pictures of xor: the hidden layer, and how often a neuron or the training fails."""

import itertools

import keras
import matplotlib.pyplot as plt
import numpy as np

from layers.threshold import Threshold
from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.perceptrons import xor

TITLES = {  # of the variants
    "one_neuron": "One neuron",
    "two_hidden": "Two hidden units",
    "stuck": "Another start",
}


def figures(models, test, histories):
    """The points before and after the hidden layer; the limits of one neuron and of training."""
    points, labels = to_numpy(test)
    return {"hidden_space": plot_hidden_space(models, points, labels), "limits": plot_limits()}


def corners_right(model):
    """How many of the four corners the network classifies correctly."""
    predicted = np.asarray(model(xor.CORNERS)) > 0.5
    return int(np.sum(predicted == xor.XOR))


def best_neuron(n):
    """The best accuracy of a threshold neuron on the parity of n ≤ 5 inputs, by exhaustive search.

    Permuting the inputs leaves parity unchanged, and inverting one swaps odd and even. Therefore
    sorted, nonnegative weights suffice, and integers up to n represent every threshold function of
    up to five inputs.
    """
    inputs = np.array(list(np.ndindex(*[2] * n)))  # (2ⁿ, n)
    parity = inputs.sum(axis=1) % 2
    best = 0
    for weights in itertools.combinations_with_replacement(range(n + 1), n):
        sums = inputs @ weights
        for threshold in np.unique(sums):
            accuracy = np.mean((sums >= threshold) == parity)
            best = max(best, accuracy, 1 - accuracy)
    return best


def parity_network(n):
    """Parity with n hidden neurons: the k-th fires if k or more inputs are 1; weights alternate."""
    model = keras.Sequential(
        [
            keras.Input((n,)),
            keras.layers.Dense(n),
            Threshold(),
            keras.layers.Dense(1),
            Threshold(),
        ]
    )
    signs = (-1.0) ** np.arange(n)
    kernel = np.ones((n, n))
    bias = -np.arange(n) - 0.5
    model.set_weights([kernel, bias, signs[:, None], np.array([-0.5])])
    return model


def parity_accuracy(n):
    """The accuracy of `parity_network` on all inputs."""
    inputs = np.array(list(np.ndindex(*[2] * n)), "float32")
    outputs = np.asarray(parity_network(n)(inputs))[:, 0]
    return np.mean(outputs == inputs.sum(axis=1) % 2)


def converges(hidden, starts=20, steps=3000, learning_rate=0.5):
    """Whether gradient descent on the summed cross-entropy learns all corners, for each start.

    All networks train in parallel.

    Args:
        hidden: Number of hidden units.
        starts: Number of initial weights; their seeds are 0, 1, 2, …
        steps: Steps of gradient descent on all four corners.
        learning_rate: Of each step.

    Returns:
        Array (starts,) of bool.
    """
    networks = [xor.initial_weights(hidden, start) for start in range(starts)]
    kernel, bias, output_kernel, output_bias = map(np.stack, zip(*networks, strict=True))
    bias = bias[:, None]  # (starts, 1, hidden)
    output_bias = output_bias[:, None]  # (starts, 1, 1)
    for _ in range(steps + 1):
        # Forward pass.
        activations = np.tanh(xor.CORNERS @ kernel + bias)  # (starts, corners, hidden)
        outputs = 1 / (1 + np.exp(-(activations @ output_kernel + output_bias)))
        # Backward pass: the gradient at the weighted sums of the output and of the hidden layer.
        output_delta = outputs - xor.XOR  # (starts, corners, 1)
        delta = output_delta @ output_kernel.swapaxes(1, 2) * (1 - activations**2)
        # Update the weights.
        output_kernel = output_kernel - learning_rate * activations.swapaxes(1, 2) @ output_delta
        output_bias = output_bias - learning_rate * output_delta.sum(axis=1, keepdims=True)
        kernel = kernel - learning_rate * xor.CORNERS.T @ delta
        bias = bias - learning_rate * delta.sum(axis=1, keepdims=True)
    return np.all((outputs > 0.5) == xor.XOR, axis=(1, 2))


def plot_classes(axis, score, corners, points, labels, ticks):
    """Two regions, the points and (larger) the corners, all in the same coordinates."""
    limits = (ticks[0] - 0.5, ticks[-1] + 0.5)
    plots.decision_boundary(axis, score, limits, limits)
    plots.class_points(axis, points, labels, s=5)
    plots.class_points(axis, corners, xor.XOR, s=150, edgecolors="white", linewidths=1, zorder=3)
    box = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1}
    shifts = ((-15, -15), (-22, 0), (22, 0), (15, 15))  # offsets of the names, in points
    for bits, corner, shift in zip(xor.CORNERS, corners, shifts, strict=True):
        axis.annotate(
            "{:.0f}{:.0f}".format(*bits),
            corner,
            shift,
            textcoords="offset points",
            weight="bold",
            ha="center",
            va="center",
            bbox=box,
        )
    axis.set(aspect="equal", xticks=ticks, yticks=ticks)


def plot_hidden_space(models, points, labels):
    """The decision boundary of each network, and the plane of the two hidden units."""
    figure, axes = plt.subplots(
        1, len(models) + 1, figsize=(3.5 * len(models) + 3.5, 4.2), layout="constrained"
    )
    for axis, (name, model) in zip(axes, models.items(), strict=False):
        plot_classes(axis, model, xor.CORNERS, points, labels, ticks=(0, 1))
        axis.set_title(f"{TITLES[name]}: {corners_right(model)} of 4 corners")
        axis.set(xlabel="x₁", ylabel="x₂")

    hidden, output = models["two_hidden"].layers
    hidden_points = np.asarray(hidden(points))
    hidden_corners = np.asarray(hidden(xor.CORNERS))
    plot_classes(axes[-1], output, hidden_corners, hidden_points, labels, ticks=(-1, 0, 1))
    axes[-1].set_title("Outputs of the two hidden units:\na line separates them")
    axes[-1].set(xlabel="h₁", ylabel="h₂")
    return figure


def plot_limits():
    """The best neuron on parity, and the share of starts from which training fails on XOR."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    sizes = (2, 3, 4, 5)
    bars = axes[0].bar(sizes, [100 * best_neuron(n) for n in sizes], color="C0")
    axes[0].bar_label(bars, fmt="%.0f %%")
    constructed = [100 * parity_accuracy(n) for n in sizes]
    axes[0].plot(sizes, constructed, "o-", color="C1", label="n hidden neurons")
    axes[0].axhline(50, color="0.5", linestyle=":", label="guessing")
    axes[0].set(title="Parity: the best single neuron", xlabel="inputs n", ylabel="accuracy, %")
    axes[0].set(xticks=sizes, ylim=(0, 112))
    axes[0].legend(loc="lower left", frameon=True, framealpha=1)

    widths = (2, 3, 4, 8, 16)
    failures = [np.sum(~converges(hidden)) for hidden in widths]
    axes[1].bar_label(axes[1].bar([str(hidden) for hidden in widths], failures, color="C1"))
    axes[1].set(title="XOR: starts from which training fails", ylim=(0, 20))
    axes[1].set(xlabel="hidden units", ylabel="of 20 starts", yticks=range(0, 21, 5))
    return figure

"""The pictures of activations: the functions and their derivatives, training, and dead units."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.perceptrons import activations as recipe

TITLES = {
    "linear": "linear: z",
    "sigmoid": "sigmoid: 1 / (1 + e⁻ᶻ)",
    "tanh": "tanh: (eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ)",
    "relu": "ReLU: max(0, z)",
    "leaky_relu": "leaky ReLU: max(ε z, z)",
    "softplus": "softplus: ln(1 + eᶻ)",
}


def figures(models, test, histories):
    """The functions; the training loss with each; and the units alive after bad initialization."""
    images, _ = to_numpy(test)
    dying = {name: model for name, model in models.items() if name.startswith("dying")}
    return {
        "functions": plot_functions(),
        "training": plot_training(histories),
        "dead_units": plot_units(dying, images),
    }


def plot_functions():
    """Each activation function and, dashed, its derivative."""
    z = np.linspace(-4, 4, 401)
    functions = recipe.formulas(z)
    figure, axes = plt.subplots(2, 3, figsize=(9, 5.4), layout="constrained")
    for axis, (name, (outputs, slopes)) in zip(axes.flat, functions.items(), strict=True):
        axis.axhline(0, color="0.8", linewidth=1)
        axis.axvline(0, color="0.8", linewidth=1)
        if name == "softplus":
            relu, _ = functions["relu"]
            axis.plot(z, relu, ":", color="0.4", linewidth=1.5)
            axis.annotate("ln 2", (0, np.log(2)), (-1.6, 1.2), arrowprops={"arrowstyle": "-"})
        axis.plot(z, outputs, color=plots.CLASS_COLORS[0], label="g(z)")
        axis.plot(z, slopes, "--", color=plots.CLASS_COLORS[1], label="slope g′(z)")
        axis.set(title=TITLES[name], xlim=(-4, 4), ylim=(-1.5, 2.5))
    axes[0, 0].legend(loc="upper left")
    return figure


def plot_training(histories):
    """The training loss over the epochs, a color per function; bad initializations are dashed."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    functions = ["sigmoid", "tanh", "relu", "leaky_relu"]
    for name, history in histories.items():
        function = name.removeprefix("dying_")
        color = plots.CLASS_COLORS[functions.index(function)]
        style = "o-" if name == function else "o--"
        epochs = np.arange(1, len(history["loss"]) + 1)
        label = name.replace("_", " ").replace("relu", "ReLU")
        axis.semilogy(epochs, history["loss"], style, color=color, label=label, markersize=4)
    axis.axhline(recipe.THRESHOLD, color="0.5", linestyle=":", linewidth=1.5)
    axis.set(xlabel="epoch", ylabel="loss in training", title="The loss with each activation")
    figure.legend(loc="outside right center")
    return figure


def plot_units(dying, images):
    """Plot the largest z of each hidden unit over all images; below 0, the unit is dead."""
    figure, axes = plt.subplots(
        len(dying), 1, figsize=(6, 2.5 * len(dying)), sharex=True, layout="constrained"
    )
    for axis, (name, model) in zip(np.ravel(axes), dying.items(), strict=True):
        largest = np.max(recipe.before_activation(model, images), axis=0)
        off, dead = recipe.shares_off_and_dead(model, images)
        function = "leaky ReLU" if "leaky" in name else "ReLU"
        bins = np.arange(np.floor(largest.min()), np.ceil(largest.max()) + 0.5, 0.5)
        axis.hist(largest[largest <= 0], bins, color="0.4")
        axis.hist(largest[largest > 0], bins, color=plots.CLASS_COLORS[0])
        axis.axvline(0, color="black", linewidth=1)
        title = f"{function}, bad start: {off:.0%} of units off for all images, {dead:.0%} dead"
        axis.set(ylabel="units", title=title)
    np.ravel(axes)[-1].set_xlabel("largest z of a unit on the test images, after training")
    return figure

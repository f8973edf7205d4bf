"""The pictures of vanishing_gradient: gradient norms by layer and by depth, and test accuracy."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.perceptrons import vanishing_gradient as recipe

IMAGES = 200  # images whose gradient is measured
DEPTHS = (1, 2, 4, 7, 10, 15, 20)
ACTIVATIONS = ("relu", "sigmoid")
INITIALIZATIONS = ("scaled", "small")
TITLES = {
    "relu": "ReLU",
    "sigmoid": "sigmoid",
    "scaled": "scaled weights",
    "small": "small weights",
}


def figures(models, test, histories):
    """The gradient before training, and the test accuracy of each network."""
    images, labels = to_numpy(test.take(1))
    images, labels = images[:IMAGES], labels[:IMAGES]
    accuracies = {}
    for name, model in models.items():
        accuracies[name] = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
    return {
        "gradients": plot_gradients(by_layer(images, labels), by_depth(images, labels)),
        "who_learns": plot_accuracies(accuracies),
    }


def new_network(activation, initialization, depth=10):
    """A network before training, the same each time."""
    keras.utils.set_random_seed(0)
    return recipe.build_model(activation, initialization, depth)


def by_layer(images, labels):
    """`{(activation, initialization): array (layers,)}`: the gradient in each of ten layers."""
    found = {}
    for activation in ACTIVATIONS:
        for initialization in INITIALIZATIONS:
            model = new_network(activation, initialization)
            sizes = recipe.gradient_sizes(model, images, labels)
            found[activation, initialization] = sizes
    return found


def by_depth(images, labels):
    """`{activation: array (depths,)}`: the first layer's gradient, with scaled weights."""
    found = {}
    for activation in ACTIVATIONS:
        sizes = []
        for depth in DEPTHS:
            model = new_network(activation, "scaled", depth)
            sizes.append(recipe.gradient_sizes(model, images, labels)[0])
        found[activation] = np.array(sizes)
    return found


def plot_gradients(layers, depths):
    """Gradients on logarithmic axes, with the bound for a derivative of at most 1/4 per layer."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 4), layout="constrained", width_ratios=(3, 2)
    )
    for (activation, initialization), sizes in layers.items():
        style = "-" if initialization == "scaled" else "--"
        color = plots.CLASS_COLORS[ACTIVATIONS.index(activation)]
        label = f"{TITLES[activation]}, {TITLES[initialization]}"
        numbers = np.arange(1, len(sizes) + 1)
        # Values that underflow to 0 in float32 are not drawn.
        sizes = np.where(sizes > 0, sizes, np.nan)
        left.semilogy(numbers, sizes, "o" + style, color=color, label=label, markersize=4)
    left.set(xlabel="layer, from the input to the output", ylabel="size of the gradient")
    left.legend(fontsize=9)
    for activation, sizes in depths.items():
        color = plots.CLASS_COLORS[ACTIVATIONS.index(activation)]
        right.semilogy(DEPTHS, sizes, "o-", color=color, label=TITLES[activation], markersize=4)
    bound = depths["sigmoid"][0] * 0.25 ** (np.array(DEPTHS) - DEPTHS[0])
    right.semilogy(DEPTHS, bound, "k:", label="a quarter for each layer")
    right.set(xlabel="hidden layers", title="First layer, scaled weights")
    right.legend(fontsize=9)
    left.set_title("Before training: how much of the gradient reaches each layer")
    return figure


def plot_accuracies(accuracies):
    """A table of activation and initial weights, for many labels and for few."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    for axis, suffix, title in ((axes[0], "", "10,000 labels"), (axes[1], "_500", "500 labels")):
        values = np.full((2, 2), np.nan)
        for row, activation in enumerate(ACTIVATIONS):
            for column, initialization in enumerate(INITIALIZATIONS):
                name = f"{activation}_{initialization}{suffix}"
                values[row, column] = accuracies.get(name, np.nan)
        rows = [TITLES[activation] for activation in ACTIVATIONS]
        columns = [TITLES[initialization] for initialization in INITIALIZATIONS]
        plots.heatmap(axis, values, rows, columns, numbers="{:.0%}", vmax=1)
        axis.set_title(title)
    both, others = with_both_and_others(accuracies)
    figure.suptitle(
        f"Test accuracy with ten layers: ReLU and scaled weights {both:.0%}, others {others:.0%}"
    )
    return figure


def with_both_and_others(accuracies):
    """The best accuracy with ReLU and scaled weights, and the best without one of the two."""
    with_both = [value for name, value in accuracies.items() if name.startswith("relu_scaled")]
    others = [value for name, value in accuracies.items() if not name.startswith("relu_scaled")]
    return max(with_both, default=np.nan), max(others, default=np.nan)

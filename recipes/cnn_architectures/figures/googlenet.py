"""The pictures of googlenet: parameters of the modules, and contributions of their branches."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from recipes.cnn_architectures.googlenet import MODULES
from recipes.common import plots

# The last layer of each branch.
BRANCHES = {"1×1": "1x1", "3×3": "3x3", "5×5": "5x5", "pool": "pool_proj"}
IMAGES = 500  # for the branches


def figures(models, test, histories):
    """Parameters of each module with and without bottlenecks; the contribution of each branch."""
    images, labels = next(iter(test))
    rises = branch_rises(models["bottlenecks"], images[:IMAGES], labels[:IMAGES])
    return {
        "parameters_by_module": plot_parameters(models),
        "branches": plot_branches(rises),
    }


def module_parameters(model):
    """The number of parameters of each module, in the order of `MODULES`."""
    counts = dict.fromkeys(MODULES, 0)
    for layer in model.layers:
        module = layer.name.partition("_")[0]
        if module in counts:
            counts[module] += layer.count_params()
    return list(counts.values())


def last_channels(model):
    """The number of output channels of the last module, and how many of them it has computed."""
    last = list(MODULES)[-1]
    computed = 0
    for branch in BRANCHES.values():
        name = f"{last}_{branch}"
        computed += sum(layer.filters for layer in model.layers if layer.name == name)
    return model.get_layer(last).output.shape[-1], computed


def plot_parameters(models):
    """Bars of the modules' parameters in the two networks, which cost about as much to train."""
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    counts = {
        "1×1 bottlenecks": module_parameters(models["bottlenecks"]),
        "without (naïve)": module_parameters(models["naive"]),
    }
    plots.class_bars(axis, counts, list(MODULES))
    channels, own = last_channels(models["naive"])
    axis.set(
        title="At equal cost: without bottlenecks each module passes all channels on,\n"
        f"and of the last module's {channels} outputs only {own} are its own",
        xlabel="inception module",
        ylabel="parameters",
    )
    axis.legend()
    return figure


def branch_rises(model, images, labels):
    """The increase of the cross-entropy if one branch of a module outputs zeros.

    Args:
        model: The network with bottlenecks; its weights are restored afterwards.
        images, labels: One batch.

    Returns:
        Array (modules, branches), in the order of `MODULES` and `BRANCHES`.
    """

    @tf.function
    def loss():
        probabilities = model(images, training=False)
        entropies = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        return tf.reduce_mean(entropies)

    complete = float(loss())
    rises = np.zeros((len(MODULES), len(BRANCHES)))
    for row, module in enumerate(MODULES):
        for column, branch in enumerate(BRANCHES.values()):
            layer = model.get_layer(f"{module}_{branch}")
            weights = layer.get_weights()
            layer.set_weights([np.zeros_like(weight) for weight in weights])
            rises[row, column] = float(loss()) - complete
            layer.set_weights(weights)
    return rises


def plot_branches(rises):
    """The increase of the loss without each branch; the title names the largest."""
    figure, axis = plt.subplots(figsize=(6, 5), layout="constrained")
    picture = plots.heatmap(
        axis, rises, list(MODULES), list(BRANCHES), numbers="{:.2f}", aspect="auto"
    )
    row, column = np.unravel_index(np.argmax(rises), rises.shape)
    module = list(MODULES)[row]
    branch = list(BRANCHES)[column]
    axis.set(
        title=f"What the network misses most:\nbranch {branch} of module {module}",
        xlabel="branch",
        ylabel="inception module",
    )
    figure.colorbar(picture, label="rise of the cross-entropy without the branch", shrink=0.7)
    return figure

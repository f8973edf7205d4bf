"""The pictures of plain_versus_residual: training curves, and loss and accuracy by depth."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.network_cost import network_cost

KINDS = {"plain": "#D55E00", "residual": "#0072B2"}


def figures(models, test, histories):
    """Training loss by epoch and by depth, and test accuracy by depth."""
    losses = {}
    accuracies = {}
    for name, model in models.items():
        losses[name] = histories[name]["loss"]
        accuracies[name] = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
    labels = {depth: memory_label(models, depth) for depth in depths(models)}
    return {
        "training": plot_training(losses),
        "depth": plot_depth(losses, accuracies, labels),
    }


def depths(names):
    """The numbers of layers in names such as "plain_14", in ascending order."""
    return sorted({int(name.split("_")[1]) for name in names})


def memory_label(models, depth):
    """A tick label: the depth, and the memory for the activations of one image."""
    for name, model in models.items():
        if depths([name]) == [depth]:
            kilobytes = 4 * network_cost(model)["activations"] / 1000
            return f"{depth}\n({kilobytes:.0f} kB)"
    raise ValueError(f"No network has {depth} layers.")


def last_losses(losses, kind):
    """The training loss of the last epoch, for each depth of this kind of network.

    Args:
        losses: `{"plain_14": [loss of each epoch], …}`.
        kind: "plain" or "residual".

    Returns:
        `{depth: loss}`, in ascending order of the depth.
    """
    found = {}
    for depth in depths(losses):
        if f"{kind}_{depth}" in losses:
            found[depth] = losses[f"{kind}_{depth}"][-1]
    return found


def change_with_depth(losses, kind):
    """The loss of the deepest network of a kind minus that of the shallowest."""
    values = list(last_losses(losses, kind).values())
    return values[-1] - values[0]


def plot_training(losses):
    """Two panels as in the paper, with darker lines for deeper networks."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
    epochs = np.arange(1, len(next(iter(losses.values()))) + 1)
    shades = plt.get_cmap("viridis_r")(np.linspace(0.1, 1, len(depths(losses))))
    for axis, kind in zip(axes, KINDS, strict=True):
        for shade, depth in zip(shades, depths(losses), strict=True):
            if f"{kind}_{depth}" in losses:
                values = losses[f"{kind}_{depth}"]
                axis.plot(epochs, values, "o-", color=shade, label=f"{depth} layers")
        axis.set(xlabel="epoch", title=kind, xticks=epochs)
        axis.legend()
    axes[0].set(ylabel="training loss")
    return figure


def plot_depth(losses, accuracies, labels):
    """Training loss and test accuracy by depth; the title gives the changes of the losses."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    changes = []
    for kind, color in KINDS.items():
        values = last_losses(losses, kind)
        if values:
            axes[0].plot(list(values), list(values.values()), "o-", color=color, label=kind)
            changes.append(f"{kind} {change_with_depth(losses, kind):+.2f}")
            tested = [accuracies[f"{kind}_{depth}"] for depth in values]
            axes[1].plot(list(values), tested, "o-", color=color, label=kind)
    deepest = depths(losses)[-1]
    shallowest = depths(losses)[0]
    figure.suptitle(f"Training loss of {deepest} layers against {shallowest}: {', '.join(changes)}")
    axes[0].set(ylabel="training loss, last epoch")
    axes[1].set(ylabel="test accuracy")
    for axis in axes:
        axis.set(xlabel="layers (activations of one image)")
        axis.set_xticks(list(labels), list(labels.values()))
        axis.legend()
    return figure

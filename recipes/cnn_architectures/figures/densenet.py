"""The picture of densenet: feature reuse, the earlier outputs that each layer uses."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots


def figures(model, test, history):
    """The mean absolute weight from each source to each layer (figure 5 of the paper)."""
    return {"feature_reuse": plot_reuse(feature_reuse(model))}


def feature_reuse(model):
    """How strongly each layer weights the outputs of earlier layers of its block.

    The weights are those of 1×1 convolutions and of the classifier, times the scale of the
    normalization before them.

    Args:
        model: A DenseNet.

    Returns:
        For each dense block an array (sources, targets). Sources are the block's input and its
        layers, targets are its layers and the transition or classifier that follows the block. NaN
        where a source comes after a target.
    """
    blocks = []
    for weights in weights_by_block(model):
        first = len(weights[0])  # channels of the block's input
        growth = len(weights[1]) - first
        reuse = np.full((len(weights), len(weights)), np.nan)
        for target, weight in enumerate(weights):
            reuse[0, target] = weight[:first].mean()
            added = weight[first:].reshape(-1, growth, weight.shape[-1])
            reuse[1 : 1 + len(added), target] = added.mean(axis=(1, 2))
        blocks.append(reuse)
    return blocks


def weights_by_block(model):
    """Absolute, scaled weights (channels, outputs) of all targets, a list for each block."""
    blocks = [[]]
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            scale = np.asarray(layer.gamma)
        elif sees_channels(layer):
            kernel = np.asarray(layer.kernel)
            weight = np.abs(kernel.reshape(kernel.shape[-2:]) * scale[:, None])
            # Fewer channels than before mean that a transition has started a new block.
            if blocks[-1] and len(weight) <= len(blocks[-1][-1]):
                blocks.append([])
            blocks[-1].append(weight)
    return blocks


def sees_channels(layer):
    """Whether a layer is a 1×1 convolution or the classifier."""
    if isinstance(layer, keras.layers.Dense):
        return True
    return isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (1, 1)


def older_share(blocks):
    """The share of a target's mean weights on sources before its direct predecessor."""
    shares = []
    for reuse in blocks:
        for target in range(1, len(reuse)):
            weights = reuse[: target + 1, target]
            shares.append(weights[:-1].sum() / weights.sum())
    return np.mean(shares)


def plot_reuse(blocks):
    """A triangle for each block; the title gives the share of older outputs."""
    sizes = [len(reuse) for reuse in blocks]
    largest = np.nanmax(np.concatenate([reuse.ravel() for reuse in blocks]))
    figure, axes = plt.subplots(
        1,
        len(blocks),
        figsize=(10, 5.6),
        layout="constrained",
        squeeze=False,
        width_ratios=sizes,
    )
    for number, (axis, reuse) in enumerate(zip(axes[0], blocks, strict=True), 1):
        following = "classifier" if number == len(blocks) else "transition"
        layers = [str(layer) for layer in range(1, len(reuse))]
        picture = plots.heatmap(axis, reuse, ["input", *layers], [*layers, following], vmax=largest)
        axis.set(title=f"block {number}", xlabel="layer")
    figure.colorbar(picture, ax=axes[0, -1], label="mean absolute weight", shrink=0.6)
    axes[0, 0].set(ylabel="whose output it sees")
    figure.suptitle(
        f"{older_share(blocks):.0%} of a layer's weight is for outputs older than the last one"
    )
    return figure

"""The picture of resnet: its accuracy without each of its blocks."""

import matplotlib.pyplot as plt
import numpy as np

from layers.residual_block import ResidualBlock
from recipes.common import plots
from recipes.common.arrays import to_numpy

IMAGES = 1000  # test images for the accuracy without a block
TITLES = {
    "padded": "padded shortcuts",
    "projection": "projections",
    "preactivation": "pre-activation",
}


def figures(models, test, histories):
    """Test accuracy without the branch of each block, so that only its shortcut remains."""
    images, labels = to_numpy(test.take(-(-IMAGES // 500)))  # batches of 500
    accuracies = {}
    for name, model in models.items():
        accuracies[TITLES[name]] = accuracy_without_blocks(model, images, labels)
    return {"without_a_block": plot_without_blocks(accuracies)}


def accuracy_without_blocks(model, images, labels):
    """Accuracy of the whole network, then without the branch of each block in turn.

    Args:
        model: A network with layers of the class `ResidualBlock`.
        images, labels: Arrays.

    Returns:
        Array (1 + blocks,).
    """
    accuracies = [accuracy(model, images, labels)]
    for block in model.layers:
        if isinstance(block, ResidualBlock):
            weights = last_weights(block)
            kept = [weight.numpy() for weight in weights]
            for weight in weights:
                weight.assign(np.zeros(weight.shape))
            accuracies.append(accuracy(model, images, labels))
            for weight, values in zip(weights, kept, strict=True):
                weight.assign(values)
    return np.array(accuracies)


def last_weights(block):
    """The weights that make the branch of a block output zero if they are zero."""
    if block.preactivation:
        return block.convolutions[-1].trainable_weights
    return block.normalizations[-1].trainable_weights


def accuracy(model, images, labels):
    """The share of images that is classified correctly."""
    probabilities = model.predict(images, batch_size=500, verbose=0)
    return np.mean(probabilities.argmax(axis=-1) == labels)


def most_missed(accuracies):
    """The block without which the mean accuracy is lowest, counted from 1, and that accuracy.

    Args:
        accuracies: `{name: array (1 + blocks,)}`, starting with the whole network.
    """
    without = np.mean(list(accuracies.values()), axis=0)[1:]
    return int(without.argmin()) + 1, without.min()


def plot_without_blocks(accuracies):
    """A line for each network, and a dashed one for its accuracy with all blocks."""
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    for number, (name, values) in enumerate(accuracies.items()):
        color = plots.CLASS_COLORS[number]
        blocks = np.arange(1, len(values))
        axis.plot(blocks, values[1:], "o-", color=color, label=name)
        axis.axhline(values[0], color=color, linestyle="--", linewidth=1)
    block, lowest = most_missed(accuracies)
    axis.set_title(f"Block {block} is missed most: without it, {lowest:.0%} are correct")
    axis.set(xlabel="block that is left out", xticks=blocks, ylim=(0, 1))
    axis.set(ylabel="test accuracy (dashed: with all blocks)")
    axis.legend(loc="lower right")
    return figure

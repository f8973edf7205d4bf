"""The picture of shufflenet: dependence between groups of channels."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from recipes.common import plots
from recipes.common.arrays import to_numpy

GROUPS = 3
TITLES = {"shuffled": "shuffled", "unshuffled": "not shuffled"}


def figures(models, test, histories):
    """How strongly each group at the end of stage 3 depends on each group at its start."""
    images, _ = to_numpy(test.take(1))
    figure, axes = plt.subplots(1, len(models), figsize=(8, 4), layout="constrained", squeeze=False)
    names = [f"group {number + 1}" for number in range(GROUPS)]
    foreign = []
    for axis, (name, model) in zip(axes[0], models.items(), strict=True):
        shares = dependence(model, images[:64], GROUPS)
        plots.heatmap(axis, shares, names, names, numbers="{:.0%}", vmax=1)
        axis.set(title=TITLES[name], xlabel="before", ylabel="after")
        foreign.append(f"{share_of_others(shares):.0%} {TITLES[name]}")
    figure.suptitle(f"Share of the gradient that comes from other groups: {', '.join(foreign)}")
    return {"groups": figure}


def share_of_others(shares):
    """Share of the gradient that comes from other groups, the mean over the groups.

    Args:
        shares: Array (after, before), as returned by `dependence`.
    """
    return 1 - np.mean(np.diag(shares))


def stage(model):
    """The network up to the first unit of the third stage, and the rest of that stage."""
    first_units = [layer for layer in model.layers if isinstance(layer, keras.layers.Concatenate)]
    start = first_units[1].output
    # The last sum before the next stage begins.
    ahead = model.layers[: model.layers.index(first_units[2])]
    end = [layer for layer in ahead if isinstance(layer, keras.layers.Add)][-1].output
    return keras.Model(model.input, start), keras.Model(start, end)


def dependence(model, images, groups):
    """Share of each group's gradient from each earlier group: array (after, before), rows sum to 1.

    Args:
        model: A ShuffleNet.
        images: Array (batch, height, width, 3).
        groups: Number of groups of channels.
    """
    front, units = stage(model)
    values = tf.constant(front(images, training=False))
    sizes = np.zeros((groups, groups))
    for after in range(groups):
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = tf.split(units(values, training=False), groups, axis=-1)
            total = tf.reduce_sum(outputs[after])
        slopes = tf.split(tf.abs(tape.gradient(total, values)), groups, axis=-1)
        sizes[after] = [tf.reduce_mean(slope).numpy() for slope in slopes]
    return sizes / sizes.sum(axis=1, keepdims=True)

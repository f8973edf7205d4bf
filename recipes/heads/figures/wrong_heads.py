"""The pictures of wrong_heads: curves of all heads, and the gradient of a saturated sigmoid."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.heads.wrong_heads import OTHERS, WRONG


def figures(models, test, histories):
    """Loss and accuracy under each head, and why squared error is slow at a saturated sigmoid."""
    return {"gallery": plot_gallery(histories), "saturation": plot_saturation(histories)}


def verdict(name):
    """The verdict on a head: a sentence after ✓ (right), – (allowed) or ✗ (wrong)."""
    if name in WRONG:
        return f"✗ {WRONG[name]}"
    if OTHERS[name].startswith("right"):
        return f"✓ {OTHERS[name]}"
    return f"– {OTHERS[name]}"


def sigmoid_gradients(z):
    """dL/dz of both losses behind a sigmoid, target 1: of cross-entropy, and of squared error."""
    p = 1 / (1 + np.exp(-z))
    return p - 1, 2 * (p - 1) * p * (1 - p)


def plot_gallery(histories):
    figure, axes = plt.subplots(4, 3, figsize=(10, 12), layout="constrained")
    # "saturated_bce" has its place in the other picture.
    names = [name for name in histories if name != "saturated_bce"]
    for axis, name in zip(axes.flat, names, strict=False):
        loss = histories[name]["loss"]
        epochs = np.arange(1, len(loss) + 1)
        axis.plot(epochs, loss, color="tab:blue")
        axis.set_ylim(1.05 * min(0, *loss) - 0.02, 1.05 * max(0.1, *loss))
        axis.tick_params(axis="y", labelcolor="tab:blue")
        accuracy_axis = axis.twinx()
        accuracy_axis.plot(epochs, histories[name]["val_accuracy"], color="tab:orange")
        accuracy_axis.set_ylim(0.4, 1.02)
        accuracy_axis.tick_params(axis="y", labelcolor="tab:orange")
        color = "darkred" if name in WRONG else "black"
        title = f"{name}\n{textwrap.fill(verdict(name), 36)}"
        axis.set_title(title, fontsize=10, color=color, loc="left")
    figure.suptitle(
        "Training loss (blue, left) and validation accuracy (orange, right) by epoch; "
        "✗: a wrong pairing"
    )
    return figure


def plot_saturation(histories):
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    z = np.linspace(-12, 12, 200)
    cross_entropy, squared_error = sigmoid_gradients(z)
    axes[0].plot(z, cross_entropy, color=plots.CLASS_COLORS[0], label="bce")
    axes[0].plot(z, squared_error, color=plots.CLASS_COLORS[1], label="mse")
    axes[0].set(title="Where sigmoid(z) is wrong and sure, mse has no gradient")
    axes[0].set(xlabel="z (target 1)", ylabel="dL/dz")
    axes[0].legend()
    saturated = {}
    for name in ("saturated_bce", "saturated_mse"):
        if name in histories:
            saturated[name] = histories[name]
    if saturated:
        plots.learning_curves(axes[1], saturated, "accuracy")
    axes[1].set(title="From a start at z = −10")
    return figure

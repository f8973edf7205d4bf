"""The pictures of mixed_precision: rounding errors, sums, gradients, accuracy and memory."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.hardware import mixed_precision as recipe

COLORS = dict(zip(recipe.FORMATS, plots.CLASS_COLORS, strict=False))
NAMES = {
    "float32": "float32",
    "bfloat16": "bfloat16",
    "bfloat16_weights": "bfloat16, and so the weights",
    "float16": "float16, loss scaling",
    "float16_unscaled": "float16, no loss scaling",
    "small_loss": "float16, small loss, loss scaling",
    "small_loss_unscaled": "float16, small loss, no loss scaling",
}


def figures(models, test, histories):
    """Rounding errors and sums of each format; gradients; accuracy and memory of the networks."""
    accuracies = {}
    sizes = {}
    for name, model in models.items():
        accuracies[name] = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        sizes[name] = recipe.memory(model, recipe.BATCH)
    found = {
        "rounding": plot_rounding(),
        "sums": plot_sums(),
        "accuracy": plot_accuracy(accuracies),
        "memory": plot_memory(sizes),
    }
    if "float32" in models:
        images, labels = to_numpy(test.unbatch().take(recipe.BATCH).batch(recipe.BATCH))
        gradients = recipe.activation_gradients(models["float32"], images, labels)
        found["gradients"] = plot_gradients(np.concatenate([part.ravel() for part in gradients]))
    return found


def plot_rounding():
    """The largest relative error of numbers of each size, in each format."""
    figure, axis = plt.subplots(layout="constrained")
    exponents = np.arange(-44, 44)
    # Numbers spread over each power of two.
    numbers = 2.0 ** exponents[:, None] * np.linspace(1, 2, 500, endpoint=False)
    for name, bits in recipe.FORMATS.items():
        errors = np.abs(recipe.rounded(numbers, *bits) / numbers - 1).max(axis=1)
        errors = np.minimum(errors, 1)  # infinite errors, too
        axis.loglog(2.0**exponents, errors, color=COLORS[name], label=name)
    float16 = recipe.limits(*recipe.FORMATS["float16"])
    axis.axvspan(float16["normal"], float16["largest"], color="0.92", zorder=0)
    axis.set_title("float16 is more precise than bfloat16, from 0.00006 to 65,504 only (gray)")
    axis.set(xlabel="number", ylabel="largest relative error of rounding", ylim=(1e-8, 2))
    axis.legend(loc="center left")
    return figure


def plot_sums():
    """A running sum of small numbers, rounded to each format after every addition."""
    figure, axis = plt.subplots(layout="constrained")
    ends = []
    for name, bits in recipe.FORMATS.items():
        sums = recipe.running_sums(*bits)
        axis.plot(np.arange(1, len(sums) + 1), sums, color=COLORS[name], label=name)
        ends.append(f"{sums[-1]:.3g} in {name}")
    axis.set_title(f"{recipe.ADDENDS:,} times {recipe.ADDEND:g} is\n{', '.join(ends)}")
    axis.set(xlabel="additions", ylabel="sum")
    axis.legend()
    return figure


def plot_gradients(gradients):
    """How large gradients are, beside what float16 can represent.

    Args:
        gradients: Array (count,), of the network in float32.
    """
    sizes = np.abs(gradients[gradients != 0])
    bins = 2.0 ** np.arange(-50, 1)
    shown = {
        "loss": 1,
        f"loss / {recipe.PIXELS:,}": 1 / recipe.PIXELS,
        f"… · {recipe.SCALE:,.0f}": recipe.SCALE / recipe.PIXELS,
    }
    figure, axis = plt.subplots(figsize=(6, 3.8), layout="constrained")
    for (label, factor), style in zip(shown.items(), ("-", "-", "--"), strict=True):
        counts, _ = np.histogram(factor * sizes, bins)
        lost = recipe.share_lost(gradients, factor)
        color = plots.CLASS_COLORS[1] if factor == 1 / recipe.PIXELS else plots.CLASS_COLORS[0]
        line = axis.stairs(100 * counts / sizes.size, bins, color=color, linewidth=2)
        line.set(label=f"{label}: {lost:.0%} are lost", linestyle=style)
    float16 = recipe.limits(*recipe.FORMATS["float16"])
    axis.axvspan(bins[0], float16["smallest"] / 2, color="0.86", zorder=0)
    axis.axvspan(float16["smallest"] / 2, float16["normal"], color="0.95", zorder=0)
    axis.text(2 * bins[0], 5, "become 0\nin float16")
    axis.text(1.2 * float16["smallest"], 14.6, "lose bits")
    axis.set(xscale="log", xlim=(bins[0], bins[-1]), xlabel="size of a gradient")
    axis.set(ylim=(0, 16), ylabel="gradients, %")
    lost = recipe.share_lost(gradients, 1 / recipe.PIXELS)
    axis.set_title(f"With a small loss, {lost:.0%} of the gradients are 0 in float16")
    axis.legend(loc="upper left")
    return figure


def plot_accuracy(accuracies):
    """A bar for the test accuracy of each network."""
    names = list(accuracies)[::-1]
    figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
    for row, name in enumerate(names):
        color = "0.6" if name == "float32" else plots.CLASS_COLORS[0]
        axis.barh(row, 100 * accuracies[name], color=color)
        axis.text(100 * accuracies[name] + 1, row, f"{accuracies[name]:.1%}", va="center")
    axis.set_yticks(range(len(names)), [NAMES[name] for name in names])
    axis.set(xlim=(0, 110), xticks=range(0, 101, 20), xlabel="test accuracy, %")
    axis.set_title("A small loss needs loss scaling in float16")
    return figure


def plot_memory(sizes):
    """Bytes of weights, optimizer and activations in three ways, `{variant: sizes}`."""
    ways = {
        "bfloat16_weights": "16 bits, weights too",
        "bfloat16": "16 bits, weights in 32",
        "float32": "32 bits",
    }
    names = [name for name in ways if name in sizes]
    figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
    left = np.zeros(len(names))
    for what, color in zip(
        ("weights", "optimizer", "activations"), plots.CLASS_COLORS, strict=False
    ):
        kilobytes = np.array([sizes[name][what] for name in names]) / 1000
        axis.barh(range(len(names)), kilobytes, left=left, color=color, label=what)
        left += kilobytes
    for row, total in enumerate(left):
        axis.text(total, row, f" {total:,.0f} kB", va="center")
    axis.set_yticks(range(len(names)), [ways[name] for name in names])
    axis.set(xlim=(0, 1.2 * left.max(initial=1)), xlabel="kB")
    axis.set_title(f"16 bits halve the activations, here of {recipe.BATCH} images")
    figure.legend(loc="outside lower center", ncols=3)
    return figure

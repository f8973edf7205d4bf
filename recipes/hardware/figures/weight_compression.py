"""The pictures of weight_compression: what each stage saves, and what it costs in accuracy."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.hardware import weight_compression


def figures(models, test, histories):
    """Size by stage, accuracy by sparsity and by shared values, and the pixels that are used."""
    by_sparsity = {}
    by_values = {}
    for name, model in models.items():
        by_sparsity[name] = weight_compression.accuracy_by_sparsity(model, test)
        by_values[name] = weight_compression.accuracy_by_values(model, test)
    last = list(models.values())[-1]
    first_layer = weight_compression.pruned_layers(last)[0]
    return {
        "stages": plot_stages(weight_compression.stage_bytes(last)),
        "sparsity": plot_sparsity(by_sparsity),
        "shared_values": plot_values(by_values),
        "pixels": plot_pixels(first_layer.weights_left()),
    }


def plot_stages(sizes):
    """The size after each stage, and how many times smaller that is."""
    names = list(sizes)[::-1]
    kilobytes = np.array([sizes[name] for name in names]) / 1000
    figure, axis = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    colors = ["C7" if name == "float32" else "C0" for name in names]
    axis.barh(names, kilobytes, color=colors)
    for row, size in enumerate(kilobytes):
        factor = kilobytes[-1] / size
        text = f"{size:.0f} kB" if factor == 1 else f"{size:.0f} kB, {factor:.1f} times smaller"
        axis.text(size + 0.01 * kilobytes.max(), row, text, va="center")
    axis.set(
        title=f"All stages together make it {kilobytes[-1] / kilobytes[0]:.0f} times smaller",
        xlabel="kB",
        xlim=(0, 1.15 * kilobytes.max()),
    )
    return figure


def zeros_at_little_cost(accuracies, points=1):
    """The largest of `SPARSITIES` up to which accuracy stays within some percentage points."""
    best = weight_compression.SPARSITIES[0]
    for sparsity, accuracy in zip(weight_compression.SPARSITIES, accuracies, strict=True):
        if 100 * (accuracies[0] - accuracy) > points:
            break
        best = sparsity
    return best


def plot_sparsity(curves):
    """Accuracy after setting the smallest weights to 0, without further training."""
    figure, axis = plt.subplots(layout="constrained")
    for name, accuracies in curves.items():
        zeros = 100 * np.array(weight_compression.SPARSITIES)
        axis.plot(zeros, 100 * np.array(accuracies), "o-", label=f"trained {name}")
    found = [f"{name} {zeros_at_little_cost(curve):.0%}" for name, curve in curves.items()]
    axis.set(title=f"Zeros that cost at most a point of accuracy: {', '.join(found)}")
    axis.set(
        xlabel="smallest weights of each layer set to 0, %",
        ylabel="test accuracy, %",
        ylim=(0, 100),
    )
    axis.legend(loc="lower left")
    return figure


def fewest_values(accuracies, points=1):
    """The least of `COUNTS` with an accuracy within some percentage points of the best one."""
    for count, accuracy in zip(weight_compression.COUNTS, accuracies, strict=True):
        if 100 * (max(accuracies) - accuracy) <= points:
            return count
    raise AssertionError("the best one is within")


def plot_values(curves):
    """Accuracy by number of shared values in each layer."""
    figure, axis = plt.subplots(layout="constrained")
    for name, accuracies in curves.items():
        axis.plot(weight_compression.COUNTS, 100 * np.array(accuracies), "o-", label=name)
    found = [f"{name} {fewest_values(curve)}" for name, curve in curves.items()]
    axis.set(title=f"Shared values that cost at most a point of accuracy: {', '.join(found)}")
    axis.set_xscale("log", base=2)
    axis.set_xticks(weight_compression.COUNTS, weight_compression.COUNTS)
    axis.set(xlabel="different weights in a layer", ylabel="test accuracy, %", ylim=(0, 100))
    axis.legend(loc="lower right")
    return figure


def plot_pixels(kernel):
    """How many weights of the first layer are left at each pixel of the image."""
    left = np.count_nonzero(kernel, axis=1).reshape(28, 28)
    figure, axis = plt.subplots(figsize=(5.2, 4.2), layout="constrained")
    image = axis.imshow(left, cmap="viridis")
    figure.colorbar(image, label="weights that are not 0")
    axis.set(title=f"{np.mean(left == 0):.0%} of the pixels are used by no unit at all")
    axis.set(xticks=[], yticks=[])
    return figure

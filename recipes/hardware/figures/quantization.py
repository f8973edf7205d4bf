"""The pictures of quantization: accuracy and size of three methods, and accuracy by bits."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.hardware import quantization


def figures(models, test, histories):
    """Three 8-bit methods, the accuracy with 2 to 8 bits, and a layer's quantized weights."""
    model = models["float32"] if "float32" in models else next(iter(models.values()))
    train, _, _ = quantization.load_data()
    return {
        "methods": plot_methods(quantization.compare_methods(model, train, test)),
        "bits": plot_bits(quantization.accuracy_by_bits(model, test)),
        "filters": plot_filters(model),
    }


def most_lost(compared):
    """The largest loss of accuracy relative to the float network, in percentage points."""
    accuracies = [accuracy for accuracy, _ in compared.values()]
    return 100 * (compared["float32"][0] - min(accuracies))


def plot_methods(compared):
    """Accuracy and size of each method, beside the float network."""
    names = list(compared)[::-1]
    accuracies = np.array([compared[name][0] for name in names])
    sizes = np.array([compared[name][1] for name in names])
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True, layout="constrained")
    colors = ["C7" if name == "float32" else "C0" for name in names]
    left.barh(names, 100 * accuracies, color=colors)
    for row, accuracy in enumerate(accuracies):
        left.text(
            100 * accuracy - 1, row, f"{accuracy:.2%}", color="white", ha="right", va="center"
        )
    left.set(
        title=f"At most {most_lost(compared):.2f} points of accuracy are lost",
        xlabel="test accuracy, %",
    )
    right.barh(names, sizes / 1000, color=colors)
    for row, size in enumerate(sizes):
        share = size / compared["float32"][1]
        right.text(size / 1000 + 10, row, f"{size / 1000:.0f} kB, {share:.0%}", va="center")
    right.set(
        title="The size falls to about a quarter", xlabel="kB", xlim=(0, 1.25 * sizes.max() / 1000)
    )
    return figure


def plot_bits(curves):
    """Accuracy by number of bits, with one scale for each tensor and for each channel."""
    figure, axis = plt.subplots(layout="constrained")
    for name, accuracies in curves.items():
        axis.plot(quantization.BITS, 100 * np.array(accuracies), "o-", label=name)
    axis.set(title="With a scale for each channel, weights need fewer bits")
    axis.set(xlabel="bits of a weight", ylabel="test accuracy, %", ylim=(0, 100))
    axis.legend(loc="lower right")
    return figure


def plot_filters(model):
    """The weights of the second convolution, unquantized and in 8, 4 and 3 bits."""
    kernel = model.get_weights()[2]  # (3, 3, inputs, filters)
    figure, axes = plt.subplots(1, 4, figsize=(11, 3), sharey=True, layout="constrained")
    for axis, bits in zip(axes, (None, 8, 4, 3), strict=True):
        values = kernel if bits is None else quantization.rounded(kernel, bits)
        axis.hist(values.ravel(), bins=np.linspace(-1, 1, 101) * np.abs(kernel).max())
        different = len(np.unique(values))
        axis.set(title="32 bits" if bits is None else f"{bits} bits: {different} values")
        axis.set(xlabel="weight")
    axes[0].set_ylabel("weights")
    figure.suptitle("The weights of the second convolution lie near 0, where few values are left")
    return figure

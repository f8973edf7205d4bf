"""The pictures of mobilenet: multiplications and time by kind of convolution, and 3×3 filters."""

import time

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots

KINDS = ("full 3 × 3", "depthwise 3 × 3", "pointwise 1 × 1")


def figures(models, test, histories):
    """Shares of multiplications and of time for each kind of convolution, and depthwise filters."""
    model = models["wide"]
    work = shares(model, multiplications)
    spent = shares(model, milliseconds)
    return {
        "work_and_time": plot_shares(work, spent),
        "depthwise_filters": plot_filters(model),
    }


def convolutions(model):
    """The convolutions of a network except the classifier, each with its kind."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            found.append((KINDS[1], layer))
        elif isinstance(layer, keras.layers.Conv2D):
            found.append((KINDS[2] if layer.kernel_size == (1, 1) else KINDS[0], layer))
    return found[:-1]  # the last one is the classifier


def multiplications(layer):
    """Number of multiplications: each weight is used once at each output position."""
    _, height, width, _ = layer.output.shape
    return height * width * layer.kernel.shape.num_elements()


def milliseconds(layer, repeats=3):
    """CPU time of a convolution for 100 images, the fastest of several calls."""
    x = np.ones((100, *layer.input.shape[1:]), "float32")
    layer(x)  # the first call may be slower
    durations = []
    for _ in range(repeats):
        start = time.process_time()
        layer(x)
        durations.append(time.process_time() - start)
    return 1000 * min(durations)


def shares(model, measure):
    """`{kind of convolution: its share of the total}` of `measure(layer)`."""
    sums = dict.fromkeys(KINDS, 0)
    for kind, layer in convolutions(model):
        sums[kind] += measure(layer)
    total = sum(sums.values())
    return {kind: value / total for kind, value in sums.items()}


def plot_shares(work, spent):
    """Two bars divided into the three kinds; the title compares the depthwise shares."""
    figure, axis = plt.subplots(figsize=(8, 3), layout="constrained")
    left = np.zeros(2)
    for color, kind in zip(plots.CLASS_COLORS, KINDS, strict=False):
        lengths = np.array([work[kind], spent[kind]])
        bars = axis.barh(["multiplications", "time on this CPU"], lengths, left=left, color=color)
        bars.set_label(kind)
        left += lengths
    axis.invert_yaxis()
    axis.xaxis.set_major_formatter("{x:.0%}")
    axis.set(xlim=(0, 1))
    axis.set_title(
        f"Depthwise convolutions: {work[KINDS[1]]:.0%} of the multiplications, "
        f"{spent[KINDS[1]]:.0%} of the time"
    )
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def plot_filters(model, count=16):
    """The 3 × 3 filters of four blocks: white adds, black subtracts, gray does nothing."""
    layers = [layer for kind, layer in convolutions(model) if kind == KINDS[1]]
    blocks = [0, 2, 4, len(layers) - 1]
    figure, axes = plt.subplots(4, 1, figsize=(8, 4), layout="constrained")
    for axis, block in zip(axes, blocks, strict=True):
        kernel = np.asarray(layers[block].kernel)[..., 0]  # (3, 3, channels)
        filters = kernel.transpose(2, 0, 1)[:count]
        largest = np.abs(filters).max(axis=(1, 2), keepdims=True)
        filters = filters / np.maximum(largest, 1e-12)
        plots.show_images(axis, filters, columns=count, vmin=-1, vmax=1)
        axis.set_ylabel(f"block {block + 1}", rotation=0, ha="right", va="center")
    figure.suptitle("One 3 × 3 filter for each channel: white adds, black subtracts")
    return figure

"""The picture of inception_v2: spread of its activations before batch normalization."""

import keras
import matplotlib.pyplot as plt
import numpy as np


def figures(model, test, history):
    """The spread of each convolution's outputs before normalization, from input to output."""
    return {"spread_by_layer": plot_spreads(spreads(model))}


def spreads(model):
    """Standard deviations of the channels, from the moving statistics of batch normalization.

    Returns:
        A list with one array (channels,) for each normalization, in the network's order.
    """
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            found.append(np.sqrt(np.asarray(layer.moving_variance)))
    return found


def plot_spreads(deviations):
    """For each layer the median of its channels, and the range of the middle 90 %."""
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    layers = np.arange(1, len(deviations) + 1)
    lowest, median, highest = (
        np.array([np.quantile(channels, share) for channels in deviations])
        for share in (0.05, 0.5, 0.95)
    )
    axis.vlines(layers, lowest, highest, color="tab:blue", alpha=0.4, label="90 % of the channels")
    axis.plot(layers, median, ".", color="tab:blue", label="median")
    axis.axhline(1, color="0.5", linewidth=1, label="after normalization (before its scale)")
    axis.set(
        title="What batch normalization evens out: medians of the layers differ by a factor of "
        f"{factor(deviations):.0f}",
        xlabel="convolution, from the input on",
        ylabel="standard deviation of its outputs",
        yscale="log",
    )
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3)
    return figure


def factor(deviations):
    """The largest median of any layer, divided by the smallest."""
    medians = [np.median(channels) for channels in deviations]
    return max(medians) / min(medians)

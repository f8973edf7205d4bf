"""The pictures of feature_maps: filters, maps of one image, and their statistics by depth."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots


def figures(model, test, history):
    """Filters of the first layer, feature maps of one image, and their statistics by depth."""
    images, _ = next(test.as_numpy_iterator())
    maps = feature_maps(model, images)
    kernels = model.get_layer("layer_1").get_weights()[0][:, :, 0]  # (7, 7, filters)
    return {
        "filters": plot_filters(kernels),
        "feature_maps": plot_maps(images[0], [layer[0] for layer in maps]),
        "depth": plot_depth(maps),
    }


def feature_maps(model, images):
    """The outputs of the three convolutions: arrays (images, height, width, channels)."""
    outputs = [model.get_layer(f"layer_{number}").output for number in (1, 2, 3)]
    maps = keras.Model(model.inputs, outputs)([images], training=False)
    return [np.asarray(layer) for layer in maps]


def channel_correlation(maps):
    """Mean absolute correlation over all pairs of channels that are not constant."""
    channels = maps.reshape(-1, maps.shape[-1]).T  # (channels, images × height × width)
    channels = channels[channels.std(axis=1) > 0]
    correlations = np.abs(np.corrcoef(channels))
    return correlations[np.triu_indices(len(channels), k=1)].mean()


def orientation(kernels):
    """Orientation selectivity of kernels (height, width, n), from their power spectra: (n,).

    It is 0 without a preferred direction and 1 for a pure grating. The power at each frequency is a
    vector at twice the angle of the frequency, since opposite frequencies have the same direction;
    the vectors are averaged.
    """
    kernels = kernels - kernels.mean(axis=(0, 1))
    power = np.abs(np.fft.fft2(kernels, s=(32, 32), axes=(0, 1))) ** 2  # (32, 32, n)
    rows, columns = np.meshgrid(np.fft.fftfreq(32), np.fft.fftfreq(32), indexing="ij")
    directions = np.exp(2j * np.arctan2(rows, columns))[:, :, None]
    return np.abs((power * directions).sum(axis=(0, 1))) / power.sum(axis=(0, 1))


def most_active(maps, count):
    """Indices of the channels of maps (height, width, channels) with the largest means."""
    return np.argsort(-maps.mean(axis=(0, 1)))[:count]


def plot_filters(kernels):
    """The filters of the first layer, the most oriented first."""
    orientations = orientation(kernels)
    columns = 8
    rows = -(-len(orientations) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(8, 1.3 * rows), layout="constrained", squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, number in zip(axes.flat, np.argsort(-orientations), strict=False):
        kernel = kernels[:, :, number]
        limit = np.abs(kernel).max()
        axis.imshow(kernel, cmap="PuOr_r", vmin=-limit, vmax=limit)
        axis.set_title(f"{orientations[number]:.2f}", fontsize="small")
    random = np.random.default_rng(0).normal(size=(7, 7, 1000))
    figure.suptitle(
        f"Orientation of the first layer's filters, {orientations.mean():.2f} in the mean; "
        f"of random ones, {orientation(random).mean():.2f}"
    )
    return figure


def plot_maps(image, layers):
    """An image, and its eight most active maps in each layer."""
    figure, axes = plt.subplots(
        len(layers), 2, figsize=(9, 3.8), width_ratios=(1, 8.4), layout="constrained"
    )
    for axis in axes[1:, 0]:
        axis.axis("off")
    plots.show_images(axes[0, 0], image[None])
    axes[0, 0].set_title("input", fontsize="small")
    for axis, maps in zip(axes[:, 1], layers, strict=True):
        height, width, channels = maps.shape
        shown = np.moveaxis(maps[:, :, most_active(maps, 8)], -1, 0)
        plots.show_images(axis, shown, columns=8, cmap="magma", vmin=0, vmax=maps.max())
        axis.set_title(f"{channels} maps of {height} × {width}", fontsize="small", loc="left")
    figure.suptitle("From edges and surfaces to parts: the eight most active maps of each layer")
    return figure


def plot_depth(layers):
    """Sparsity of the maps and correlation of the channels in each layer."""
    active = [(maps > 0).mean() for maps in layers]
    correlations = [channel_correlation(maps) for maps in layers]
    names = []
    for number, maps in enumerate(layers, start=1):
        _, height, width, channels = maps.shape
        names.append(f"layer {number}\n{height} × {width} × {channels}")
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained", sharey=True)
    axes[0].bar_label(axes[0].bar(names, active), fmt="%.2f")
    axes[0].set(title="share of units that are active", ylim=(0, 1))
    axes[1].bar_label(axes[1].bar(names, correlations), fmt="%.2f")
    axes[1].set(title="mean correlation of two channels")
    sparser = "smaller and sparser" if active[-1] < active[0] else "smaller, but not sparser"
    figure.suptitle(f"Maps of the deepest layer are {sparser} than those of the first")
    return figure

"""1×1 convolutions: a dense layer at every pixel, which reduces the number of channels.

Slides: 001 «Convoluciones 1x1».
Paper:  Lin, Chen & Yan (2014), Network in network, https://arxiv.org/abs/1312.4400
Departs from the slide: its channels come from a deep network. Here they are the 147 numbers of each
7 × 7 patch of a color photograph, so that the information lost in a reduction is visible.

A 1×1 convolution multiplies the channels of each pixel by one matrix and sees no neighbors. Two of
them, 147 → k → 147, whose weights are the first k principal components of the channels, reproduce
their input with the least possible loss: channels are correlated, and few components hold nearly
all of the variance. This is why a bottleneck before an expensive 3×3 or 5×5 convolution can afford
to reduce channels.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from recipes.common import plots

SIZE = 7  # pixels of each side of a patch
CHANNELS = 3 * SIZE**2
KEPT = (1, 3, 9, 27)  # numbers of channels after the reduction, in the pictures
GRAY = np.array([[0.299], [0.587], [0.114]], "float32")  # brightness of red, green and blue
SEPIA = np.array([[0.393, 0.349, 0.272], [0.769, 0.686, 0.534], [0.189, 0.168, 0.131]], "float32")
LAYERS = {  # (filter size, input channels, filters) of the layers with and without a bottleneck
    "3 × 3, 256 → 256": {
        "direct": [(3, 256, 256)],
        "bottleneck": [(1, 256, 64), (3, 64, 256)],
    },
    "ResNet's block": {
        "direct": [(3, 256, 256), (3, 256, 256)],
        "bottleneck": [(1, 256, 64), (3, 64, 64), (1, 64, 256)],
    },
    "Inception's 5 × 5": {
        "direct": [(5, 192, 32)],
        "bottleneck": [(1, 192, 16), (5, 16, 32)],
    },
}


def photograph(name):
    """One of scikit-learn's two photographs, "china" or "flower": (427, 640, 3), from 0 to 1."""
    return (load_sample_image(f"{name}.jpg") / 255).astype("float32")


def conv_1x1(maps, matrix):
    """A 1×1 convolution by Keras: maps (H, W, Cin) and a matrix (Cin, Cout) to (H, W, Cout)."""
    kernels = matrix[None, None]  # (1, 1, Cin, Cout)
    return keras.ops.convert_to_numpy(keras.ops.conv(maps[None], kernels))[0]


def run(model, maps):
    """The output of a model or a layer for one set of maps: (H, W, Cin) to (H, W, Cout)."""
    return keras.ops.convert_to_numpy(model(maps[None], training=False))[0]


def shuffle_pixels(maps, order):
    """Maps (H, W, C) with their pixels permuted by `order` (H · W,)."""
    height, width, channels = maps.shape
    return maps.reshape(-1, channels)[order].reshape(height, width, channels)


def sees_neighbors(layer, maps):
    """Whether a layer's output at a pixel of maps (H, W, C) depends on more than that pixel.

    If not, it makes no difference whether the pixels are shuffled before or after the layer.
    """
    order = np.random.default_rng(0).permutation(maps.shape[0] * maps.shape[1])
    before = run(layer, shuffle_pixels(maps, order))
    after = shuffle_pixels(run(layer, maps), order)
    return not np.allclose(before, after, atol=1e-4)


def patch_channels(image):
    """The patch around each pixel as channels: (H, W, 3) to (H − 6, W − 6, 147)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (SIZE, SIZE), axis=(0, 1))
    patches = windows.transpose(0, 1, 3, 4, 2)  # (H', W', 7, 7, 3)
    return patches.reshape(*patches.shape[:2], CHANNELS)


def build_bottleneck(maps, kept):
    """Two 1×1 convolutions, C channels to `kept` and back to C, with the least possible loss.

    The weights are principal components of the channels of maps (H, W, C).
    """
    channels = maps.shape[-1]
    pixels = maps.reshape(-1, channels)
    mean = pixels.mean(axis=0)
    _, components = np.linalg.eigh(np.cov(pixels.T))  # (C, C), the largest variance last
    matrix = components[:, ::-1][:, :kept].astype("float32")  # (C, kept)

    reduce = keras.layers.Conv2D(kept, 1)
    restore = keras.layers.Conv2D(channels, 1)
    model = keras.Sequential([keras.Input((None, None, channels)), reduce, restore])
    reduce.set_weights([matrix[None, None], -mean @ matrix])
    restore.set_weights([matrix.T[None, None], mean])
    return model


def lost_variance(maps, reproduced):
    """The share of the variance of maps (H, W, C), over the pixels, that is not reproduced."""
    deviations = maps - maps.mean(axis=(0, 1))
    return np.square(maps - reproduced).sum() / np.square(deviations).sum()


def weights_of(layers):
    """The number of weights of a chain of convolutions, without biases.

    Args:
        layers: (filter size, input channels, filters) of each layer.
    """
    total = 0
    for size, channels, filters in layers:
        total += size * size * channels * filters
    return total


def center_pixels(channels):
    """The center pixels of patches, a photograph: (H', W', 147) to (H', W', 3)."""
    patches = channels.reshape(*channels.shape[:2], SIZE, SIZE, 3)
    return patches[:, :, SIZE // 2, SIZE // 2]


def plot_colors():
    """Two 1×1 convolutions on a photograph, and on its shuffled pixels."""
    image = photograph("flower")[:420:2, ::2]
    order = np.random.default_rng(0).permutation(image.shape[0] * image.shape[1])
    figure, axes = plt.subplots(2, 3, figsize=(10, 5.2), layout="constrained")
    titles = ["Photograph, 3 channels", "3 → 1 channel: gray", "3 → 3 channels: sepia"]
    for column, (title, matrix) in enumerate(zip(titles, (np.eye(3), GRAY, SEPIA), strict=True)):
        for row, pixels in enumerate((image, shuffle_pixels(image, order))):
            result = conv_1x1(pixels, matrix.astype("float32")).clip(0, 1)
            plots.show_images(axes[row, column], result[None], title=title, vmin=0, vmax=1)
            title = None  # the second row repeats the first, with its pixels shuffled
    axes[1, 0].set_ylabel("pixels shuffled")
    figure.suptitle("A 1×1 convolution treats each pixel for itself: their order does not matter")
    return figure


def plot_reduction(image):
    """A photograph (H, W, 3) reconstructed from few channels of the same height and width."""
    maps = patch_channels(image)
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.2), layout="constrained")
    for axis, kept in zip(axes.flat, KEPT, strict=True):
        bottleneck = build_bottleneck(maps[::6, ::6], kept)  # of every sixth row and column
        rebuilt = run(bottleneck, maps)
        title = f"{CHANNELS} → {kept} → {CHANNELS}: {lost_variance(maps, rebuilt):.1%} lost"
        plots.show_images(axis, center_pixels(rebuilt).clip(0, 1)[None], title=title)
    figure.suptitle("A few channels hold what most of the 147 have in common")
    return figure


def plot_channels(image, kept=9):
    """Plot the weights of each reduced channel as a patch, and its map."""
    maps = patch_channels(image)
    reduce = build_bottleneck(maps[::6, ::6], kept).layers[0]
    weights = reduce.get_weights()[0]  # (1, 1, 147, kept)
    filters = weights[0, 0].T.reshape(kept, SIZE, SIZE, 3)
    reduced = run(reduce, maps)  # (H', W', kept)
    figure, axes = plt.subplots(2, kept, figsize=(1.45 * kept, 3), layout="constrained")
    for index in range(kept):
        patch = 0.5 + 0.5 * filters[index] / np.abs(filters[index]).max()  # gray is 0
        plots.show_images(axes[0, index], patch[None])
        plots.show_images(axes[1, index], reduced[None, ::2, ::2, index])
    figure.suptitle(
        f"The {kept} channels that are kept: the {CHANNELS} weights of each as a patch, and its map"
    )
    return figure


def plot_variance(lost):
    """The share of variance lost, against the number of channels kept.

    Args:
        lost: Shares by the number of channels kept, fewest first.
    """
    kept = np.array(list(lost))
    shares = np.array(list(lost.values()))
    enough = kept[shares < 0.05].min()
    figure, axis = plt.subplots(layout="constrained")
    axis.plot(kept, 100 * shares, ".-")
    axis.axhline(5, color="0.6", linestyle=":")
    axis.set(title=f"{enough} of {CHANNELS} channels hold 95 % of the variance")
    axis.set(xlabel="channels kept", ylabel="variance lost (%)", xscale="log", yscale="log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_major_formatter("{x:g}")
    return figure


def plot_weights():
    """The weights of three layers, with and without a 1×1 bottleneck."""
    figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
    counts = {}
    for name in ("direct", "bottleneck"):
        counts[name] = [weights_of(kinds[name]) for kinds in LAYERS.values()]
    plots.class_bars(axis, counts, list(LAYERS), horizontal=True)
    for bars in axis.containers:
        axis.bar_label(bars, fmt="{:,.0f}", padding=3)
    axis.set(title="Fewer channels in, fewer weights in the large filters", xlabel="weights")
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.margins(x=0.15)
    return figure


def main():
    # A 1×1 convolution equals a dense layer, which Keras applies to the last axis.
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(12, 15, 8)).astype("float32")
    matrix = rng.normal(size=(8, 3)).astype("float32")
    dense = keras.layers.Dense(3, use_bias=False)
    dense.build((None, 8))
    dense.set_weights([matrix])
    difference = np.abs(run(dense, maps) - conv_1x1(maps, matrix)).max()
    print(f"Largest difference from a dense layer at every pixel: {difference:.0e}")
    for size in (1, 3):
        layer = keras.layers.Conv2D(3, size, padding="same")
        print(f"A filter of {size} × {size} sees neighbors: {sees_neighbors(layer, maps)}")

    for name, kinds in LAYERS.items():
        direct = weights_of(kinds["direct"])
        bottleneck = weights_of(kinds["bottleneck"])
        print(f"{name}: {direct:,} weights, with a bottleneck {bottleneck:,}")

    # Reduce the channels of a photograph.
    image = photograph("china")[20:390, 40:480]  # the pagoda
    maps = patch_channels(image)[::6, ::6]
    lost = {}
    for kept in (*range(1, 14), 19, 27, 40, 60, 90):
        lost[kept] = lost_variance(maps, run(build_bottleneck(maps, kept), maps))
    for kept in KEPT:
        print(f"{CHANNELS} channels reduced to {kept}: {lost[kept]:.2%} of the variance is lost")

    plot_colors().savefig("colors.png")
    plot_reduction(image).savefig("reduction.png")
    plot_channels(image).savefig("channels.png")
    plot_variance(lost).savefig("variance.png")
    plot_weights().savefig("weights.png")


if __name__ == "__main__":
    main()

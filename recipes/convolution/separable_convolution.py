"""Depthwise separable convolution: a depthwise and a 1×1 convolution, and what they save.

Slides: 003 «Xception, MobileNet, ShuffleNet».
Paper:  Chollet (2017), Xception, https://arxiv.org/abs/1610.02357;
        Howard et al. (2017), MobileNets, https://arxiv.org/abs/1704.04861;
        Freeman & Adelson (1991), The design and use of steerable filters,
        https://doi.org/10.1109/34.93808
Departs from the papers: no network is trained. One layer is examined, with weights that show what
it can represent and what it cannot.

A Conv2D has an F × F filter for each pair of an input and an output channel. A SeparableConv2D has
one for each input channel (depthwise), and mixes their maps pixel by pixel (pointwise). It has
1/Cout + 1/F² of the weights: 0.1189 for 64 → 128 channels and 3 × 3. It equals a Conv2D whose
filters are products of both, so all filters of an input channel are linear combinations of its
`depth_multiplier` basis filters. Some filter banks have this form: linear combinations of two
derivatives of a Gaussian are edge filters of every orientation. Others need more basis filters;
with F² of them nothing is lost, and nothing is saved.
"""

import time

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from recipes.common import plots

CHANNELS = 64  # Cin, of the layers whose costs are compared
FILTERS = 128  # Cout
SIZE = 3  # F, side of the filters
ANGLES = np.arange(0, 180, 22.5)  # of the steerable filters, in degrees


def photograph():
    """A gray photograph of a pagoda, (H, W) from 0 to 1."""
    colors = load_sample_image("china.jpg")[:300, 80:460] / 255
    return colors.mean(axis=2).astype("float32")


def build_layers():
    """The four kinds of layers, built for 64 channels, without biases."""
    layers = {
        "Conv2D": keras.layers.Conv2D(FILTERS, SIZE, padding="same", use_bias=False),
        "depthwise": keras.layers.DepthwiseConv2D(SIZE, padding="same", use_bias=False),
        "pointwise": keras.layers.Conv2D(FILTERS, 1, use_bias=False),
        "SeparableConv2D": keras.layers.SeparableConv2D(
            FILTERS, SIZE, padding="same", use_bias=False
        ),
    }
    for layer in layers.values():
        layer.build((None, None, None, CHANNELS))
    return layers


def multiplications(layer, side):
    """Multiplications of a layer for an image of side × side: each weight once at each position."""
    return layer.count_params() * side**2


def milliseconds(layers, side=56, rounds=20):
    """Median CPU time of each layer for four images of side × side, the layers taking turns."""
    images = np.random.default_rng(0).normal(size=(4, side, side, CHANNELS)).astype("float32")
    models = {}
    spent = {}
    for name, layer in layers.items():
        models[name] = keras.Sequential([keras.Input((side, side, CHANNELS)), layer])
        spent[name] = []
    for _ in range(rounds + 1):
        for name, model in models.items():
            start = time.process_time()
            model.predict_on_batch(images)
            spent[name].append(time.process_time() - start)
    # The first round is a warm-up.
    return {name: 1000 * float(np.median(times[1:])) for name, times in spent.items()}


def product_kernel(depthwise, pointwise):
    """The Conv2D kernel (F, F, Cin, Cout) equivalent to both.

    Args:
        depthwise: Array (F, F, Cin, M), M filters for each input channel.
        pointwise: Array (1, 1, Cin · M, Cout).
    """
    _, _, channels, multiplier = depthwise.shape
    mix = pointwise.reshape(channels, multiplier, -1)  # (Cin, M, Cout)
    return np.einsum("hwcm,cmo->hwco", depthwise, mix)


def separate(kernel, multiplier):
    """The depthwise and pointwise kernels that best approximate a Conv2D kernel (F, F, Cin, Cout).

    The filters of each input channel form a matrix (F², Cout); the first `multiplier` left singular
    vectors of its singular value decomposition are the best basis.

    Returns:
        Arrays (F, F, Cin, M) and (1, 1, Cin · M, Cout).
    """
    size, _, channels, filters = kernel.shape
    matrices = kernel.transpose(2, 0, 1, 3).reshape(channels, size**2, filters)
    left, values, right = np.linalg.svd(matrices, full_matrices=False)
    basis = left[:, :, :multiplier]  # (Cin, F², M)
    mix = values[:, :multiplier, None] * right[:, :multiplier]  # (Cin, M, Cout)
    depthwise = basis.reshape(channels, size, size, multiplier).transpose(1, 2, 0, 3)
    return depthwise, mix.reshape(1, 1, channels * multiplier, filters)


def error(kernel, multiplier):
    """The relative squared error of the best separable approximation of a kernel, from 0 to 1."""
    nearest = product_kernel(*separate(kernel, multiplier))
    return np.square(kernel - nearest).sum() / np.square(kernel).sum()


def derivatives(size=9, sigma=1.5):
    """The derivatives of a Gaussian along x and y: array (size, size, 2)."""
    y, x = np.mgrid[:size, :size] - size // 2
    gaussian = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    both = np.stack([x * gaussian, y * gaussian], axis=-1)
    return both / np.abs(both).sum(axis=(0, 1))


def steerable_layer():
    """A SeparableConv2D with hand-set weights: gray (H, W, 1) to edges of 8 orientations.

    Its two depthwise filters are the derivatives along x and y, its pointwise weights the cosines
    and sines of the `ANGLES` in whose direction the brightness increases.
    """
    depthwise = derivatives()[:, :, None, :]  # (9, 9, 1, 2)
    radians = np.deg2rad(ANGLES)
    pointwise = np.stack([np.cos(radians), np.sin(radians)])[None, None]  # (1, 1, 2, 8)
    layer = keras.layers.SeparableConv2D(len(ANGLES), 9, depth_multiplier=2, use_bias=False)
    layer.build((None, None, None, 1))
    layer.set_weights([depthwise, pointwise])
    return layer


def banks():
    """Kernels of 16 filters for one channel, 9 × 9; some separate well, some do not."""
    angles = np.deg2rad(np.arange(16) * 11.25)
    mix = np.stack([np.cos(angles), np.sin(angles)])  # (2, 16)
    y, x = np.mgrid[:9, :9] - 4
    gaussian = np.exp(-(x**2 + y**2) / 8)
    distance = x[:, :, None] * np.sin(angles) + y[:, :, None] * np.cos(angles)  # (9, 9, 16)
    gabor = gaussian[:, :, None] * np.cos(2 * np.pi * distance / 4)
    noise = np.random.default_rng(0).normal(size=(9, 9, 16))
    return {
        "derivatives of a Gaussian": (derivatives() @ mix)[:, :, None],
        "Gabor filters": gabor[:, :, None],
        "random filters": noise[:, :, None],
    }


def plot_costs(layers, spent):
    """Parameters and multiplications of the layers, and the measured time.

    Args:
        layers: From `build_layers`.
        spent: Times from `milliseconds`.
    """
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), sharey=True, layout="constrained")
    parameters = [layer.count_params() for layer in layers.values()]
    millions = [multiplications(layer, 56) / 1e6 for layer in layers.values()]
    for axis, title, costs, number in (
        (axes[0], "parameters", parameters, "{:,.0f}"),
        (axes[1], "million multiplications, 56 × 56", millions, "{:.1f}"),
        (axes[2], "CPU ms for 4 images, measured", list(spent.values()), "{:.1f}"),
    ):
        bars = axis.barh(list(layers), costs)
        axis.bar_label(bars, fmt=number, padding=3)
        axis.set_title(title)
        axis.margins(x=0.25)
        axis.locator_params(axis="x", nbins=4)
        axis.xaxis.set_major_formatter("{x:,.0f}")
    axes[0].invert_yaxis()
    saved = layers["Conv2D"].count_params() / layers["SeparableConv2D"].count_params()
    time_share = spent["SeparableConv2D"] / spent["Conv2D"]
    figure.suptitle(
        f"{saved:.1f} times fewer multiplications than Conv2D take {time_share:.0%} of its time"
    )
    return figure


def show_signed(axis, image):
    """Draw an image with positive and negative values; zero is white."""
    limit = np.quantile(np.abs(image), 0.99)
    plots.show_images(axis, image[None], cmap="PuOr_r", vmin=-limit, vmax=limit)


def plot_steerable():
    """Two depthwise filters on a photograph, and the eight orientations mixed from their maps."""
    image = photograph()
    layer = steerable_layer()
    depthwise, pointwise = layer.get_weights()
    kernels = product_kernel(depthwise, pointwise)[:, :, 0]  # (9, 9, 8)
    maps = keras.ops.convert_to_numpy(layer(image[None, :, :, None]))[0]  # (H − 8, W − 8, 8)

    figure, axes = plt.subplots(
        4, 4, figsize=(10, 8.6), height_ratios=(1, 1.7, 1, 1.7), layout="constrained"
    )
    for index, angle in enumerate(ANGLES):
        row = 2 * (index // 4)
        column = index % 4
        show_signed(axes[row, column], kernels[:, :, index])
        show_signed(axes[row + 1, column], maps[:, :, index])
        axes[row, column].set_title(f"{angle:g}°")
    figure.suptitle(
        "Eight filters of 9 × 9, all of them mixtures of the first (0°) and the fifth (90°)"
    )
    return figure


def plot_errors():
    """The separation error of three filter banks, against the number of basis filters."""
    figure, axis = plt.subplots(layout="constrained")
    multipliers = np.arange(1, 17)
    for name, kernel in banks().items():
        errors = [100 * error(kernel, multiplier) for multiplier in multipliers]
        axis.plot(multipliers, errors, "o-", label=f"16 {name}")
    axis.set(title="Related filters separate, unrelated ones do not", ylim=(-3, 100))
    axis.set(xlabel="depth multiplier: basis filters per input channel", xticks=multipliers)
    axis.set(ylabel="squared weights missed (%)")
    axis.legend()
    return figure


def main():
    # Costs.
    layers = build_layers()
    spent = milliseconds(layers)
    for name, layer in layers.items():
        count = layer.count_params()
        millions = multiplications(layer, 56) / 1e6
        print(
            f"{name:>15} {CHANNELS} → {layer.compute_output_shape((1, 56, 56, CHANNELS))[-1]:3}: "
            f"{count:6,} parameters, {millions:5.1f} M multiplications, {spent[name]:5.1f} ms"
        )
    ratio = layers["SeparableConv2D"].count_params() / layers["Conv2D"].count_params()
    print(f"Ratio {ratio:.4f} = 1/{FILTERS} + 1/{SIZE}²\n")

    # One layer, two layers, or one convolution with the product of both kernels.
    images = np.random.default_rng(0).normal(size=(2, 12, 15, CHANNELS)).astype("float32")
    depthwise, pointwise = layers["SeparableConv2D"].get_weights()
    layers["depthwise"].set_weights([depthwise])
    layers["pointwise"].set_weights([pointwise])
    layers["Conv2D"].set_weights([product_kernel(depthwise, pointwise)])
    expected = layers["SeparableConv2D"](images)
    chain = layers["pointwise"](layers["depthwise"](images))
    full = layers["Conv2D"](images)
    for name, outputs in (("depthwise and pointwise", chain), ("Conv2D of the product", full)):
        difference = float(keras.ops.max(keras.ops.abs(outputs - expected)))
        print(f"{name}: largest difference from SeparableConv2D {difference:.0e}")

    # Not every convolution separates.
    for name, kernel in banks().items():
        shares = [f"{error(kernel, multiplier):.1%}" for multiplier in (1, 2, 4, 8)]
        print(f"16 {name}: with 1, 2, 4, 8 basis filters {', '.join(shares)} missed")

    plot_costs(layers, spent).savefig("costs.png")
    plot_steerable().savefig("steerable.png")
    plot_errors().savefig("errors.png")


if __name__ == "__main__":
    main()

"""The picture of xception: how close to separable full convolutions become in training."""

import keras
import matplotlib.pyplot as plt
import numpy as np


def figures(models, test, histories):
    """The separable share of each full kernel, learned and at initialization."""
    kernels = full_kernels(models["full"])
    learned = [separable_share(kernel) for kernel in kernels]
    rng = np.random.default_rng(0)
    drawn = [separable_share(rng.normal(size=kernel.shape)) for kernel in kernels]
    return {"separability": plot_shares(learned, drawn)}


def full_kernels(model):
    """The kernels (3, 3, channels, filters) of a network, except its first two convolutions."""
    kernels = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (3, 3):
            kernels.append(np.asarray(layer.kernel))
    return kernels[2:]


def separable_share(kernel):
    """The share of a kernel's squared weights in the nearest separable kernel.

    A separable convolution has one 3 × 3 filter for each input channel: all filters on this channel
    are multiples of it. The nearest one is the first component of a singular value decomposition.

    Args:
        kernel: Array (height, width, channels, filters).
    """
    height, width, channels, filters = kernel.shape
    matrices = kernel.transpose(2, 0, 1, 3).reshape(channels, height * width, filters)
    values = np.linalg.svd(matrices, compute_uv=False)
    return np.square(values[:, 0]).sum() / np.square(values).sum()


def plot_shares(learned, drawn):
    """Both shares, layer by layer from input to output."""
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    layers = np.arange(1, len(learned) + 1)
    axis.plot(layers, learned, "o-", label="learned")
    axis.plot(layers, drawn, "s--", label="random kernels of the same shapes")
    axis.yaxis.set_major_formatter("{x:.0%}")
    axis.set(ylim=(0, 1), xticks=layers, xlabel="full convolution, from the image to the classes")
    axis.set(ylabel="share of the squared weights")
    axis.set_title(
        f"One 3 × 3 filter for each channel holds {np.mean(learned):.0%} of the full kernels, "
        f"{np.mean(drawn):.0%} at random"
    )
    axis.legend()
    return figure

"""The pictures of denoising_autoencoder: restored digits by method, and the filters."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter, median_filter

from recipes.autoencoders import denoising_autoencoder as recipe
from recipes.common.arrays import to_numpy
from recipes.common.plots import show_images

TITLES = {
    "gaussian": "Gaussian noise, σ = 0.5",
    "masking": "Half of the pixels 0",
    "salt_and_pepper": "Half of the pixels 0 or 1",
}


def figures(models, test, histories):
    """Noisy, restored and clean digits by kind of noise, and the filters of each network."""
    restored, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    gains = []
    for axis, noise in zip(axes, TITLES, strict=True):
        train, _, test = recipe.load_data(noise=noise)
        noisy, clean = to_numpy(test)
        images = restore(models["without"], models[noise], to_numpy(train), noisy)
        scores = {name: mean_psnr(clean, each) for name, each in images.items()}
        draw_restored(axis, {**images, "clean": clean}, scores)
        axis.set_title(TITLES[noise])
        gains.append(scores["network"] - scores["noisy"])
    restored.suptitle(
        f"PSNR in dB: a network trained on the noise gains at least {min(gains):.1f} dB"
    )
    return {"restored": restored, "filters": draw_filters(models)}


def mean_psnr(clean, images):
    """Mean PSNR of images clipped to the range of pixels."""
    return float(np.mean(recipe.psnr(clean, np.clip(images, 0, 1))))


def gaussian(images, width):
    return gaussian_filter(images, (0, width, width, 0))


def median(images, width):
    return median_filter(images, (1, width, width, 1))


def best_width(smooth, widths, noisy, clean):
    """The width for which `smooth(noisy, width)` is closest to the clean images."""
    return max(widths, key=lambda width: mean_psnr(clean, smooth(noisy, width)))


def restore(without, network, known, noisy):
    """`{method: images}`, clipped to the range of pixels.

    Args:
        without: the network that was trained on clean images.
        network: the network that was trained on this noise.
        known: noisy and clean training images, to which the filters are fitted.
        noisy: the images to restore.
    """
    few = [images[:500] for images in known]
    width = best_width(gaussian, [0.5, 0.75, 1, 1.25, 1.5], *few)
    size = best_width(median, [3, 5, 7], *few)
    images = {
        "noisy": noisy,
        "Gaussian\nfilter": gaussian(noisy, width),
        "median\nfilter": median(noisy, size),
        "linear\nfilter": recipe.LinearFilter(*known)(noisy),
        "trained\nwithout": without.predict(noisy, batch_size=1000, verbose=0),
        "network": network.predict(noisy, batch_size=1000, verbose=0),
    }
    return {name: np.clip(each, 0, 1) for name, each in images.items()}


def draw_restored(axis, images, scores):
    """A row of eight digits for each method."""
    rows = np.concatenate([each[:8] for each in images.values()])
    show_images(axis, rows, columns=8, cmap="gray_r", vmin=0, vmax=1)
    names = [f"{name} {scores[name]:.1f}" if name in scores else name for name in images]
    axis.set_yticks(29 * np.arange(len(names)) + 14, names, fontsize=8)  # 28 pixels and a gap
    axis.tick_params(length=0)


def strongest_filters(model, count=64):
    """The filters (28, 28, count) of the hidden units with the largest weights to the output."""
    filters, outgoing = (layer.get_weights()[0] for layer in model.layers if layer.weights)
    order = np.argsort(-np.linalg.norm(outgoing, axis=1))
    return filters.reshape(28, 28, -1)[..., order[:count]]


def roughness(filters):
    """Roughness of filters (28, 28, n): squared differences of neighboring weights, (n,).

    Their mean is divided by four times the variance: 1 for independent weights, 0 for equal ones.
    """
    down = np.mean(np.diff(filters, axis=0) ** 2, axis=(0, 1))
    across = np.mean(np.diff(filters, axis=1) ** 2, axis=(0, 1))
    return (down + across) / 4 / filters.var(axis=(0, 1))


def draw_filters(models):
    """The strongest filters of each network."""
    figure, axes = plt.subplots(1, len(models), figsize=(13, 3.9), layout="constrained")
    for axis, (name, model) in zip(axes, models.items(), strict=True):
        filters = strongest_filters(model)
        scaled = np.moveaxis(filters / np.abs(filters).max((0, 1)), -1, 0)
        show_images(axis, scaled, columns=8, cmap="RdBu", vmin=-1, vmax=1)
        rough = np.median(roughness(filters))
        axis.set_title(f"{name.replace('_', ' ')}: roughness {rough:.2f}")
    figure.suptitle(
        "Filters of 64 hidden units (roughness: 1 for independent weights, 0 for equal neighbors)"
    )
    return figure

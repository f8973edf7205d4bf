"""The pictures of vae: its latent space, interpolations, samples, and the KL of each dimension."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm
from sklearn.neighbors import KNeighborsClassifier

from recipes.autoencoders.vae import kl_divergence
from recipes.common.arrays import to_numpy
from recipes.common.plots import show_images

GRAY = {"cmap": "gray_r", "vmin": 0, "vmax": 1}


def figures(models, test, histories):
    """Two latent dimensions as a map, interpolations, samples, and KL divergence by dimension."""
    images, labels = to_numpy(test)
    images = images[..., 0]
    # The digit of an image is that of its ten nearest test images.
    neighbors = KNeighborsClassifier(10).fit(flatten(images), labels)
    return {
        "latent_map": draw_latent_map(models["latent_2"], images, labels),
        "interpolation": draw_interpolation(models["latent_20"], images, labels, neighbors),
        "samples": draw_samples(models["latent_20"], images, neighbors),
        "dimensions": draw_dimensions(models["latent_20"], images),
    }


def flatten(images):
    return images.reshape(len(images), -1)


def encode(model, images):
    """Mean and log σ² of the codes of images (n, 28, 28), (n, latent_dim) each."""
    codes = model.encoder.predict(images[..., None], batch_size=1000, verbose=0)
    return np.split(codes, 2, axis=1)


def decode(model, z):
    """The images (…, 28, 28) of codes (…, latent_dim)."""
    logits = model.decoder.predict(z.reshape(-1, z.shape[-1]), batch_size=1000, verbose=0)
    return (1 / (1 + np.exp(-logits))).reshape(*z.shape[:-1], 28, 28)


def draw_latent_map(model, images, labels):
    """The codes of test digits, and the decoded images of a grid of codes."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.8), layout="constrained")
    mean, _ = encode(model, images)
    dots = left.scatter(*mean.T, s=3, c=labels, cmap="tab10", vmin=-0.5, vmax=9.5)
    left.set(title="Codes of test digits", xlim=(-4, 4), ylim=(-4, 4), aspect="equal")
    figure.colorbar(dots, ticks=range(10), label="digit", shrink=0.8)
    # Grid points at equal steps of probability cover N(0, 1).
    quantiles = norm.ppf(np.linspace(0.02, 0.98, 18))
    grid = np.stack(np.meshgrid(quantiles, quantiles[::-1]), axis=-1).astype("float32")
    decoded = decode(model, grid).reshape(-1, 28, 28)
    show_images(right, decoded, columns=18, title="Images decoded from a grid of codes", **GRAY)
    return figure


def pairs_of_digits(labels, count=300):
    """Indices of `count` random pairs, without pairs of equal digits: two arrays (n,)."""
    start, end = np.random.default_rng(0).integers(0, len(labels), (2, count))
    different = labels[start] != labels[end]
    return start[different], end[different]


def agreement(neighbors, images):
    """Share of the ten nearest test images with the same digit, averaged over images."""
    return neighbors.predict_proba(flatten(images)).max(axis=1).mean()


def draw_interpolation(model, images, labels, neighbors):
    """Interpolations between pairs of digits, of their codes and of their pixels."""
    mean, _ = encode(model, images)
    start, end = pairs_of_digits(labels)
    weights = np.linspace(0, 1, 11, dtype="float32")[:, None]
    rows = []
    for first, second in zip(start[:5], end[:5], strict=True):
        rows.append(decode(model, (1 - weights) * mean[first] + weights * mean[second]))
        rows.append((1 - weights[..., None]) * images[first] + weights[..., None] * images[second])

    by_codes = agreement(neighbors, decode(model, (mean[start] + mean[end]) / 2))
    by_pixels = agreement(neighbors, (images[start] + images[end]) / 2)
    figure, axis = plt.subplots(figsize=(8, 8.2), layout="constrained")
    title = "Interpolation of codes, and below it of pixels"
    show_images(axis, np.concatenate(rows), columns=11, title=title, **GRAY)
    axis.set_xlabel(
        f"half-way, {by_codes:.0%} (pixels: {by_pixels:.0%}) of the ten nearest test digits agree"
    )
    return figure


def entropy(shares):
    """The entropy, in nats, of shares that sum to 1."""
    return -np.sum(shares * np.log(np.maximum(shares, 1e-9)))


def draw_samples(model, images, neighbors):
    """Decoded samples of N(0, 1), and reconstructions of test digits."""
    codes = np.random.default_rng(0).normal(size=(1000, model.latent_dim)).astype("float32")
    samples = decode(model, codes)
    shares = neighbors.predict_proba(flatten(samples)).mean(0)
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.8), layout="constrained")
    show_images(left, samples[:120], columns=12, title="Samples: z from N(0, 1)", **GRAY)
    left.set_xlabel(
        f"{agreement(neighbors, samples):.0%} of the ten nearest test digits agree;\n"
        f"entropy of the digits {entropy(shares):.2f} of {np.log(10):.2f} nats"
    )

    originals = images[:60]
    mean, _ = encode(model, originals)
    rows = np.stack(
        [originals.reshape(-1, 12, 28, 28), decode(model, mean).reshape(-1, 12, 28, 28)]
    )
    rows = rows.swapaxes(0, 1).reshape(-1, 28, 28)  # a row of digits, a row of reconstructions
    title = "Test digits, and below them their reconstructions"
    show_images(right, rows, columns=12, title=title, **GRAY)
    return figure


def divergence_by_dimension(mean, log_variance):
    """Mean KL divergence of each latent dimension in nats, the largest first: (latent_dim,)."""
    values = kl_divergence(mean[..., None], log_variance[..., None])  # (images, latent_dim)
    return np.sort(np.mean(values, axis=0))[::-1]


def draw_dimensions(model, images):
    """Plot the KL divergence of each latent dimension, in nats per image."""
    divergence = divergence_by_dimension(*encode(model, images))
    numbers = np.arange(len(divergence)) + 1
    figure, axis = plt.subplots(layout="constrained")
    axis.bar(numbers, divergence)
    axis.set(
        xlabel="latent dimension, by divergence",
        ylabel="divergence, nats per image",
        xticks=numbers,
    )
    active = np.sum(divergence > 0.1)
    axis.set_title(
        f"{active} of {len(divergence)} dimensions carry more than 0.1 nats, "
        f"all together {divergence.sum():.1f}"
    )
    return figure

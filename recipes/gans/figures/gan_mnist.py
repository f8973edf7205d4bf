"""The pictures of gan_mnist: samples, their progress during training, and their classes."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.common.generative_metrics import compare_samples
from recipes.common.plots import class_bars, show_images
from recipes.gans import gan_mnist

GRAY = {"cmap": "gray_r", "vmin": -1, "vmax": 1}


def figures(model, test, history):
    """Generated digits beside real ones, during training, interpolated, and by class."""
    images, _ = to_numpy(test)
    parts = np.array_split(images, 10)
    generated = np.concatenate([model.generate(len(part)) for part in parts])
    return {
        "samples": draw_samples(images, generated),
        "progress": draw_progress([*model.snapshots, ("chosen", gan_mnist.snapshot(model))]),
        "interpolation": draw_interpolation(model),
        "classes": draw_classes(model.classifier, images, generated),
    }


def draw_samples(images, generated):
    """120 real digits and 120 generated ones."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.4), layout="constrained")
    show_images(left, images[:120], columns=12, title="Real digits", **GRAY)
    show_images(right, generated[:120], columns=12, title="Generated digits", **GRAY)
    return figure


def draw_progress(snapshots):
    """A row for each snapshot, a column for each vector of noise."""
    size = (8, 0.66 * len(snapshots) + 0.6)
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    rows = np.concatenate([images for _, images in snapshots])
    title = "The same twelve vectors of noise during the training"
    show_images(axis, rows, columns=12, title=title, **GRAY)
    epochs = [epoch for epoch, _ in snapshots]
    axis.set_yticks(29 * np.arange(len(epochs)) + 14, epochs)  # 28 pixels and a gap
    axis.set_ylabel("after epoch")
    return figure


def interpolate(start, end, steps):
    """Linear interpolation from `start` to `end`, (n, features) each: (n, steps, features)."""
    weights = np.linspace(0, 1, steps, dtype="float32")[None, :, None]
    return (1 - weights) * start[:, None] + weights * end[:, None]


def draw_interpolation(model):
    """Six interpolations in the latent space."""
    noise = interpolate(gan_mnist.NOISE[:6], gan_mnist.NOISE[6:], steps=12)
    images = np.asarray(model.generator(noise.reshape(-1, gan_mnist.LATENT_DIM)))
    figure, axis = plt.subplots(figsize=(8, 4.3), layout="constrained")
    title = "Linear interpolation in the latent space"
    show_images(axis, images, columns=12, title=title, **GRAY)
    return figure


def class_shares(classifier, images):
    """Share of images (n, 28, 28, 1) that are classified as each digit: (10,)."""
    _, probabilities = classifier.predict(images, verbose=0)
    counts = np.bincount(probabilities.argmax(1), minlength=10)
    return counts / len(images)


def draw_classes(classifier, images, generated):
    """Plot the frequency of each digit; metrics are relative to the first half of the test set."""
    half = len(images) // 2
    sample_sets = {
        "real": images[half:],
        "generated": generated,
        "noise": gan_mnist.sample_noise(len(images)),
    }
    percentages = {}
    for name, samples in sample_sets.items():
        scores = compare_samples(classifier, images[:half], samples[:half])
        label = (
            f"{name}: Fréchet distance {scores['frechet_distance']:.3f}, "
            f"entropy {scores['class_entropy']:.2f} nats"
        )
        percentages[label] = 100 * class_shares(classifier, samples)
        if name == "generated":
            classes = scores["classes"]
    figure, axis = plt.subplots(layout="constrained")
    class_bars(axis, percentages, range(10))
    axis.get_legend().remove()
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center")
    axis.set(xlabel="predicted digit", ylabel="% of the images")
    axis.set_title(f"{classes:.0f} of 10 digits have a fifth of their share, or more")
    return figure

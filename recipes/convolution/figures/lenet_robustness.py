"""The pictures of lenet_robustness: accuracy under distortions, a distorted digit, odd cases."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.convolution import lenet_robustness as recipe

NAMES = {"lenet": "LeNet-5", "mlp": "MLP"}
UNITS = {  # labels of the axes
    "noise": "standard deviation",
    "rotation": "degrees",
    "scale": "times as large",
    "shift": "pixels",
    "width": "times as wide",
    "stroke": "pixels wider",
}


def figures(models, test, histories):
    """Accuracy against the strength of each distortion; a distorted digit; the odd cases."""
    images, labels = to_numpy(test)
    images = images.astype("float32")
    probabilities = recipe.predict(models["lenet"], images)
    accuracies = {}
    for name, model in models.items():
        accuracies[name] = recipe.robustness(model, images[:2000], labels[:2000])
    return {
        "accuracies": plot_accuracies(accuracies),
        "distorted": plot_distorted(models["lenet"], images, labels, probabilities),
        "odd_cases": plot_odd_cases(images, labels, probabilities),
    }


def kinds_ahead(accuracies):
    """The distortions for which the mean accuracy of LeNet is above that of the MLP."""
    ahead = []
    for kind in recipe.STRENGTHS:
        # Skip the first strength, the identity.
        lenet = np.mean(accuracies["lenet"][kind][1:])
        mlp = np.mean(accuracies["mlp"][kind][1:])
        if lenet > mlp:
            ahead.append(kind)
    return ahead


def plot_accuracies(accuracies):
    """Accuracy against strength, by distortion.

    Args:
        accuracies: By network, as returned by `robustness`.
    """
    figure, axes = plt.subplots(2, 3, figsize=(10, 6), sharey=True, layout="constrained")
    for axis, (kind, strengths) in zip(axes.flat, recipe.STRENGTHS.items(), strict=True):
        order = np.argsort(strengths)
        for name, by_kind in accuracies.items():
            values = 100 * np.array(by_kind[kind])
            axis.plot(np.array(strengths)[order], values[order], "o-", label=NAMES[name])
        axis.axvline(strengths[0], color="0.7", linestyle=":")  # as in training
        axis.set(title=kind, xlabel=UNITS[kind], ylim=(0, 102))
    for axis in axes[:, 0]:
        axis.set_ylabel("accuracy (%)")
    axes[0, 0].legend(loc="lower left")
    count = len(kinds_ahead(accuracies))
    figure.suptitle(
        "Trained on clean digits (dotted), LeNet-5 is ahead of an MLP of its size "
        f"under {count} of {len(recipe.STRENGTHS)} distortions"
    )
    return figure


def plot_distorted(model, images, labels, probabilities):
    """A digit under each distortion and strength, with the prediction, red if it is wrong."""
    # The 4 with the most confident prediction.
    certainty = np.where(labels == 4, probabilities[:, 4], 0)
    image = images[certainty.argmax()][None]
    columns = max(map(len, recipe.STRENGTHS.values()))
    figure, axes = plt.subplots(
        len(recipe.STRENGTHS), columns, figsize=(8.5, 9.4), layout="constrained"
    )
    for row, (kind, strengths) in zip(axes, recipe.STRENGTHS.items(), strict=True):
        row[0].set_ylabel(kind)
        for axis, strength in zip(row, sorted(strengths), strict=True):
            distorted = recipe.distort(image, kind, strength)
            answer = recipe.predict(model, distorted)[0].argmax()
            plots.show_images(axis, distorted, cmap="gray_r", vmin=0, vmax=255)
            color = "black" if answer == 4 else "#D55E00"
            axis.set_title(f"{strength:g} → {answer}", color=color, fontsize=10)
    figure.suptitle("Strength of the distortion, and what LeNet-5 reads")
    return figure


def least_certain(probabilities, count=25):
    """Indices of the least confident predictions, the least confident first: (count,)."""
    return np.argsort(probabilities.max(axis=-1))[:count]


def error_rate(labels, probabilities):
    """The share of wrong predictions."""
    return np.mean(probabilities.argmax(axis=-1) != labels)


def plot_odd_cases(images, labels, probabilities):
    """The digits with the least confident predictions, and their two likeliest classes."""
    odd = least_certain(probabilities)
    figure, axes = plt.subplots(5, 5, figsize=(7, 9), layout="constrained")
    for axis, index in zip(axes.flat, odd, strict=True):
        best, second = np.argsort(probabilities[index])[::-1][:2]
        plots.show_images(axis, images[index][None], cmap="gray_r")
        shares = 100 * probabilities[index]
        color = "black" if best == labels[index] else "#D55E00"
        title = f"{best}: {shares[best]:.0f} %\n{second}: {shares[second]:.0f} %"
        axis.set_title(title, color=color, fontsize=9)
    there = error_rate(labels[odd], probabilities[odd])
    everywhere = error_rate(labels, probabilities)
    figure.suptitle(
        f"The {len(odd)} digits that LeNet-5 is least sure of:\n"
        f"{there:.0%} errors (orange), {everywhere:.1%} over all"
    )
    return figure

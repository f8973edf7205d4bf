"""The pictures of adversarial_attacks: accuracy against ε, attacked digits, targeted attacks."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.trained_networks import adversarial_attacks as recipe


def figures(models, test, histories):
    """Accuracy by size of the attack, digits before and after, and targeted attacks."""
    model = models["convolutional"]
    images, labels = recipe.some_images(test)
    return {
        "accuracy_by_epsilon": plot_accuracies(model, images, labels),
        "attacked": plot_attacked(model, images, labels),
        "targeted": plot_targeted(model, images, labels),
    }


def plot_accuracies(model, images, labels):
    """Plot the accuracy by ε, for all attacks and for random signs."""
    figure, axis = plt.subplots(layout="constrained")
    untouched = recipe.accuracy(model, images, labels)
    for name, accuracies in recipe.accuracy_by_epsilon(model, images, labels).items():
        axis.plot((0, *recipe.EPSILONS), [untouched, *accuracies], "o-", label=name)
    axis.axhline(0.1, color="0.6", ls=":", label="guessing")
    axis.set(title="The direction matters, not the size of the change")
    axis.set(xlabel="ε, of a scale from 0 to 1", ylabel="accuracy", ylim=(0, 1))
    axis.legend()
    return figure


def plot_attacked(model, images, labels, count=6):
    """Plot digits, the FGSM perturbation, and their sum with the network's prediction."""
    images, labels = images[:count], labels[:count]
    changed = recipe.fgsm(model, images, labels, recipe.EPSILON)
    rows = {
        "digit": (images, {"cmap": "gray", "vmin": 0, "vmax": 255}),
        f"FGSM, ε = {recipe.EPSILON}": (
            changed - images,
            {"cmap": "RdBu", "vmin": -99, "vmax": 99},
        ),
        "sum": (changed, {"cmap": "gray", "vmin": 0, "vmax": 255}),
    }
    figure, axes = plt.subplots(3, count, figsize=(1.6 * count, 5.4), layout="constrained")
    for row, (name, (values, style)) in zip(axes, rows.items(), strict=True):
        for axis, value in zip(row, values, strict=True):
            axis.imshow(value[..., 0], **style)
            axis.set(xticks=[], yticks=[])
        row[0].set(ylabel=name)
    for axis, label in zip(axes[0], labels, strict=True):
        axis.set(title=str(label))
    answers = model.predict(changed, verbose=0).argmax(axis=1)
    for axis, answer, label in zip(axes[2], answers, labels, strict=True):
        axis.set_title(str(answer), color="black" if answer == label else plots.CLASS_COLORS[1])
    figure.suptitle("What the network reads, before and after")
    return figure


def plot_targeted(model, images, labels):
    """One digit of each class, attacked with each of the ten classes as target."""
    firsts = np.array([np.argmax(labels == label) for label in np.unique(labels)])
    figure, axes = plt.subplots(len(firsts), 10, figsize=(7, 7.4), layout="constrained")
    for row, first in zip(np.atleast_2d(axes), firsts, strict=True):
        repeated = np.repeat(images[first : first + 1], 10, axis=0)
        changed = recipe.pgd(model, repeated, np.arange(10), recipe.EPSILON, targeted=True)
        answers = model.predict(changed, verbose=0).argmax(axis=1)
        for wanted, axis in enumerate(row):
            reached = answers[wanted] == wanted
            axis.imshow(changed[wanted, ..., 0], cmap="gray" if reached else "Oranges_r")
            axis.set(xticks=[], yticks=[])
    for wanted, axis in enumerate(np.atleast_2d(axes)[0]):
        axis.set(title=str(wanted))
    figure.suptitle("Each row is one digit, read as what stands above (orange: it is not)")
    return figure

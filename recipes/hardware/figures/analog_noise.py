"""The pictures of analog_noise: accuracy by noise, converter bits and dead cells, and weights."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.hardware import analog_noise as recipe

NAMES = {"usual": "trained as usual", "noise_aware": "trained with noise"}
FEW_BITS = 4  # of the converter named in the title


def figures(models, test, histories):
    """Accuracy under each fault, and the weights of the first layer."""
    curves = {name: recipe.accuracies_by_fault(model, test) for name, model in models.items()}
    return {
        "noise": plot_noise(curves),
        "converters": plot_converters(curves),
        "dead_cells": plot_dead_cells(curves),
        "weights": plot_weights(models),
    }


def costs(curves, fault, place):
    """Lost accuracy in words: "9.1 points trained as usual, 0.3 points trained with noise".

    Args:
        curves: By network, as returned by `accuracies_by_fault`.
        fault: "noise", "bits" or "dead".
        place: Index of its amount.
    """
    lost = []
    for name, by_fault in curves.items():
        points = 100 * (by_fault["noise"][0] - by_fault[fault][place])
        lost.append(f"{points:.1f} points {NAMES[name]}")
    return ", ".join(lost)


def plot_curves(curves, fault, amounts):
    """Accuracy by amount of a fault, a line for each network."""
    figure, axis = plt.subplots(layout="constrained")
    for name, by_fault in curves.items():
        axis.plot(amounts, 100 * np.array(by_fault[fault]), "o-", label=NAMES[name])
    axis.set(ylabel="test accuracy, %", ylim=(0, 100))
    axis.legend(loc="lower left" if amounts[0] == 0 else "lower right")
    return figure, axis


def plot_noise(curves):
    """Accuracy by noise on the weights."""
    figure, axis = plot_curves(curves, "noise", recipe.NOISES)
    lost = costs(curves, "noise", recipe.NOISES.index(recipe.NOISE))
    axis.set(title=f"Noise of {recipe.NOISE:g} on the weights costs\n{lost}")
    axis.set(xlabel="standard deviation of the noise / largest weight of the layer")
    return figure


def plot_converters(curves):
    """Accuracy by bits of the converters."""
    figure, axis = plot_curves(curves, "bits", recipe.BITS)
    lost = costs(curves, "bits", recipe.BITS.index(FEW_BITS))
    axis.set(title=f"Converters of {FEW_BITS} bits cost\n{lost}")
    axis.set(xlabel="bits of the converter after each matrix product")
    return figure


def plot_dead_cells(curves):
    """Accuracy by share of dead cells."""
    figure, axis = plot_curves(curves, "dead", recipe.DEAD_SHARES)
    lost = costs(curves, "dead", recipe.DEAD_SHARES.index(recipe.DEAD))
    axis.set(title=f"Dead cells, {recipe.DEAD:.0%} of all, cost\n{lost}")
    axis.set(xlabel="share of weights that are 0")
    return figure


def plot_weights(models):
    """How many weights of the first layer are at least how large, in standard deviations."""
    figure, axis = plt.subplots(layout="constrained")
    reached = []
    for name, model in models.items():
        weights = model.get_weights()[0]
        sizes = np.sort(np.abs(weights).ravel() / weights.std())[::-1]
        axis.plot(sizes, np.arange(1, sizes.size + 1), label=NAMES[name])
        reached.append(f"{sizes[0]:.1f} {NAMES[name]}")
    axis.set(title="The largest weight is, in standard deviations,\n" + ", ".join(reached))
    axis.set(xlabel="size of a weight / standard deviation", ylabel="weights of at least this size")
    axis.set_yscale("log")
    axis.legend()
    return figure

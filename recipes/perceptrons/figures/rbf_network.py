"""The pictures of rbf_network: probabilities in the whole plane, and certainty by distance."""

import matplotlib.pyplot as plt
import numpy as np
from keras import ops

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.perceptrons import rbf_network as recipe

REACH = 45  # half the width of the plane, around the data's center
STEPS = 200  # points along each side
DISTANCES = np.linspace(0, 100, 41)
# Ten levels of a color, and a white one in the middle, from 45 to 55 %.
LEVELS = [0, *np.arange(0.05, 1, 0.1), 1]
TITLES = {"rbf": "Radial basis functions", "mlp": "Multilayer perceptron"}


def figures(models, test, histories):
    """The probability of the upper moon over a wide plane; confidence far from the data."""
    points, labels = to_numpy(test)
    count = len(models) + 1
    figure, axes = plt.subplots(1, count, figsize=(4.4 * count, 4.2), layout="constrained")
    for axis, (name, model) in zip(axes, models.items(), strict=False):
        drawn = plot_plane(axis, model, points, labels)
        wrong = np.mean((np.asarray(model(points)) > 0) != (labels == 1))
        error = f"{wrong:.2%}".replace("%", " %")
        axis.set_title(f"{TITLES[name]}: error {error}")
    # One color bar for all planes.
    scale = figure.colorbar(drawn, ax=axes[-2], ticks=[0, 0.5, 1])
    scale.set_label("probability of the upper moon")
    plot_certainty(axes[-1], models)
    return {"plane": figure}


def plot_plane(axis, model, points, labels):
    """Draw the probability in colors, white where it is close to one half, and the points.

    The centers of radial basis units are black crosses.
    """
    x, y = recipe.CENTER
    across, up = np.meshgrid(
        np.linspace(x - REACH, x + REACH, STEPS), np.linspace(y - REACH, y + REACH, STEPS)
    )
    plane = np.stack([across.ravel(), up.ravel()], axis=1).astype("float32")
    probabilities = np.asarray(ops.sigmoid(model(plane))).reshape(across.shape)
    drawn = axis.contourf(across, up, probabilities, LEVELS, cmap="RdBu_r", alpha=0.6)
    plots.class_points(axis, points, labels, s=2)
    if isinstance(model.layers[0], recipe.RadialBasis):
        (centers,) = model.layers[0].get_weights()
        axis.scatter(*centers.T, s=14, color="black", marker="x", linewidths=1)
    axis.set(aspect="equal")
    return drawn


def plot_certainty(axis, models):
    """Draw the networks' confidence by the distance from the center of the data."""
    for number, (name, model) in enumerate(models.items()):
        values = [recipe.certainty(model, distance) for distance in DISTANCES]
        color = plots.CLASS_COLORS[2 + number]
        axis.plot(DISTANCES, values, color=color, label=TITLES[name])
    axis.axvspan(0, 20, color="0.9", zorder=0)
    axis.text(10, 0.47, "all the data", ha="center", color="0.3", fontsize=9)
    axis.set(xlabel="distance from the middle of the data", ylabel="how sure", ylim=(0.45, 1.02))
    axis.set_title("How sure of what it has not seen")
    axis.legend()

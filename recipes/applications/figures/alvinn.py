"""The pictures of alvinn: weights of its hidden neurons, and its outputs."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.applications import alvinn
from recipes.common.arrays import to_numpy

SHOWN = 4  # roads
COLORS = {"hill": "C0", "one_unit": "C1"}


def figures(models, test, histories):
    """The weights to and from each hidden neuron, and the outputs for four roads."""
    images, directions = to_numpy(test)
    return {
        "hidden": plot_hidden(*models["hill"].get_weights()),
        "answers": plot_answers(models, *some_roads(images, directions)),
    }


def some_roads(images, directions):
    """Roads whose directions are evenly spaced, from left to right."""
    wanted = np.linspace(4, alvinn.UNITS - 5, SHOWN)
    chosen = [np.abs(directions[:, 0] - direction).argmin() for direction in wanted]
    return images[chosen], directions[chosen]


def plot_hidden(kernel, bias, output_kernel, output_bias):
    """As in the paper: above, the weights to the 30 directions; below, those from the retina.

    Neurons are sorted by the direction that they excite, from left to right.
    """
    count = kernel.shape[1]
    units = np.arange(alvinn.UNITS)
    order = np.argsort(output_kernel @ (units - units.mean()))
    figure, axes = plt.subplots(
        2, count, figsize=(2.3 * count, 3.6), height_ratios=(1, 6), layout="constrained"
    )
    for (above, below), neuron in zip(axes.T, order, strict=True):
        largest = np.abs(output_kernel[neuron]).max()
        above.imshow(
            output_kernel[neuron][None], cmap="PuOr_r", vmin=-largest, vmax=largest, aspect="auto"
        )
        field = kernel[:, neuron].reshape(alvinn.ROWS, alvinn.COLUMNS)
        largest = np.abs(field).max()
        below.imshow(field, cmap="PuOr_r", vmin=-largest, vmax=largest)
        for axis in (above, below):
            axis.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("outputs", rotation=0, ha="right", va="center")
    axes[1, 0].set_ylabel("retina", rotation=0, ha="right", va="center")
    figure.suptitle("Hidden neurons: what excites them (orange), and which directions they excite")
    return figure


def plot_answers(models, images, directions):
    """Above, the retina; below, the 30 outputs of each network and the true direction."""
    figure, axes = plt.subplots(
        2, len(images), figsize=(2.9 * len(images), 4.4), height_ratios=(3, 2), layout="constrained"
    )
    outputs = {name: model.predict(images, verbose=0) for name, model in models.items()}
    for number, (above, below) in enumerate(axes.T):
        above.imshow(images[number, ..., 0], cmap="gray", vmin=0, vmax=255)
        above.set(xticks=[], yticks=[])
        for name, activities in outputs.items():
            answer = alvinn.center(keras.ops.convert_to_tensor(activities[number : number + 1]))
            label = f"{name}: {float(answer[0, 0]):.1f}"
            below.step(range(alvinn.UNITS), activities[number], where="mid", color=COLORS[name])
            below.plot([], [], color=COLORS[name], label=label)
        below.axvline(directions[number, 0], color="0.4", linestyle=":")
        below.set(
            ylim=(0, 1.3),
            yticks=[0, 0.5, 1],
            xticks=[0, 14.5, 29],
            xticklabels=["left", "ahead", "right"],
        )
        above.set_title(f"wanted: {directions[number, 0]:.1f}")
        below.legend(fontsize="x-small", loc="upper center", ncols=2)
    figure.suptitle("What the retina sees, and the activity of the 30 directions")
    return figure

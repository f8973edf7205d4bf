"""The pictures of weight_sharing: error by parameters, accuracy on shifted digits, and filters."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.training import weight_sharing as recipe

NAMES = {
    "convolution": "convolution",
    "local": "locally connected",
    "full": "fully connected",
}
SHIFTS = (0, 1, 2, 3, 4)  # pixels; most digits have margins of 4
DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))
TESTED = 1000  # images, shifted in each direction


def figures(models, test, histories):
    """Errors of each network on training, new and shifted images, and filters of two of them."""
    images, labels = to_numpy(test)
    shifted = {}
    for name, model in models.items():
        shifted[name] = accuracy_by_shift(model, images[:TESTED], labels[:TESTED])
    scores = {}
    for name, model in models.items():
        train, _, _ = recipe.load_data()
        known = model.evaluate(train, verbose=0, return_dict=True)["accuracy"]
        unseen = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        scores[name] = model.count_params(), known, unseen
    found = {"generalization": plot_generalization(scores, shifted)}
    if {"convolution", "local"} <= models.keys():
        found["filters"] = plot_filters(models["convolution"], models["local"])
    return found


def accuracy_by_shift(model, images, labels):
    """The accuracy for each of `SHIFTS`, as a mean over four directions: array (shifts,)."""
    found = []
    for shift in SHIFTS:
        right = []
        for down, across in DIRECTIONS if shift else DIRECTIONS[:1]:
            moved = np.roll(images, (shift * down, shift * across), axis=(1, 2))
            answers = model.predict(moved, batch_size=500, verbose=0).argmax(axis=-1)
            right.append(np.mean(answers == labels))
        found.append(np.mean(right))
    return np.array(found)


def percent(value):
    """0.123 as "12.3 %"."""
    return f"{value:.1%}".replace("%", " %")


def plot_generalization(scores, shifted):
    """Left: errors by number of parameters. Right: accuracy by the shift of the digits.

    Args:
        scores: `{name: (parameters, accuracy in training, accuracy on the test)}`.
        shifted: `{name: array (shifts,) of accuracies}`.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    parameters = [count for count, _, _ in scores.values()]
    for number, (name, (count, known, unseen)) in enumerate(scores.items()):
        color = plots.CLASS_COLORS[number]
        left.semilogx([count, count], [1 - known, 1 - unseen], "-", color="0.7", zorder=0)
        left.semilogx(count, 1 - unseen, "o", color=color)
        left.semilogx(count, 1 - known, "o", color=color, fillstyle="none")
        label = f"{NAMES[name]}\n{count:,}: {percent(1 - unseen)}"
        left.annotate(label, (count, 1 - unseen), (0, 8), textcoords="offset points", ha="center")
        right.plot(SHIFTS, shifted[name], "o-", color=color, label=NAMES[name])
    highest = max(1 - unseen for _, _, unseen in scores.values())
    left.set(xlim=(min(parameters) / 6, max(parameters) * 6), ylim=(-0.005, 1.45 * highest + 0.01))
    left.set(xlabel="parameters", ylabel="error: ● on the test, ○ in training")
    fewer = max(parameters) / min(parameters)
    left.set_title(f"Up to {fewer:.0f} times fewer parameters")
    right.set(xlabel="shift in pixels", ylabel="test accuracy", xticks=SHIFTS)
    right.set_title("Accuracy on shifted digits")
    right.legend()
    return figure


def plot_filters(shared, local):
    """First layer: the filters of a convolution, and those of one locally connected map."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 4.6), layout="constrained", width_ratios=(1, 3)
    )
    kernel = np.asarray(shared.layers[1].kernel)[:, :, 0]  # (5, 5, filters)
    limit = np.abs(kernel).max()
    style = {"cmap": "RdBu_r"}
    plots.show_images(left, kernel.transpose(2, 0, 1), 2, vmin=-limit, vmax=limit, **style)
    left.set_title(f"Convolution:\n{kernel.shape[-1]} filters for all positions")
    kernel = np.asarray(local.layers[1].kernel)[..., 0]  # (rows, columns, 25), of the first map
    rows, columns, _ = kernel.shape
    limit = np.abs(kernel).max()
    filters = kernel.reshape(rows * columns, 5, 5)
    plots.show_images(right, filters, columns, vmin=-limit, vmax=limit, **style)
    right.set_title(f"Locally connected: {rows * columns} filters for one of the maps")
    return figure

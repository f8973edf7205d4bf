"""The pictures of dropout: thinned networks, curves, errors by rate, and the implicit ensemble."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.common.plots import learning_curves
from recipes.training import dropout

BLUE = "#0072B2"
ORANGE = "#D55E00"


def thin(activations, keep, rate):
    """Dropout by hand: keep the units of the mask `keep`, scaled up to preserve the mean."""
    return activations * keep / (1 - rate)


def sample_mask(shape, rate, rng):
    """A random mask of the units to keep: each is dropped with probability `rate`."""
    return rng.random(shape) >= rate


def thinned_passes(model, images, passes):
    """Class probabilities with dropout enabled: (passes, images, 10)."""
    answers = []
    for _ in range(passes):
        answers.append(keras.ops.convert_to_numpy(model(images, training=True)))
    return np.stack(answers)


def errors_of_means(passes, labels):
    """Error rate of the mean of the first 1, 2, … passes: (passes,).

    Args:
        passes: Class probabilities (passes, images, classes).
        labels: Integers (images,).
    """
    sums = np.cumsum(passes, axis=0)
    return np.mean(sums.argmax(axis=-1) != labels, axis=1)


def by_agreement(passes):
    """Indices of images, sorted by decreasing agreement of the passes (passes, images, classes)."""
    spread = passes.std(axis=0).mean(axis=-1)
    return np.argsort(spread, kind="stable")


def count_answers(passes):
    """The two most frequent classes of one image's passes (passes, classes), as "7: 28, 9: 2"."""
    classes, counts = np.unique(passes.argmax(axis=-1), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:2]
    return ", ".join(f"{classes[index]}: {counts[index]}" for index in order)


def plot_network(axis, units):
    """A network: circles are units that are on, crosses those that are off.

    Args:
        axis: Where to draw.
        units: A boolean array for each layer, from the inputs to the outputs.
    """
    heights = [np.arange(len(on)) - (len(on) - 1) / 2 for on in units]
    for layer in range(len(units) - 1):
        for i in np.flatnonzero(units[layer]):
            for j in np.flatnonzero(units[layer + 1]):
                ends = [heights[layer][i], heights[layer + 1][j]]
                axis.plot([layer, layer + 1], ends, color="0.7", linewidth=1)
    for layer, on in enumerate(units):
        x = np.full(len(on), layer)
        y = heights[layer]
        axis.plot(x[on], y[on], "o", markersize=15, color=BLUE)
        axis.plot(x[~on], y[~on], "x", markersize=12, color=ORANGE, markeredgewidth=2)
    axis.set(xlim=(-0.4, len(units) - 0.6), ylim=(-2.6, 2.6))
    axis.axis("off")


def plot_thinned(rate=0.5, sizes=(3, 5, 5, 2)):
    """The slide's figure: the whole network, and the thinned networks of two training steps."""
    rng = np.random.default_rng(4)
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
    titles = ("All units", "One training step", "The next one")
    for axis, title in zip(axes, titles, strict=True):
        units = [np.ones(size, bool) for size in sizes]
        if title != "All units":
            for layer in range(1, len(sizes) - 1):
                units[layer] = sample_mask(sizes[layer], rate, rng)
        plot_network(axis, units)
        axis.set_title(title)
    figure.suptitle("Each step switches off other units: no unit can rely on a certain other one")
    return figure


def plot_curves(histories):
    """Accuracy over the epochs without dropout and with it, for ReLU and sigmoid."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for axis, activation in zip(axes, ("relu", "sigmoid"), strict=True):
        compared = {
            "no dropout": histories[activation],
            "dropout 0.5": histories[f"{activation}_50"],
        }
        learning_curves(axis, compared, "accuracy")
        xlabel = f"epoch of {dropout.REPEATS} passes over the images"
        axis.set(title=activation, xlabel=xlabel, ylim=(0.75, 1.005))
        axis.grid(True)
    axes[0].get_legend().remove()
    axes[1].legend(loc="lower right")
    axes[1].set_ylabel(None)
    figure.suptitle(
        "With dropout, training looks worse, for some units are off; what counts is validation"
    )
    return figure


def plot_errors(models, images, labels):
    """Errors of all variants on the test images."""
    errors = []
    colors = []
    for name, model in models.items():
        answers = model.predict(images, batch_size=1000, verbose=0).argmax(axis=-1)
        errors.append(100 * np.mean(answers != labels))
        colors.append(ORANGE if dropout.VARIANTS[name]["rate"] else BLUE)
    figure, axis = plt.subplots(figsize=(9, 4.4), layout="constrained")
    bars = axis.barh(list(models), errors, color=colors)
    axis.bar_label(bars, fmt="%.1f %%", padding=3)
    axis.invert_yaxis()
    axis.set_xlabel("errors on the test images, %")
    axis.set_title("Without dropout (blue) and with it (orange; the rate in the name)")
    return figure


def plot_ensemble(model, images, labels):
    """Errors of the mean of many thinned networks, and digits on which they agree or disagree."""
    passes = thinned_passes(model, images, 30)
    errors = 100 * errors_of_means(passes, labels)
    full = model.predict(images, batch_size=1000, verbose=0).argmax(axis=-1)

    figure = plt.figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.1, 1))
    axis = left.subplots()
    axis.plot(np.arange(1, len(errors) + 1), errors, label="mean of thinned networks")
    full_error = 100 * np.mean(full != labels)
    axis.axhline(full_error, color=ORANGE, linestyle="--", label="full network, once")
    axis.set_xlabel("passes with dropout switched on")
    axis.set_ylabel(f"errors on {len(images):,} images, %")
    axis.set_title("One pass is poor, the mean of many is good")
    axis.legend()

    axes = right.subplots(2, 5)
    order = by_agreement(passes)
    for axis, index in zip(axes.flat, [*order[:5], *order[-5:]], strict=True):
        axis.imshow(images[index], cmap="gray_r")
        axis.set_title(count_answers(passes[:, index]), fontsize=9)
        axis.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("agree")
    axes[1, 0].set_ylabel("differ")
    right.suptitle("On which digits the passes agree or differ (answer: times)", fontsize=12)
    return figure


def figures(models, test, histories):
    """Thinned networks, curves with and without dropout, errors by rate, the implicit ensemble."""
    images, labels = to_numpy(test)
    return {
        "thinned": plot_thinned(),
        "curves": plot_curves(histories),
        "comparison": plot_errors(models, images, labels),
        "ensemble": plot_ensemble(models["relu_50"], images[:1000], labels[:1000]),
    }

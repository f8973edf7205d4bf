"""The pictures of rbm: filters of the hidden units, and samples from each machine."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy

FILTERS = 64
CHAINS = 10
STEPS = 1000  # of Gibbs sampling
SHOWN = (0, 1, 10, 100, 1000)  # steps after which a chain is shown


def figures(models, test, histories):
    """Filters of the trained machines, chains that start with noise, pseudo-likelihood."""
    learned = {name: model for name, model in models.items() if model.options["sampling"]}
    if not learned:
        return {}
    curves = {name: histories[name] for name in learned}
    return {
        "filters": plot_filters(learned),
        "samples": plot_samples(learned, test),
        "likelihood": plot_likelihood(curves),
    }


def plot_filters(models):
    """The weights of some hidden units, those with the largest weights first."""
    size = (5.2 * len(models), 5.6)
    figure, axes = plt.subplots(1, len(models), figsize=size, squeeze=False, layout="constrained")
    for axis, (name, model) in zip(axes[0], models.items(), strict=True):
        kernel = keras.ops.convert_to_numpy(model.kernel)
        side = int(np.sqrt(len(kernel)))
        strongest = np.argsort(-np.linalg.norm(kernel, axis=0))[:FILTERS]
        images = kernel[:, strongest].T.reshape(-1, side, side)
        largest = np.percentile(np.abs(images), 99)
        plots.show_images(
            axis, images, int(np.sqrt(FILTERS)), cmap="RdBu_r", vmin=-largest, vmax=largest
        )
        axis.set(title=f"{name}: red pixels turn a unit on, blue ones off")
    figure.suptitle(
        "Hidden units have become detectors of strokes, though nobody has named a digit"
    )
    return figure


def run_chains(model, start, steps, shown):
    """Gibbs chains from `start` (chains, visible): p(v) after steps, (shown, chains, visible)."""
    visible = keras.ops.convert_to_tensor(start)
    pictures = []
    for step in range(steps + 1):
        if step in shown:
            hidden = model.hidden_probabilities(visible)
            pictures.append(model.visible_probabilities(hidden) if step else visible)
        visible = model.gibbs_step(visible)
    return np.stack([keras.ops.convert_to_numpy(picture) for picture in pictures])


def plot_samples(models, test):
    """A row for each chain, started from noise or from a digit."""
    images, _ = to_numpy(test.take(1))
    figure, axes = plt.subplots(
        len(models), 2, figsize=(10, 3.6 * len(models)), squeeze=False, layout="constrained"
    )
    for row, (name, model) in zip(axes, models.items(), strict=True):
        digits = keras.ops.convert_to_numpy(model.visible(images[:CHAINS]))
        noise = np.random.default_rng(0).integers(0, 2, digits.shape).astype("float32")
        for axis, (kind, start) in zip(
            row, {"noise": noise, "digits": digits}.items(), strict=True
        ):
            chains = run_chains(model, start, STEPS, SHOWN)  # (shown, chains, visible)
            side = int(np.sqrt(digits.shape[1]))
            flat = chains.reshape(-1, side, side)
            plots.show_images(axis, flat, CHAINS, cmap="gray_r", vmin=0, vmax=1)
            axis.set(title=f"{name}: chains that begin with {kind}")
            middle = [(number + 0.5) * (side + 1) for number in range(len(SHOWN))]
            axis.set_yticks(middle, [str(step) for step in SHOWN])
        row[0].set_ylabel("steps of Gibbs sampling")
    figure.suptitle("What the machine makes up by itself")
    return figure


def plot_likelihood(histories):
    """Reconstruction error and pseudo-likelihood over the epochs."""
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    plots.learning_curves(axes[0], histories, "reconstruction_error")
    for name, history in histories.items():
        values = history["val_pseudo_likelihood"]
        axes[1].plot(range(1, len(values) + 1), values, "o-", label=name)
    axes[1].set(title="Pseudo-likelihood (validation)", xlabel="epoch", ylabel="nats an image")
    axes[1].legend()
    figure.suptitle("Digits become more probable, though no step computes their probability")
    return figure

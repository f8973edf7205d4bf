"""The pictures of head_unit_interval: remaining life of four engines, and the two losses."""

import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds

from recipes.heads.head_unit_interval import CAP, FIRST, windows


def figures(models, test, histories):
    """Remaining useful life of four engines, true and predicted, and the two losses."""
    return {"lives": plot_lives(models), "losses": plot_losses(target=0.7)}


def cross_entropy(target, output):
    """Binary cross-entropy in nats; at `output` = `target`, the entropy of the target."""
    return -target * np.log(output) - (1 - target) * np.log(1 - output)


def plot_lives(models):
    figure, axes = plt.subplots(1, 4, figsize=(12, 3.4), layout="constrained", sharey=True)
    engines = tfds.load("cmapss", split="train[80%:]").take(len(axes))
    for axis, engine in zip(axes, engines, strict=False):
        readings, health = windows(engine)
        cycles = range(FIRST, FIRST + len(readings))
        axis.plot(cycles, CAP * health[:, 0], color="black", label="true, at most 125")
        for name, model in models.items():
            predicted = CAP * model.predict(readings, batch_size=500, verbose=0)[:, 0]
            axis.plot(cycles, predicted, alpha=0.8, label=name)
        axis.set(title=f"Engine {int(engine['engine'])}", xlabel="cycle")
    axes[0].set_ylabel("remaining life in cycles")
    axes[0].legend()
    figure.suptitle("Remaining useful life of four engines kept for validation")
    return figure


def plot_losses(target):
    output = np.linspace(0.001, 0.999, 500)
    entropy = cross_entropy(target, target)
    figure, axis = plt.subplots(layout="constrained")
    axis.plot(output, cross_entropy(target, output), label="binary cross-entropy")
    axis.plot(output, (output - target) ** 2, label="squared error")
    label = f"entropy of the target, {entropy:.3f}"
    axis.axhline(entropy, color="gray", linestyle=":", label=label)
    axis.axvline(target, color="gray", linewidth=1)
    axis.set(
        title=f"For a target of {target} both are least there, but cross-entropy is not 0",
        xlabel="output",
        ylabel="loss",
        ylim=(0, 2),
    )
    axis.legend()
    return figure

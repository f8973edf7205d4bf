"""The pictures of spiking_digits: an image's spikes, early predictions, ternary weights."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy

SHOWN = 60  # neurons of each layer


def figures(models, test, histories):
    """The spikes of one image; accuracy after each step; weights with 32 bits and ternary ones."""
    images, labels = to_numpy(test)
    spiking = {name: model for name, model in models.items() if name != "relu"}
    if not spiking:
        return {}
    drawn = {
        "spikes": plot_spikes(next(iter(spiking.values())), images[:1], labels[0]),
        "accuracy": plot_accuracy(models, spiking, images, labels),
    }
    if "ternary" in models:
        drawn["weights"] = plot_weights(spiking)
    return drawn


def activity(model, images):
    """Input spikes, hidden spikes, and votes of all steps, each (images, time, units)."""
    names = ("input_spikes", "hidden_spikes", "votes")
    parts = keras.Model(model.input, [model.get_layer(name).output for name in names])
    return parts.predict(images, batch_size=500, verbose=0)


def plot_spikes(model, images, label):
    """The image, its spikes over time, those of hidden neurons, and the summed outputs."""
    inputs, hidden, votes = (part[0] for part in activity(model, images))
    figure, axes = plt.subplots(
        1, 4, figsize=(13, 3.8), width_ratios=(1, 1.6, 1.6, 1.8), layout="constrained"
    )
    axes[0].imshow(images[0, :, :, 0], cmap="gray_r")
    axes[0].set(title=f"a {label}", xticks=[], yticks=[])
    # Only pixels that are not black fire.
    lit = np.flatnonzero(inputs.sum(axis=0))[:: max(1, np.count_nonzero(inputs.sum(0)) // SHOWN)]
    for axis, spikes, name in (
        (axes[1], inputs[:, lit], "pixels"),
        (axes[2], hidden[:, :SHOWN], "hidden neurons"),
    ):
        steps, units = np.nonzero(spikes)
        axis.scatter(steps + 1, units, marker="|", s=18, color="0.2")
        axis.set(title=f"spikes of {spikes.shape[1]} {name}", xlabel="step", yticks=[])
    sums = np.cumsum(votes, axis=0)
    steps = np.arange(1, len(sums) + 1)
    for digit in range(10):
        chosen = digit == np.argmax(sums[-1])
        color = plots.CLASS_COLORS[0] if chosen else "0.75"
        axes[3].plot(steps, sums[:, digit], color=color, zorder=2 if chosen else 1)
        axes[3].annotate(str(digit), (steps[-1], sums[-1, digit]), color=color)
    axes[3].set(title="what the ten outputs have added up", xlabel="step", xticks=steps[3::4])
    figure.suptitle("An image becomes spikes, and spikes votes")
    return figure


def accuracy_and_events(model, images, labels):
    """Accuracy and number of synaptic events after each step, (time,) each."""
    inputs, hidden, votes = activity(model, images)
    answers = np.cumsum(votes, axis=1).argmax(axis=-1)  # (images, time)
    accuracy = np.mean(answers == labels[:, None], axis=0)
    events = inputs.sum(axis=-1) * hidden.shape[-1] + hidden.sum(axis=-1) * votes.shape[-1]
    return accuracy, np.cumsum(events.mean(axis=0))


def plot_accuracy(models, spiking, images, labels):
    """Accuracy against synaptic events, step by step, beside a network without spikes."""
    figure, axis = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
    for name, model in spiking.items():
        accuracy, events = accuracy_and_events(model, images, labels)
        axis.plot(events / 1000, 100 * accuracy, "o-", label=f"{name}, after 1, 2, 3 … steps")
    if "relu" in models:
        model = models["relu"]
        answers = model.predict(images, batch_size=500, verbose=0).argmax(axis=-1)
        kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel")]
        products = sum(int(np.prod(kernel.shape)) for kernel in kernels)
        right = 100 * np.mean(answers == labels)
        axis.plot(products / 1000, right, "*", markersize=13, color="0.3", label="relu")
    axis.set(
        xlabel="thousand additions of a weight (relu: multiply–accumulates), for an image",
        ylabel="accuracy in percent",
        title="Spiking networks answer before time is up",
    )
    axis.legend(loc="lower right")
    return figure


def plot_weights(spiking):
    """The weights of some hidden neurons."""
    figure, axes = plt.subplots(
        1, len(spiking), figsize=(5 * len(spiking), 3), squeeze=False, layout="constrained"
    )
    for axis, (name, model) in zip(axes[0], spiking.items(), strict=True):
        layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
        kernel = keras.ops.convert_to_numpy(shown_kernel(layers[0]))  # (784, hidden)
        images = kernel[:, :18].T.reshape(-1, 28, 28)
        largest = np.percentile(np.abs(images), 99)
        plots.show_images(axis, images, 6, cmap="RdBu_r", vmin=-largest, vmax=largest)
        axis.set(title=f"{name}: {len(np.unique(kernel)):,} different values")
    figure.suptitle("Weights of 18 hidden neurons: red excites, blue inhibits")
    return figure


def shown_kernel(layer):
    """The weights that a layer computes with."""
    return layer.used_kernel() if hasattr(layer, "used_kernel") else layer.kernel

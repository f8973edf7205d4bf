"""The pictures of prelu_net: the learned slopes, and the scale of the signals by depth."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.cnn_architectures.prelu_net import SLOPE
from recipes.common import plots

TITLES = {
    "he_prelu": "He initialization, PReLU",
    "he_relu": "He initialization, ReLU",
    "glorot_prelu": "Glorot initialization, PReLU",
}


def figures(models, test, histories):
    """The slopes for negative values by layer, and the spread of the signals by layer."""
    images, _ = next(test.as_numpy_iterator())
    drawn = {"signals": plot_signals(models, images)}
    if "he_prelu" in models:
        drawn["slopes"] = plot_slopes(models["he_prelu"])
    return drawn


def slopes(model):
    """The slopes of each PReLU layer: a list of arrays (channels,)."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.PReLU)]
    return [np.ravel(layer.get_weights()[0]) for layer in layers]


def plot_slopes(model):
    """One dot per channel, a line through the means; the title gives the first and last mean."""
    found = slopes(model)
    means = [values.mean() for values in found]
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    for number, values in enumerate(found, start=1):
        axis.scatter(np.full(len(values), number), values, s=8, alpha=0.4, color="#56B4E9")
    axis.plot(range(1, len(found) + 1), means, color="#0072B2", marker="o", label="mean of a layer")
    axis.axhline(SLOPE, color="0.4", linestyle="--", label="before training")
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set(xlabel="layer", ylabel="slope for negative values")
    axis.set_title(
        f"The slopes after training: {means[0]:.2f} on average in the first layer, "
        f"{means[-1]:.2f} in the last"
    )
    axis.legend()
    return figure


def signals(model, images):
    """The standard deviation of the outputs of convolutions and dense layers, before activation.

    The last layer is left out, since its activation, softmax, is part of it.

    Returns:
        Array (layers,).
    """
    kinds = (keras.layers.Conv2D, keras.layers.Dense)
    layers = [layer for layer in model.layers if isinstance(layer, kinds)][:-1]
    extractor = keras.Model(model.inputs, [layer.output for layer in layers])
    outputs = extractor.predict(images, verbose=0)
    return np.array([values.std(dtype="float64") for values in outputs])


def remaining(spreads):
    """The ratio of the last layer's signal to the first layer's."""
    return float(spreads[-1] / spreads[0])


def plot_signals(models, images):
    """The spread of the signals by layer, on a logarithmic scale, one line for each network."""
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    for number, (name, model) in enumerate(models.items()):
        spreads = signals(model, images)
        layers = range(1, len(spreads) + 1)
        label = f"{TITLES[name]}: from first to last × {remaining(spreads):.1g}"
        axis.plot(layers, spreads, marker="o", color=plots.CLASS_COLORS[number], label=label)
    axis.set(yscale="log", xlabel="layer", ylabel="standard deviation of its outputs")
    axis.set_title("The signal on its way through the trained networks")
    axis.legend()
    return figure

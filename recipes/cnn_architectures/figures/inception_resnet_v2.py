"""The pictures of inception_resnet_v2: effects of scaling on the residuals and on training."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots

TITLES = {"scaled": "scaled residuals", "unscaled": "unscaled residuals"}
IMAGES = 500  # for the sizes of the residuals


def figures(models, test, histories):
    """The relative size of each block's residual; the loss with and without scaling."""
    images, _ = next(iter(test))
    sizes = {}
    for name, model in models.items():
        sizes[TITLES[name]] = residual_sizes(model, images[:IMAGES])
    return {"residuals": plot_sizes(sizes), "training": plot_training(histories)}


def residual_sizes(model, images):
    """The size of each block's residual, relative to the block's input.

    Returns:
        A list: the ratio of root mean squares for each block, from the input to the output.
    """
    tensors = [layer.input for layer in model.layers if isinstance(layer, keras.layers.Add)]
    values = keras.Model(model.input, tensors)(images, training=False)
    ratios = []
    for x, correction in values:
        squares = [np.square(np.asarray(tensor)).mean() for tensor in (x, correction)]
        ratios.append(np.sqrt(squares[1] / max(squares[0], 1e-12)))
    return ratios


def medians(sizes):
    """The median of each network's ratios as text, from `{name: ratios}`."""
    return ", ".join(f"{np.median(ratios):.2f} ({name})" for name, ratios in sizes.items())


def lowest_final_loss(histories):
    """The name of the network whose training loss is the lowest after the last epoch."""
    return min(histories, key=lambda name: histories[name]["loss"][-1])


def plot_sizes(sizes):
    """The relative size of the residuals by block, one line for each network."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, ratios in sizes.items():
        axis.plot(range(1, len(ratios) + 1), ratios, "o-", label=name)
    axis.set(
        title="A block's correction relative to its input, in the median:\n" + medians(sizes),
        xlabel="residual block",
        ylabel="correction relative to the input",
        yscale="log",
    )
    axis.legend()
    return figure


def plot_training(histories):
    """The loss over the epochs; the title names the scaling with the lower final loss."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    named = {TITLES[name]: history for name, history in histories.items()}
    plots.learning_curves(axis, named, "loss")
    axis.set(title=f"The training loss ends lower with {lowest_final_loss(named)}")
    return figure

"""The pictures of normalization: the scale of activations by layer, and dependence on the batch."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.training import normalization

NAMES = {
    "none": "none",
    "local_response": "local response",
    "batch": "batch",
    "layer": "layer",
}
COLORS = {
    "none": "#000000",
    "local_response": "#E69F00",
    "batch": "#0072B2",
    "layer": "#009E73",
}
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # batch sizes


def figures(models, test, histories):
    """The scale of activations by layer before training, and outputs alone and in a batch."""
    images, _ = next(test.as_numpy_iterator())
    return {
        "scale_by_layer": plot_scales(images[:64]),
        "alone_and_in_a_batch": plot_batches(models, images),
    }


def scales(model, images):
    """Standard deviation of the activations after each ReLU, in training mode.

    Args:
        model: A network of the recipe.
        images: A batch (batch, 28, 28, 1).

    Returns:
        Array (layers,).
    """
    layers = [layer for layer in model.layers if layer.name.startswith("relu_")]
    activations = keras.Model(model.input, [layer.output for layer in layers])
    outputs = activations(images, training=True)
    return np.array([float(keras.ops.std(x)) for x in outputs])


def plot_scales(images):
    """The scale of activations by layer before training, with each normalization."""
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, arguments in normalization.VARIANTS.items():
        keras.utils.set_random_seed(0)
        found = scales(normalization.build_model(**arguments), images)
        layers = np.arange(1, len(found) + 1)
        axis.plot(layers, found, "o-", color=COLORS[name], label=NAMES[name])
    axis.set(xlabel="layer", ylabel="standard deviation of the activations", yscale="log")
    axis.set_title("Before training: batch and layer normalization keep the scale")
    axis.legend(title="normalization")
    return figure


def batch_dependence(model, images, sizes):
    """Dependence of the first image's class probabilities on the rest of its batch.

    Args:
        model: A network of the recipe.
        images: Array (images, 28, 28, 1).
        sizes: Batch sizes.

    Returns:
        Array (sizes,): the largest difference between training mode and inference.
    """
    expected = np.asarray(model(images[:1], training=False))[0]
    differences = []
    for size in sizes:
        found = np.asarray(model(images[:size], training=True))[0]
        differences.append(np.abs(found - expected).max())
    return np.array(differences)


def plot_batches(models, images):
    """Plot the change of one image's output in training mode by the size of its batch."""
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, model in models.items():
        weights = model.get_weights()
        found = batch_dependence(model, images, SIZES)
        model.set_weights(weights)  # restore the moving averages
        axis.plot(SIZES, found, "o-", color=COLORS[name], label=NAMES[name])
    axis.set(xlabel="images in the batch", ylabel="change of a class probability", xscale="log")
    axis.set_xticks(SIZES, [str(size) for size in SIZES])
    axis.minorticks_off()
    axis.set_title("Only batch normalization makes an answer depend on the batch")
    axis.legend(title="normalization")
    return figure

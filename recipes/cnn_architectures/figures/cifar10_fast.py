"""The pictures of cifar10_fast: accuracy against operations, and the whitening filters."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.cnn_architectures import cifar10_fast as recipe
from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.common.network_cost import network_cost

IMAGES = 95_000  # training images of an epoch: 47,500, each of them twice
RECORD = 0.94, 0.29e15  # accuracy and floating-point operations of the paper's network


def figures(model, test, history):
    """Validation accuracy over the operations spent, and the effect of the first convolution."""
    images, _ = to_numpy(test.take(1))  # one batch of 500
    return {
        "accuracy_by_operations": plot_operations(operations(model), history["val_accuracy"]),
        "whitening": plot_whitening(model, images),
    }


def operations(model):
    """Floating-point operations of an epoch: additions and multiplications, forward and backward.

    The backward pass costs twice as much as the forward pass: it computes a gradient for each
    layer's weights and one for its input.
    """
    return 3 * 2 * network_cost(model)["multiply_accumulates"] * IMAGES


def correlations(answers):
    """Correlations between the channels of an array (…, channels)."""
    return np.corrcoef(answers.reshape(-1, answers.shape[-1]), rowvar=False)


def mean_correlation(values):
    """The mean absolute correlation of different channels, from a matrix (channels, channels)."""
    different = ~np.eye(len(values), dtype=bool)
    return np.abs(values[different]).mean()


def share_of_record(epoch, accuracies):
    """Operations until the best accuracy was first reached, relative to the paper's.

    Args:
        epoch: Operations of an epoch.
        accuracies: After each epoch.
    """
    epochs = np.argmax(accuracies) + 1
    _, record = RECORD
    return epochs * epoch / record


def plot_operations(epoch, accuracies):
    """A curve of the validation accuracy, and the paper's network as a star."""
    figure, axis = plt.subplots(figsize=(7, 4.2), layout="constrained")
    spent = epoch * np.arange(1, len(accuracies) + 1)
    axis.plot(spent, accuracies, "o-", color=plots.CLASS_COLORS[0], label="this network, by epoch")
    accuracy, record = RECORD
    label = f"the paper's, on a GPU: {accuracy:.0%}"
    axis.plot(record, accuracy, "*", markersize=13, color=plots.CLASS_COLORS[1], label=label)
    axis.set(xscale="log", xlabel="floating-point operations spent on training")
    axis.set(ylabel="accuracy (validation; star: test)")
    share = share_of_record(epoch, accuracies)
    axis.set_title(f"{max(accuracies):.1%} for {share:.0%} of the paper's operations")
    axis.legend(loc="lower right")
    return figure


def plot_whitening(model, images):
    """The filters of the first convolution, and the correlations of pixels and of its outputs."""
    (convolution, *_) = (layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    (kernel,) = convolution.get_weights()  # (2, 2, 3, 24)
    components = kernel.shape[-1] // 2
    inputs = recipe.rescaled(images)
    patches = keras.ops.image.extract_patches(inputs, recipe.PATCH, strides=1)
    before = correlations(keras.ops.convert_to_numpy(patches))
    after = correlations(keras.ops.convert_to_numpy(convolution(inputs))[..., :components])
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.9), layout="constrained")
    # Each filter as a color patch, scaled by its largest weight.
    filters = np.moveaxis(kernel[..., :components], -1, 0)  # (12, 2, 2, 3)
    largest = np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    plots.show_images(axes[0], 0.5 + filters / largest / 2, columns=4)
    axes[0].set_title("12 filters of 2 × 2 pixels")
    for axis, values, name in ((axes[1], before, "pixels"), (axes[2], after, "answers")):
        picture = axis.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1)
        axis.set(title=f"correlations of {name}", xticks=[], yticks=[])
    figure.colorbar(picture, ax=axes[2])
    figure.suptitle(
        f"Neighboring pixels say the same ({mean_correlation(before):.2f}); "
        f"after whitening, hardly ({mean_correlation(after):.2f})"
    )
    return figure

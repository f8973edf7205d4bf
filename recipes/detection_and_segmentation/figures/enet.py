"""The pictures of enet: its segmentation of membranes, and the learned slopes of its PReLUs."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from layers.enet_bottleneck import BOTTLENECKS, UpsamplingBottleneck
from recipes.common.arrays import to_numpy

SHOWN = 256  # pixels along each side, of the middle of a slice


def figures(model, test, history):
    """The first test slice beside its segmentation; learned slopes by depth."""
    images, classes = to_numpy(test.take(1))
    probabilities = model.predict(images, verbose=0)[0, :, :, 1]
    return {
        "membranes": plot_membranes(images[0, :, :, 0], classes[0], probabilities),
        "slopes": plot_slopes(*slopes_by_depth(model)),
    }


def iou(found, true):
    """Intersection over union of two boolean arrays."""
    return np.sum(found & true) / max(np.sum(found | true), 1)


def middle(array):
    """The central crop of an array (height, width)."""
    top = max(array.shape[0] - SHOWN, 0) // 2
    left = max(array.shape[1] - SHOWN, 0) // 2
    return array[top : top + SHOWN, left : left + SHOWN]


def plot_membranes(image, true, probabilities):
    """Plot a slice, its labels, and the probability of a membrane in each pixel."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.5), layout="constrained")
    axes[0].imshow(middle(image), cmap="gray", vmin=0, vmax=255)
    axes[0].set_title("a slice that the network has not seen")
    axes[1].imshow(middle(true), cmap="gray_r", vmin=0, vmax=1)
    axes[1].set_title("membranes, drawn by an expert")
    axes[2].imshow(middle(probabilities), cmap="gray_r", vmin=0, vmax=1)
    axes[2].set_title("the network's probability of a membrane")
    for axis in axes:
        axis.set(xticks=[], yticks=[])
    score = iou(probabilities > 0.5, true == 1)
    figure.suptitle(f"Most layers see an eighth of the height and width, yet IoU is {score:.2f}")
    return figure


def slopes_by_depth(model):
    """The slopes of each block with PReLU, from input to output, and the start of the decoder.

    Returns:
        A list of arrays (slopes,), one for each block, and the index of the first upsampling block.
    """
    slopes = []
    decoder = None
    for layer in model.layers:
        if isinstance(layer, UpsamplingBottleneck) and decoder is None:
            decoder = len(slopes)
        parts = []
        if isinstance(layer, BOTTLENECKS):
            parts = [*layer.branch, layer.activation]
        elif isinstance(layer, keras.layers.PReLU):
            parts = [layer]
        learned = []
        for part in parts:
            if isinstance(part, keras.layers.PReLU):
                learned.append(np.ravel(part.alpha))
        if learned:
            slopes.append(np.concatenate(learned))
    return slopes, decoder


def plot_slopes(slopes, decoder):
    """All slopes as points, and their means as a line; the decoder's are shaded."""
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    for depth, values in enumerate(slopes):
        axis.plot(np.full(len(values), depth), values, ".", color="C0", alpha=0.3)
    means = [np.mean(values) for values in slopes]
    axis.plot(range(len(slopes)), means, "-", color="C1", label="mean")
    axis.axvspan(decoder - 0.5, len(slopes) - 0.5, color="0.9", label="decoder")
    axis.axhline(0, color="0.3", linewidth=1)
    encoder_mean = np.mean(np.concatenate(slopes[:decoder]))
    decoder_mean = np.mean(np.concatenate(slopes[decoder:]))
    axis.set(
        title=f"Learned slopes of PReLU: {encoder_mean:.2f} on average in the encoder, "
        f"{decoder_mean:.2f} in the decoder",
        xticks=range(0, len(slopes), 2),
        xlabel="block, from the image to the answer",
        ylabel="slope (0 is ReLU, 1 is linear)",
    )
    axis.legend()
    return figure

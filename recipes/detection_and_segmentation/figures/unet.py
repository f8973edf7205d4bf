"""The pictures of unet: a slice, its membranes, and the errors of each network."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy

SHOWN = 256  # pixels along each side, of the middle of a slice
NAMES = {"skips": "with skips", "no_skips": "without skips"}
# True positives, misses and false positives; the last two also differ in brightness.
COLORS = {"found": (0, 0, 0), "missed": (213, 94, 0), "invented": (86, 180, 233)}


def figures(models, test, histories):
    """True positives, misses and false positives of each network in the first test slice."""
    images, classes = to_numpy(test.take(1))
    predictions = {}
    for name, model in models.items():
        probabilities = model.predict(images, verbose=0)  # (1, height, width, classes)
        predictions[name] = probabilities[0].argmax(axis=-1)
    return {"errors": plot_errors(images[0, :, :, 0], classes[0], predictions)}


def iou(predicted, true):
    """Intersection over union of the pixels of class 1, both arrays (height, width)."""
    intersection = (predicted == 1) & (true == 1)
    union = (predicted == 1) | (true == 1)
    return np.sum(intersection) / np.sum(union)


def painted(predicted, true):
    """An image (height, width, 3), uint8: true positives, misses and false positives in color."""
    image = np.full((*true.shape, 3), 255, "uint8")
    image[(predicted == 1) & (true == 1)] = COLORS["found"]
    image[(predicted == 0) & (true == 1)] = COLORS["missed"]
    image[(predicted == 1) & (true == 0)] = COLORS["invented"]
    return image


def middle(array):
    """The central crop of an array (height, width, …)."""
    top = max(array.shape[0] - SHOWN, 0) // 2
    left = max(array.shape[1] - SHOWN, 0) // 2
    return array[top : top + SHOWN, left : left + SHOWN]


def plot_errors(image, true, predictions):
    """Plot a slice, its labels, and each network's prediction with the errors in color.

    Args:
        image: Array (height, width), from 0 to 255.
        true: The class of each pixel, (height, width).
        predictions: `{name of the network: classes (height, width)}`.
    """
    figure, axes = plt.subplots(1, 2 + len(predictions), figsize=(13, 4), layout="constrained")
    for axis in axes:
        axis.set(xticks=[], yticks=[])

    # The slice and its labels.
    axes[0].imshow(middle(image), cmap="gray", vmin=0, vmax=255)
    axes[0].set_title("a slice that no network has seen")
    axes[1].imshow(middle(painted(true, true)))
    axes[1].set_title("membranes, drawn by an expert")

    # The prediction of each network. The IoU is that of the whole slice.
    scores = {}
    for axis, (name, predicted) in zip(axes[2:], predictions.items(), strict=True):
        scores[name] = iou(predicted, true)
        axis.imshow(middle(painted(predicted, true)))
        axis.set_title(f"{NAMES[name]}: IoU {scores[name]:.2f}")

    # A legend of the colors, from markers without points.
    for name, color in COLORS.items():
        axes[1].plot([], [], "s", color=np.array(color) / 255, label=name)
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)

    gain = scores["skips"] - scores["no_skips"]
    figure.suptitle(f"Skip connections change the membranes' IoU by {gain:+.2f}")
    return figure

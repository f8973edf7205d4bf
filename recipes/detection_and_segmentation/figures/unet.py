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
    answers = {}
    for name, model in models.items():
        answers[name] = model.predict(images, verbose=0)[0].argmax(axis=-1)
    return {"errors": plot_errors(images[0, :, :, 0], classes[0], answers)}


def iou(found, true):
    """Intersection over union of the pixels of class 1, both arrays (height, width)."""
    return np.sum((found == 1) & (true == 1)) / np.sum((found == 1) | (true == 1))


def painted(found, true):
    """An image (height, width, 3), uint8: true positives, misses and false positives in color."""
    image = np.full((*true.shape, 3), 255, "uint8")
    image[(found == 1) & (true == 1)] = COLORS["found"]
    image[(found == 0) & (true == 1)] = COLORS["missed"]
    image[(found == 1) & (true == 0)] = COLORS["invented"]
    return image


def middle(array):
    """The central crop of an array (height, width, …)."""
    top = max(array.shape[0] - SHOWN, 0) // 2
    left = max(array.shape[1] - SHOWN, 0) // 2
    return array[top : top + SHOWN, left : left + SHOWN]


def plot_errors(image, true, answers):
    """Plot a slice, its labels, and each network's prediction with the errors in color."""
    figure, axes = plt.subplots(1, 2 + len(answers), figsize=(13, 4), layout="constrained")
    axes[0].imshow(middle(image), cmap="gray", vmin=0, vmax=255)
    axes[0].set_title("a slice that no network has seen")
    axes[1].imshow(middle(painted(true, true)))
    axes[1].set_title("membranes, drawn by an expert")
    scores = {}
    for axis, (name, found) in zip(axes[2:], answers.items(), strict=True):
        axis.imshow(middle(painted(found, true)))
        scores[name] = iou(found, true)
        axis.set_title(f"{NAMES[name]}: IoU {scores[name]:.2f}")
    for axis in axes:
        axis.set(xticks=[], yticks=[])
    for name, color in COLORS.items():
        axes[1].plot([], [], "s", color=np.array(color) / 255, label=name)
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    gain = scores["skips"] - scores["no_skips"]
    figure.suptitle(f"Skip connections change the membranes' IoU by {gain:+.2f}")
    return figure

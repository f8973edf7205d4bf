"""Pictures of networks trained on the user's boxes or masks: test images with both answers."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colors as matplotlib_colors
from matplotlib import patches

from recipes.common import boxes as box_tools
from recipes.common.plots import CLASS_COLORS, MASK_COLORS

SHOWN = {"masks": 4, "boxes": 8}  # images


def drawn(module, result, answers):
    """The pictures for a recipe adapted to the user's data; none without boxes or masks.

    Args:
        module: The adapted module.
        result: Of the training.
        answers: As for `figures.standard`.
    """
    if module.FORM not in SHOWN:
        return {}
    test = result.test.unbatch().batch(SHOWN[module.FORM]).take(1)
    images, targets, outputs = answers(result.model, test)
    if module.FORM == "masks":
        return {"masks": masks(images, targets, outputs.argmax(axis=-1), module.CLASSES)}
    from recipes.common import detection

    true = [detection.truth_of(*each) for each in decoded(module, targets, 1)]
    found = [detection.detect(*each, threshold=detection.SURE) for each in decoded(module, outputs)]
    return {"boxes": boxes(images, true, found, module.CLASSES)}


def decoded(module, grids, *count):
    """Boxes (n, 4) and scores (n, classes) of each image, from targets or outputs."""
    return zip(*(np.asarray(part) for part in module.decode(grids, *count)), strict=True)


def show(axis, image):
    """Draw an image (height, width, channels) of values from 0 to 255, without ticks."""
    axis.imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=255)
    axis.set(xticks=[], yticks=[])


def masks(images, true, found, names):
    """Images of the test set, their masks, and the class that is predicted for each pixel.

    Args:
        images: Array (n, height, width, channels), uint8.
        true, found: Class numbers, arrays (n, height, width).
        names: Of the classes.
    """
    colors = [MASK_COLORS[0], *MASK_COLORS[1:] * len(names)][: len(names)]
    if len(names) == 2:
        colors = ["black", "white"]
    style = {"cmap": matplotlib_colors.ListedColormap(colors), "vmin": 0}
    style |= {"vmax": len(names) - 1, "interpolation": "nearest"}
    count = len(images)
    figure, axes = plt.subplots(
        3, count, figsize=(2.4 * count + 1, 7), layout="constrained", squeeze=False
    )
    for column, (image, mask, answer) in enumerate(zip(images, true, found, strict=True)):
        show(axes[0, column], image)
        axes[1, column].imshow(mask, **style)
        axes[2, column].imshow(answer, **style)
    for axis in axes[1:].flat:
        axis.set(xticks=[], yticks=[])
    for axis, label in zip(axes[:, 0], ("image", "mask", "predicted"), strict=True):
        axis.set_ylabel(label)
    for name, color in zip(names, colors, strict=True):
        axes[0, 0].plot([], [], "s", color=color, markeredgecolor="0.5", label=name)
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=min(len(names), 6))
    accuracy = np.mean(found == true)
    figure.suptitle(f"{accuracy:.1%} of the pixels of these test images are predicted correctly")
    return figure


def boxes(images, true, found, names):
    """Images of the test set with true boxes, dotted, and predicted ones with class and score.

    Args:
        images: Array (n, height, width, channels), uint8.
        true: For each image boxes (m, 4), from 0 to 1 in the image, and labels (m,).
        found: For each image boxes, labels, and scores, the best first.
        names: Of the classes.
    """
    columns = min(4, len(images))
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(2.8 * columns + 1, 2.8 * rows + 1), layout="constrained"
    )
    axes = np.ravel(axes)
    for axis in axes[len(images) :]:
        axis.set_axis_off()
    right = total = 0
    for axis, image, (there, classes), (answers, labels, scores) in zip(
        axes, images, true, found, strict=False
    ):
        show(axis, image)
        for box in there:
            draw_box(axis, image, box, edgecolor="white", linestyle=":")
        for box, label, score in zip(answers, labels, scores, strict=True):
            color = CLASS_COLORS[label % len(CLASS_COLORS)]
            draw_box(axis, image, box, edgecolor=color)
            height, width = image.shape[:2]
            place = (np.clip(box[0], 0, 0.7) * width, max(box[1], 0.06) * height)
            style = {"facecolor": color, "edgecolor": "none", "pad": 1}
            text = f"{names[label]} {score:.2f}"
            axis.text(*place, text, color="white", fontsize=8, bbox=style, parse_math=False)
        for label in range(len(names)):
            right += box_tools.match(answers[labels == label], there[classes == label]).sum()
        total += len(there)
    figure.suptitle(f"{right} of {total} true boxes (dotted) are found in these test images")
    return figure


def draw_box(axis, image, box, **style):
    """Draw a box (4,), from 0 to 1 in an image."""
    height, width = image.shape[:2]
    left, top, right, bottom = np.asarray(box) * (width, height, width, height) - 0.5
    corner = (left, top)
    axis.add_patch(
        patches.Rectangle(corner, right - left, bottom - top, fill=False, linewidth=1.8, **style)
    )

"""The pictures of yolo_v3: detections, average precision of each class, and anchors among boxes."""

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import lines as lines_2d
from matplotlib import patches

from recipes.common import boxes as box_tools
from recipes.common import detection, plots
from recipes.common.arrays import to_numpy
from recipes.detection_and_segmentation import yolo_v3 as recipe

SHOWN = 3  # photographs
SURE = 0.25  # the score from which on a detection is drawn
NAMES = {"three_scales": "three scales", "one_scale": "one scale"}


def figures(models, test, histories):
    """Detections and average precisions of each network; anchors among the boxes of the test."""
    images, cells = to_numpy(test)
    true = [keras.ops.convert_to_numpy(part) for part in recipe.decode_objects(cells)]
    truths = [detection.truth_of(*row) for row in zip(*true, strict=True)]
    found = {name: found_by(model, images) for name, model in models.items()}
    return {
        "detections": plot_detections(images, truths, found),
        "average_precision": plot_precisions(truths, found),
        "anchors": plot_anchors(next(iter(models.values())), truths),
    }


def found_by(model, images):
    """The detections in each image: `[(boxes, labels, scores), …]`."""
    answers = model.predict(images, batch_size=16, verbose=0)
    decoded = [keras.ops.convert_to_numpy(part) for part in recipe.decode(answers)]
    return [detection.detect(*row, recipe.CANDIDATES) for row in zip(*decoded, strict=True)]


def compared(found, truths):
    """The detections of one network beside the true boxes."""
    detections = box_tools.Detections(len(recipe.CLASSES))
    for mine, true in zip(found, truths, strict=True):
        detections.add(*mine, *true)
    return detections


def draw_box(axis, box, label, **style):
    """A box (4,), in parts of the image, in the color of its class."""
    left, top, right, bottom = box * ([recipe.WIDTH, recipe.HEIGHT] * 2) - 0.5
    style = {"edgecolor": plots.CLASS_COLORS[label], "linewidth": 1.8, "fill": False} | style
    axis.add_patch(patches.Rectangle((left, top), right - left, bottom - top, **style))


def most_platelets(truths):
    """Indices of the images with the most platelets, the smallest objects."""
    platelet = recipe.CLASSES.index("platelet")
    counts = [np.sum(labels == platelet) for _, labels in truths]
    return np.argsort(-np.array(counts), kind="stable")[:SHOWN]


def plot_detections(images, truths, found):
    """Photographs with true boxes, dotted, and those that each network finds, a row for each."""
    shown = most_platelets(truths)
    size = (4 * len(shown), 3.3 * len(found))
    figure, axes = plt.subplots(
        len(found), len(shown), figsize=size, layout="constrained", squeeze=False
    )
    for row, (name, mine) in zip(axes, found.items(), strict=True):
        for axis, index in zip(row, shown, strict=True):
            axis.imshow(images[index])
            axis.set(xticks=[], yticks=[])
            for box in truths[index][0]:
                draw_box(axis, box, 0, edgecolor="black", linestyle=":", linewidth=1.2)
            boxes, labels, scores = mine[index]
            for box, label in zip(boxes[scores >= SURE], labels[scores >= SURE], strict=True):
                draw_box(axis, box, label)
        row[0].set_ylabel(NAMES[name], fontsize=13)
    lines = [lines_2d.Line2D([], [], color=color) for color in plots.CLASS_COLORS[:3]]
    lines.append(lines_2d.Line2D([], [], color="black", linestyle=":"))
    names = [*recipe.CLASSES, "true box"]
    figure.legend(lines, names, loc="outside lower center", ncols=4)
    figure.suptitle("Cells found in photographs that no network has seen")
    return figure


def plot_precisions(truths, found):
    """The average precision of each class, and how many of its cells are found for sure."""
    precisions, recalls = {}, {}
    for name, mine in found.items():
        detections = compared(mine, truths)
        mean = detections.mean_average_precision()
        precisions[f"{NAMES[name]}: mean {mean:.2f}"] = detections.average_precisions()
        recalls[NAMES[name]] = detections.recalls(SURE)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained", sharey=True)
    plots.class_bars(axes[0], precisions, recipe.CLASSES)
    plots.class_bars(axes[1], recalls, recipe.CLASSES)
    axes[0].set(title="average precision at an IoU of 1/2", ylim=(0, 1.3))
    axes[1].set(title=f"recall of detections with a score of {SURE} or more")
    figure.suptitle("Small objects want fine maps")
    return figure


def plot_anchors(model, truths):
    """Width and height of the true boxes, and the anchors of the maps of one network."""
    figure, axis = plt.subplots(figsize=(6.6, 5), layout="constrained")
    boxes = np.concatenate([boxes for boxes, _ in truths])
    labels = np.concatenate([labels for _, labels in truths])
    pixels = np.array([recipe.WIDTH, recipe.HEIGHT])
    sizes = (boxes[:, 2:] - boxes[:, :2]) * pixels
    for label, name in enumerate(recipe.CLASSES):
        color = plots.CLASS_COLORS[label]
        axis.scatter(*sizes[labels == label].T, s=8, alpha=0.4, color=color, label=name)
    maps = [layer for layer in model.layers if isinstance(layer, recipe.Boxes)]
    for layer, marker in zip(maps, "so^", strict=False):
        stride = recipe.WIDTH // layer.input.shape[2]
        style = {"marker": marker, "s": 70, "color": "black", "zorder": 3}
        anchors = np.array(layer.anchors) * pixels
        axis.scatter(*anchors.T, **style, label=f"anchors of cells of {stride} pixels")
    axis.set(xlabel="width in pixels", ylabel="height in pixels", xlim=(0, None), ylim=(0, None))
    axis.set_title("Anchors are the sizes that boxes often have")
    axis.legend(loc="upper left")
    return figure

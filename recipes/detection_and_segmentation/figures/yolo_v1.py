"""The pictures of yolo_v1: detections in scenes, all of its boxes, and precision and recall."""

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import patches

from recipes.common import boxes as box_tools
from recipes.common import detection, plots
from recipes.common.arrays import to_numpy
from recipes.detection_and_segmentation import yolo_v1 as recipe

SHOWN = 8  # scenes
SURE = 0.25  # lowest score of a detection that is drawn


def figures(model, test, history):
    """True and predicted boxes of some scenes; decoding of one output; precision over recall."""
    images, grids = to_numpy(test)
    answers = model.predict(images, batch_size=100, verbose=0)
    decoded = [keras.ops.convert_to_numpy(part) for part in recipe.decode(answers)]
    true = [keras.ops.convert_to_numpy(part) for part in recipe.decode(grids, 1)]
    detections = box_tools.Detections(len(recipe.SHAPES))
    found = []
    for boxes, scores, true_boxes, truth in zip(*decoded, *true, strict=True):
        found.append(detection.detect(boxes, scores))
        detections.add(*found[-1], *detection.truth_of(true_boxes, truth))
    return {
        "detections": plot_detections(images, found, *true),
        "steps": plot_steps(images[0], decoded[0][0], decoded[1][0], found[0]),
        "precision_and_recall": plot_curves(detections),
    }


def draw_box(axis, box, label, dashed=False, width=1.8):
    """Draw a box (4,), relative to the scene's size, in the color of its class."""
    left, top, right, bottom = np.asarray(box) * recipe.SIDE - 0.5
    style = {"edgecolor": plots.CLASS_COLORS[label], "linewidth": width, "fill": False}
    if dashed:
        style |= {"edgecolor": "white", "linestyle": ":"}
    axis.add_patch(patches.Rectangle((left, top), right - left, bottom - top, **style))


def show(axis, image):
    """Draw a scene without ticks."""
    axis.imshow(image)
    axis.set(xticks=[], yticks=[], xlim=(-0.5, recipe.SIDE - 0.5), ylim=(recipe.SIDE - 0.5, -0.5))


def sure_detections(boxes, labels, scores):
    """The detections with a score of `SURE` or more: boxes, labels and scores."""
    sure = scores >= SURE
    return boxes[sure], labels[sure], scores[sure]


def count_found(boxes, labels, true_boxes, true_labels):
    """How many true boxes (m, 4) with labels (m,) are found by boxes (n, 4) with labels (n,)."""
    found = 0
    for label in range(len(recipe.SHAPES)):
        found += box_tools.match(boxes[labels == label], true_boxes[true_labels == label]).sum()
    return found


def plot_detections(images, found, true_boxes, truths):
    """Scenes with true boxes, dotted, and detections with their class and score."""
    count = min(SHOWN, len(images))
    figure, axes = plt.subplots(2, SHOWN // 2, figsize=(11, 5.9), layout="constrained")
    found_shapes = total = 0
    for axis, index in zip(axes.flat, range(count), strict=False):
        show(axis, images[index])
        has_object = truths[index].max(axis=-1) > 0
        labels = truths[index][has_object].argmax(axis=-1)
        for box in true_boxes[index][has_object]:
            draw_box(axis, box, 0, dashed=True)
        boxes, names, scores = sure_detections(*found[index])
        for box, name, score in zip(boxes, names, scores, strict=True):
            draw_box(axis, box, name)
            left, top = box[:2] * recipe.SIDE
            style = {"facecolor": plots.CLASS_COLORS[name], "edgecolor": "none", "pad": 1}
            text = f"{recipe.SHAPES[name]} {score:.2f}"
            place = (np.clip(left, 0, 75), max(top, 6))
            axis.text(*place, text, color="white", fontsize=8, bbox=style, va="bottom")
        found_shapes += count_found(boxes, names, true_boxes[index][has_object], labels)
        total += has_object.sum()
    figure.suptitle(
        f"{found_shapes} of {total} shapes (dotted) are found in scenes of the test set"
    )
    return figure


def plot_steps(image, boxes, scores, found):
    """One output: all 98 boxes, those with high scores, and those after suppression."""
    labels = scores.argmax(axis=-1)
    best = scores.max(axis=-1)
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.6), layout="constrained")
    for axis in axes:
        show(axis, image)
    # All boxes, the surer the wider, over the grid.
    for box, label, score in zip(boxes, labels, best, strict=True):
        draw_box(axes[0], box, label, width=0.4 + 3 * max(score, 0))
    for line in np.arange(1, recipe.CELLS) * recipe.SIDE / recipe.CELLS:
        axes[0].axhline(line, color="white", linewidth=0.4)
        axes[0].axvline(line, color="white", linewidth=0.4)
    axes[0].set_title(f"{len(boxes)} boxes of 7 × 7 cells")

    # Those with a high score, before and after suppression.
    before = sure_detections(boxes, labels, best)
    after = sure_detections(*found)
    for axis, (sure_boxes, sure_labels, _) in zip(axes[1:], (before, after), strict=True):
        for box, label in zip(sure_boxes, sure_labels, strict=True):
            draw_box(axis, box, label)
    axes[1].set_title(f"{len(before[0])} with a score of {SURE} or more")
    axes[2].set_title(f"{len(after[0])} after suppression")
    figure.suptitle("From boxes to detections: confidence, class, non-maximum suppression")
    return figure


def plot_curves(detections):
    """Precision over recall, for each class."""
    figure, axis = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
    averages = detections.average_precisions()
    for label, name in enumerate(recipe.SHAPES):
        row = detections.scores[label], detections.hits[label], detections.counts[label]
        if not detections.counts[label]:
            continue
        precision, recall = box_tools.precision_and_recall(*row)
        color = plots.CLASS_COLORS[label]
        axis.plot(recall, precision, color=color, label=f"{name}: AP {averages[label]:.2f}")
    axis.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall: share of the shapes that is found")
    axis.set(ylabel="precision: share of the detections that is right")
    mean = detections.mean_average_precision()
    axis.set(title=f"Mean average precision {mean:.2f} at an IoU of 1/2")
    axis.legend(loc="lower left")
    return figure

"""The pictures of cnn_cifar100: its two heads, and which classes of a superclass are confused."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.datasets import cifar100

SHOWN = 6  # superclasses
NAMED = ("trees", "fish", "people", "large_carnivores", "vehicles_1")  # named beside the heads
SUPERCLASS_OF = np.array(cifar100.superclass_labels())  # (100,)


def figures(model, test, history):
    """The network with its two heads; matrices of the superclasses that are confused most."""
    _, labels = to_numpy(test)
    answers = model.predict(test, verbose=0)
    found = answers["fine"].argmax(axis=-1)
    agreement = np.mean(SUPERCLASS_OF[found] == answers["coarse"].argmax(axis=-1))
    return {
        "two_heads": plot_heads(model),
        "confusion_within": plot_confusion(labels["fine"], found, agreement),
    }


def shared_shapes(model):
    """Shapes (height, width, channels) of the image and of the maps that both heads share."""
    kinds = keras.layers.ReLU | keras.layers.AveragePooling2D
    shapes = [model.input.shape[1:]]
    for layer in model.layers:
        shape = layer.output.shape[1:]
        if isinstance(layer, kinds) and shape != shapes[-1]:
            shapes.append(shape)
    return shapes


def class_names(superclass):
    """The names of the five classes of a superclass, as words."""
    names = []
    for word in cifar100.SUPERCLASSES[superclass].split():
        names.append(word.removesuffix("_tree").replace("_", " "))
    return names


def box(axis, x, y, width, height, color, text, **options):
    """Draw a rectangle around (x, y) with a text in it."""
    corner = (x - width / 2, y - height / 2)
    axis.add_patch(plt.Rectangle(corner, width, height, facecolor=color, edgecolor="black"))
    axis.text(x, y, text, ha="center", va="center", **options)


def arrow(axis, start, end):
    """Draw an arrow between two points."""
    axis.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "0.4"})


def plot_heads(model):
    """The maps that both heads share, with proportional heights, and five of 20 superclasses."""
    figure, axis = plt.subplots(figsize=(10, 4.6), layout="constrained")
    shapes = shared_shapes(model)
    places = np.arange(len(shapes), dtype=float)
    for place, (height, width, channels) in zip(places, shapes, strict=True):
        side = 0.9 + 3 * height / shapes[0][0]
        text = f"{height} × {width}\n× {channels}"
        box(axis, place, 0, 0.76, side, plots.CLASS_COLORS[0] + "55", text, fontsize=9)
        if place > 0:
            arrow(axis, (place - 0.62, 0), (place - 0.38, 0))
    end = places[-1] + 0.38
    left = end + 0.9
    for name, y in (("coarse", 1.1), ("fine", -1.1)):
        count = model.output[name].shape[-1]
        color = plots.CLASS_COLORS[1 if name == "coarse" else 2]
        arrow(axis, (end, 0), (left - 0.42, y))
        box(axis, left, y, 0.84, 1.5, color + "88", f"{name}\n{count}", fontsize=11)
    # The outputs of the heads: a superclass above, its five classes below it.
    column = left + 1.1
    for name in NAMED:
        title = name.replace("_", " ").replace(" ", "\n", 1)
        axis.text(column, 1.1, title, ha="center", va="center", fontsize=11)
        axis.text(column, -1.1, "\n".join(class_names(name)), ha="center", va="center", fontsize=10)
        column += 1.12
    axis.set(xlim=(-0.5, column - 0.5), ylim=(-2.1, 2.1))
    axis.set_axis_off()
    figure.suptitle("One network, two questions: 20 superclasses, of which each has five classes")
    return figure


def confusion(true, found):
    """The share of each class's images predicted as each class: (100, 100), rows are true classes.

    Rows without images are zeros.
    """
    counts = np.zeros((100, 100))
    np.add.at(counts, (true, found), 1)
    images = counts.sum(axis=1, keepdims=True)
    return counts / np.maximum(images, 1)


def confusion_within(shares):
    """Confusion matrices (5, 5) of the classes within each superclass: (20, 5, 5)."""
    matrices = []
    for superclass in range(len(cifar100.SUPERCLASSES)):
        classes = np.flatnonzero(superclass == SUPERCLASS_OF)
        matrices.append(shares[np.ix_(classes, classes)])
    return np.array(matrices)


def mistakes_within(true, found):
    """The share of the mistakes that stay within the superclass; 0 if there are no mistakes."""
    wrong = true != found
    within = SUPERCLASS_OF[true] == SUPERCLASS_OF[found]
    return np.sum(wrong & within) / max(np.sum(wrong), 1)


def plot_confusion(true, found, agreement):
    """Matrices of the most confused superclasses; the rest of each row went to other ones."""
    matrices = confusion_within(confusion(true, found))
    wrong = matrices.sum(axis=(1, 2)) - np.trace(matrices, axis1=1, axis2=2)
    most_confused = np.argsort(-wrong)[:SHOWN]
    superclasses = list(cifar100.SUPERCLASSES)
    figure, axes = plt.subplots(2, SHOWN // 2, figsize=(11, 8), layout="constrained")
    for axis, superclass in zip(axes.flat, most_confused, strict=True):
        name = superclasses[superclass]
        classes = class_names(name)
        matrix = 100 * matrices[superclass]
        plots.heatmap(axis, matrix, classes, classes, numbers="{:.0f}", vmax=100)
        axis.set_title(name.replace("_", " "), fontsize=11)
    figure.suptitle(
        "Which class (column) is seen in images of which (row), in percent: "
        "the most confused superclasses\n"
        f"{mistakes_within(true, found):.0%} of all mistakes stay within the superclass "
        f"(by chance {4 / 99:.0%}); the two heads agree on {agreement:.0%} of the images"
    )
    return figure

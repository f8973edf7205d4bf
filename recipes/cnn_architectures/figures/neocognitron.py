"""The pictures of neocognitron: accuracy on shifted digits, and what the planes have learned."""

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from recipes.cnn_architectures import neocognitron
from recipes.common import plots
from recipes.common.arrays import to_numpy

SHIFTS = (0, 1, 2, 3, 4, 5, 6)  # pixels
MOVED = 4  # pixels, the shift in the title
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))  # down, up, right, left
DIGITS = 500  # test digits, each shifted in the four directions
NAMES = {"neocognitron": "neocognitron", "lenet": "LeNet"}


def figures(models, test, histories):
    """Accuracy by shift, beside template matching; what the planes have learned."""
    images, labels = to_numpy(test.unbatch().take(DIGITS).batch(DIGITS))
    train, _, _ = neocognitron.load_data()
    train_images, train_labels = to_numpy(train)
    nearest = KNeighborsClassifier(1).fit(neocognitron.pixels(train_images), train_labels)
    accuracies = {"template matching": []}
    accuracies |= {NAMES[name]: [] for name in models}
    for shift in SHIFTS:
        shifted, true = all_directions(images, labels, shift)
        found = nearest.predict(neocognitron.pixels(shifted))
        accuracies["template matching"].append(np.mean(found == true))
        for name, model in models.items():
            found = model.predict(shifted, verbose=0).argmax(axis=-1)
            accuracies[NAMES[name]].append(np.mean(found == true))
    drawings = {"shifted_digits": plot_shifts(images[0], accuracies)}
    if "neocognitron" in models:
        drawings["planes"] = plot_planes(models["neocognitron"], images[0])
    return drawings


def shift_image(images, down, right):
    """Images (count, height, width, 1) shifted by some pixels, filled with zeros."""
    height, width = images.shape[1:3]
    moved = np.zeros_like(images)
    from_rows = slice(max(-down, 0), height - max(down, 0))
    from_columns = slice(max(-right, 0), width - max(right, 0))
    to_rows = slice(max(down, 0), height - max(-down, 0))
    to_columns = slice(max(right, 0), width - max(-right, 0))
    moved[:, to_rows, to_columns] = images[:, from_rows, from_columns]
    return moved


def all_directions(images, labels, shift):
    """The images moved by `shift` pixels in each direction, and their labels."""
    moved = []
    for down, right in DIRECTIONS:
        moved.append(shift_image(images, shift * down, shift * right))
    return np.concatenate(moved), np.tile(labels, len(DIRECTIONS))


def plot_shifts(image, accuracies):
    """Accuracy by shift; above it a digit, moved down by the same number of pixels."""
    figure, axes = plt.subplot_mosaic(
        [[f"digit {shift}" for shift in SHIFTS], ["accuracy"] * len(SHIFTS)],
        figsize=(8, 5.5),
        height_ratios=(1, 4),
        layout="constrained",
    )
    for shift in SHIFTS:
        axis = axes[f"digit {shift}"]
        axis.imshow(shift_image(image[None], shift, 0)[0, :, :, 0], cmap="gray_r")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(True)
    axis = axes["accuracy"]
    for name, values in accuracies.items():
        axis.plot(SHIFTS, values, "o-", label=name)
    losses = []
    for name, values in accuracies.items():
        losses.append(f"{name} {100 * (values[0] - values[SHIFTS.index(MOVED)]):.0f}")
    axis.set(
        title=f"Points of accuracy lost by {MOVED} pixels: " + ", ".join(losses),
        xlabel="shift in pixels, mean of four directions",
        ylabel="test accuracy",
        ylim=(0, 1),
    )
    axis.legend(loc="lower left")
    return figure


def plot_planes(model, image):
    """The first layer's templates, and the response of the first planes to a digit (28, 28, 1)."""
    first, second, _ = [layer for layer in model.layers if isinstance(layer, neocognitron.SCells)]
    looking = keras.Model(model.input, [first.output, second.output])
    first_maps, second_maps = looking.predict(image[None], verbose=0)
    templates = np.asarray(first.templates)[:, :, 0]  # (5, 5, planes)
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.4), layout="constrained")
    parts = {
        "templates of the first layer": templates,
        "its planes, seeing a digit": first_maps[0],
        "the first 16 planes of the second layer": second_maps[0, :, :, :16],
    }
    for axis, (title, maps) in zip(axes, parts.items(), strict=True):
        plots.show_images(axis, np.moveaxis(maps, -1, 0), title=title, cmap="gray_r")
    figure.suptitle("Without labels, planes of the first layer become edges and lines")
    return figure

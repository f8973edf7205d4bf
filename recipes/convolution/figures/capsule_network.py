"""The pictures of capsule_network: accuracy on transformed digits, coupling, poses of a digit."""

import keras
import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage

from layers.capsule import route_by_agreement
from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.convolution import capsule_network as recipe

NAMES = {"capsules": "capsules", "cnn": "CNN of the same size"}
ANGLES = np.arange(-45, 46, 5)  # degrees
SHIFTS = np.arange(-4, 5)  # pixels to the right


def figures(models, test, histories):
    """Accuracy under affine transformations; coupling coefficients; the pose of a moving digit."""
    images, labels = to_numpy(test.take(4))
    images = images.astype("float32")
    accuracies = {}
    for name, model in models.items():
        accuracies[name] = recipe.robustness(model, images, labels)
    one_of_each = []
    for label in (2, 4, 5, 8):
        one_of_each.append(images[np.flatnonzero(labels == label)[0]])
    return {
        "affine": plot_affine(accuracies, images[0]),
        "coupling": plot_coupling(models["capsules"], np.stack(one_of_each)),
        "pose": plot_pose(models["capsules"], one_of_each[1]),
    }


def mean_difference(accuracies):
    """Mean lead of the capsules over the CNN in percentage points, over all transformations."""
    # Skip the first strength, the identity.
    return 100 * (np.mean(accuracies["capsules"][1:]) - np.mean(accuracies["cnn"][1:]))


def plot_affine(accuracies, image):
    """Accuracy against the strength of the transformations, with a digit at each strength.

    Args:
        accuracies: By network, as returned by `robustness`.
        image: Array (28, 28, 1).
    """
    figure, axes = plt.subplots(
        2, 1, figsize=(8, 6.4), height_ratios=(1, 2.6), layout="constrained"
    )
    examples = []
    for strength in recipe.STRENGTHS:
        examples.append(recipe.transform(np.stack([image, image]), strength)[1])
    plots.show_images(axes[0], examples, columns=len(examples), cmap="gray_r")
    for name, values in accuracies.items():
        axes[1].plot(recipe.STRENGTHS, 100 * np.array(values), "o-", label=NAMES[name])
    axes[1].set(xlabel="strength of the transformations", ylabel="accuracy (%)")
    axes[1].set_xlim(-0.5, len(recipe.STRENGTHS) - 0.5)
    axes[1].legend()
    difference = mean_difference(accuracies)
    figure.suptitle(
        "On rotated, scaled, sheared and shifted digits, capsules beside the CNN:\n"
        f"{difference:+.1f} percentage points on average"
    )
    return figure


def couplings(model, images):
    """The coupling coefficients of the primary capsules with the digit capsules.

    Args:
        model: The network of capsules.
        images: Array (count, 28, 28, 1).

    Returns:
        Array (count, primary capsules, digits), whose sums over the digits are 1.
    """
    primary = keras.Model(model.inputs, model.get_layer("primary_capsules").output)
    layer = model.get_layer("digit_capsules")
    predictions = layer.predictions(primary([images], training=False))
    _, coupling = route_by_agreement(predictions, layer.routings)
    return keras.ops.convert_to_numpy(coupling)


def plot_coupling(model, images):
    """The couplings of primary capsules with digit capsules, for four digits."""
    coupling = couplings(model, images)
    lengths = keras.ops.convert_to_numpy(model(images, training=False))
    figure, axes = plt.subplots(
        2, len(images), figsize=(10, 6.6), height_ratios=(1, 2.4), layout="constrained"
    )
    shares = []
    for index, image in enumerate(images):
        found = lengths[index].argmax()
        shares.append(coupling[index, :, found].mean())
        plots.show_images(axes[0, index], image[None], cmap="gray_r", title=f"found: {found}")
        style = {"aspect": "auto", "vmax": coupling.max()}
        picture = plots.heatmap(axes[1, index], coupling[index], **style)
        axes[1, index].set(xlabel="digit capsule", xticks=range(10))
    axes[1, 0].set_ylabel("primary capsule")
    figure.colorbar(picture, ax=axes[1, -1], label="coupling")
    figure.suptitle(
        f"Before routing each digit gets 10 % of all capsules, after it the found one "
        f"{np.mean(shares):.0%}"
    )
    return figure


def angles_between(vectors, reference):
    """The angles in degrees between vectors (count, dim) and one vector (dim,)."""
    cosines = vectors @ reference
    cosines = cosines / np.linalg.norm(vectors, axis=-1) / np.linalg.norm(reference)
    return np.rad2deg(np.arccos(np.clip(cosines, -1, 1)))


def poses(model, images):
    """The digit capsule that is longest for the middle image, for all images: (count, 16)."""
    extractor = keras.Model(model.inputs, model.get_layer("digit_capsules").output)
    capsules = keras.ops.convert_to_numpy(extractor([images], training=False))
    lengths = np.linalg.norm(capsules, axis=-1)  # (count, 10)
    return capsules[:, lengths[len(images) // 2].argmax()]


def plot_pose(model, image):
    """Direction and length of a digit's capsule as the digit rotates and moves."""
    rotated = [ndimage.rotate(image, angle, reshape=False, order=1) for angle in ANGLES]
    shifted = [ndimage.shift(image, (0, shift, 0), order=1) for shift in SHIFTS]
    figure, axes = plt.subplots(2, 2, figsize=(10, 6), sharey="row", layout="constrained")
    turns = []
    for column, (images, amounts, label) in enumerate(
        ((rotated, ANGLES, "rotation (degrees)"), (shifted, SHIFTS, "shift (pixels)"))
    ):
        vectors = poses(model, np.stack(images))
        turned = angles_between(vectors, vectors[len(vectors) // 2])
        turns.append(turned.max())
        axes[0, column].plot(amounts, turned, "o-")
        axes[0, column].set(xlabel=label)
        axes[1, column].plot(amounts, np.linalg.norm(vectors, axis=-1), "o-", color="C1")
        axes[1, column].set(xlabel=label, ylim=(0, 1))
    axes[0, 0].set_ylabel("its direction turns by (degrees)")
    axes[1, 0].set_ylabel("its length")
    figure.suptitle(
        f"The vector of a 4 turns by up to {turns[0]:.0f}° if it is rotated, "
        f"{turns[1]:.0f}° if it is shifted"
    )
    return figure

"""The pictures of scrambled_parts: predictions for scrambled, shifted and rotated faces."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.convolution import scrambled_parts as recipe

NAMES = {"global_pooling": "global pooling", "flatten": "Flatten"}
STYLES = {"global_pooling": "o-", "flatten": "s--"}
SHIFTS = np.arange(-7, 8)  # pixels to the right
ANGLES = np.arange(0, 360, 90)  # degrees: other rotations would blur the parts


def figures(models, test, histories):
    """Probabilities of three kinds of images; shifted and rotated faces; maps of a shifted face."""
    images, labels = to_numpy(test.take(1))
    kinds = {
        "face": images[labels[:, 0] == 1],
        "scrambled": recipe.sample_scrambled(250),
        "other parts": images[labels[:, 0] == 0],
    }
    return {
        "examples": plot_examples(models, kinds),
        "probabilities": plot_probabilities(models, kinds),
        "shift_and_rotation": plot_invariance(models, kinds["face"][:100]),
        "equivariance": plot_equivariance(models["global_pooling"], kinds["face"][:1]),
    }


def plot_examples(models, kinds):
    """Four images of each kind with the probability of a face by both networks."""
    figure, axes = plt.subplots(3, 4, figsize=(8, 7.4), layout="constrained")
    for row, (kind, images) in zip(axes, kinds.items(), strict=True):
        row[0].set_ylabel(kind)
        answers = {}
        for name, model in models.items():
            answers[NAMES[name]] = recipe.face_probabilities(model, images[:4])
        for index, axis in enumerate(row):
            plots.show_images(axis, images[index][None], vmin=0, vmax=1)
            lines = [f"{name}: {found[index]:.2f}" for name, found in answers.items()]
            axis.set_title("\n".join(lines), fontsize=9)
    figure.suptitle("Is this a face? The probabilities of both networks")
    return figure


def plot_probabilities(models, kinds):
    """Distribution of the probability of a face over three kinds of images."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True, layout="constrained")
    means = {}
    for axis, (name, model) in zip(axes, models.items(), strict=True):
        for kind, images in kinds.items():
            found = recipe.face_probabilities(model, images)
            weights = np.full(len(found), 100 / len(found))
            style = {"bins": np.linspace(0, 1, 21), "alpha": 0.6, "weights": weights}
            axis.hist(found, label=kind, **style)
            means[name, kind] = found.mean()
        axis.set(title=NAMES[name], xlabel="probability of a face")
    axes[0].set_ylabel("images (%)")
    axes[0].legend(loc="upper center")
    pooled = means["global_pooling", "scrambled"]
    flat = means["flatten", "scrambled"]
    figure.suptitle(
        f"Scrambled faces: {pooled:.2f} on average with global pooling, {flat:.2f} with Flatten"
    )
    return figure


def plot_invariance(models, faces):
    """The mean probability of a face against shift and rotation."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
    extremes = {}
    for name, model in models.items():
        shifted = []
        for shift in SHIFTS:
            moved = np.roll(faces, shift, axis=2)
            shifted.append(recipe.face_probabilities(model, moved).mean())
        rotated = []
        for angle in ANGLES:
            turned = np.rot90(faces, angle // 90, axes=(1, 2))
            rotated.append(recipe.face_probabilities(model, turned).mean())
        axes[0].plot(SHIFTS, shifted, STYLES[name], label=NAMES[name])
        axes[1].plot(ANGLES, rotated, STYLES[name], label=NAMES[name])
        extremes[name] = (min(shifted), rotated[2])  # 180 degrees
    axes[0].set(title="Shifted", xlabel="pixels to the right", ylim=(-0.03, 1.03))
    axes[1].set(title="Rotated", xlabel="degrees", xticks=ANGLES)
    axes[0].set_ylabel("mean probability of a face")
    axes[0].axvspan(-3, 3, color="0.92", zorder=0, label="occurs in training")
    axes[0].legend(loc="lower center")
    shifted, rotated = extremes["global_pooling"]
    figure.suptitle(
        f"With global pooling, a shifted face is one at {shifted:.2f} or more, "
        f"upside down at {rotated:.2f}"
    )
    return figure


def plot_equivariance(model, face):
    """The map of a face, shifted; the map of the shifted face; and the same for a rotation."""
    layer = model.layers[0]
    maps = keras.ops.convert_to_numpy(layer(face))[0]  # (52, 52, filters)
    strongest = int(maps.std(axis=(0, 1)).argmax())
    shifted = np.roll(face, 6, axis=2)
    turned = np.rot90(face, axes=(1, 2))
    of_shifted = keras.ops.convert_to_numpy(layer(shifted))[0]
    of_turned = keras.ops.convert_to_numpy(layer(turned))[0]
    panels = {
        "shifted": (shifted, np.roll(maps, 6, axis=1), of_shifted),
        "rotated": (turned, np.rot90(maps), of_turned),
    }
    figure, axes = plt.subplots(2, 4, figsize=(10, 5.4), layout="constrained")
    for row, (word, (image, expected, found)) in zip(axes, panels.items(), strict=True):
        expected = expected[:, :, strongest]
        found = found[:, :, strongest]
        plots.show_images(row[0], image, title=f"face, {word}", vmin=0, vmax=1)
        style = {"cmap": "magma", "vmin": 0, "vmax": expected.max()}
        plots.show_images(row[1], expected[None], title=f"its map, {word}", **style)
        plots.show_images(row[2], found[None], title=f"map of the {word} face", **style)
        difference = np.abs(found - expected)
        plots.show_images(row[3], difference[None], title="difference", **style)
    figure.suptitle(
        "A convolution commutes with a shift (but for what wraps around), not with a rotation"
    )
    return figure

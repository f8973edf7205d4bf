"""The pictures of conv3d_clips: moving clips, the same clips backwards, and filters along time."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.convolution import conv3d_clips as recipe


def figures(models, test, histories):
    """A clip of each class, moving; predictions for clips played backwards; the first filters."""
    clips, labels = to_numpy(test.take(2))  # 400 clips
    answers = {}
    for name, model in models.items():
        forwards = model.predict(clips, verbose=0).argmax(axis=-1)
        backwards = model.predict(clips[:, ::-1], verbose=0).argmax(axis=-1)
        answers[name] = compare_directions(forwards, backwards)
    return {
        "clips": animate_clips(clips, labels, models),
        "frames": plot_frames(clips, labels),
        "backwards": plot_backwards(answers),
        "filters": plot_filters(models["conv3d"]),
    }


def compare_directions(forwards, backwards):
    """The effect of playing clips backwards on the predictions.

    Args:
        forwards, backwards: Predicted classes, (clips,).

    Returns:
        The shares of clips by kind of change.
    """
    same = np.mean(backwards == forwards)
    opposite = np.mean(backwards == (forwards + 4) % len(recipe.CLASSES))
    return {"the same": same, "the opposite": opposite, "another": 1 - same - opposite}


def one_of_each(clips, labels):
    """The first clip of each class: (8, 8, 24, 24, 1)."""
    chosen = []
    for label in range(len(recipe.CLASSES)):
        chosen.append(clips[np.flatnonzero(labels == label)[0]])
    return np.stack(chosen)


def animate_clips(clips, labels, models):
    """A clip of each class with the prediction of each network."""
    chosen = one_of_each(clips, labels)
    lines = [[f"really {name}"] for name in recipe.CLASSES]
    for name, model in models.items():
        answers = model.predict(chosen, verbose=0).argmax(axis=-1)
        for line, answer in zip(lines, answers, strict=True):
            line.append(f"{name}: {recipe.CLASSES[answer]}")
    figure, axes = plt.subplots(2, 4, figsize=(8, 5.4), layout="constrained")
    pictures = []
    for axis, clip, line in zip(axes.flat, chosen, lines, strict=True):
        picture = plots.show_images(axis, clip[:1], vmin=-0.5, vmax=1.2)
        axis.set_title("\n".join(line), fontsize=9)
        pictures.append(picture)
    figure.suptitle("Which shape moves, and in which direction?")

    def draw_frame(frame):
        for picture, clip in zip(pictures, chosen, strict=True):
            picture.set_data(clip[frame, :, :, 0])

    return FuncAnimation(figure, draw_frame, frames=recipe.FRAMES, interval=180)


def plot_frames(clips, labels):
    """The frames of a clip that moves right, and of one that moves left."""
    chosen = one_of_each(clips, labels)
    figure, axes = plt.subplots(2, 1, figsize=(10, 3.4), layout="constrained")
    for axis, label in zip(axes, (0, 4), strict=True):
        title = f"moves {recipe.CLASSES[label]}"
        style = {"vmin": -0.5, "vmax": 1.2}
        plots.show_images(axis, chosen[label], columns=recipe.FRAMES, title=title, **style)
    figure.suptitle("No frame tells the direction: only their order does")
    return figure


def plot_backwards(answers):
    """Changes of each network's predictions if the clip is played backwards.

    Args:
        answers: By network, as returned by `compare_directions`.
    """
    figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
    kinds = list(next(iter(answers.values())))
    shares = {}
    for name, changes in answers.items():
        shares[name] = [100 * changes[kind] for kind in kinds]
    plots.class_bars(axis, shares, kinds)
    axis.set(ylabel="clips (%)", xlabel="answer to the clip played backwards")
    turned = answers["conv3d"]["the opposite"]
    kept = answers["conv2d"]["the same"]
    axis.set_title(
        f"Backwards, Conv3D sees the opposite direction in {turned:.0%} of the clips,\n"
        f"Conv2D the same one in {kept:.0%}"
    )
    return figure


def plot_filters(model):
    """The filters of the first layer: three frames each, one below the other."""
    kernel = model.layers[0].get_weights()[0][:, :, :, 0]  # (3, 3, 3, filters)
    frames, height, width, filters = kernel.shape
    images = kernel.transpose(0, 3, 1, 2).reshape(frames * filters, height, width)
    largest = np.abs(images).max()
    figure, axis = plt.subplots(figsize=(9, 3.9), layout="constrained")
    style = {"cmap": "PuOr_r", "vmin": -largest, "vmax": largest}
    picture = plots.show_images(axis, images, columns=filters, **style)
    axis.set_yticks(np.arange(frames) * (height + 1) + 1, ["frame 1", "frame 2", "frame 3"])
    figure.colorbar(picture, label="weight")
    figure.suptitle("Filters of three frames: some follow a movement from frame to frame")
    return figure

"""The pictures of gan_toy: samples and discriminator in the plane, and training curves."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation

from recipes.gans import gan_toy

VIEW = (-1.55, 1.55)
COLORS = {"plain": "C1", "minibatch_statistics": "C4", "low_momentum": "C0"}


def figures(models, test, histories):
    """The samples during and after training, and the losses and mode coverage by epoch."""
    return {
        "game": animate(models),
        "end": draw_end(models),
        "losses": draw_curves(histories),
    }


def draw_plane(axis, samples, probabilities):
    """The discriminator's probabilities, real (orange) or generated (purple), and the samples."""
    picture = axis.imshow(
        probabilities, extent=(*VIEW, *VIEW), origin="lower", cmap="PuOr_r", vmin=0, vmax=1
    )
    axis.scatter(*gan_toy.CENTERS.T, s=90, facecolors="none", edgecolors="0.35", linewidths=1)
    (dots,) = axis.plot(*samples.T, ".", color="black", markersize=2)
    axis.set(xlim=VIEW, ylim=VIEW, xticks=[], yticks=[])
    return picture, dots


def animate(models):
    """Every second snapshot of all variants side by side."""
    size = (3 * len(models), 3.4)
    figure, axes = plt.subplots(1, len(models), figsize=size, layout="constrained", squeeze=False)
    panels = {}
    for axis, (name, model) in zip(axes[0], models.items(), strict=True):
        panels[name] = (axis, *draw_plane(axis, *model.snapshots[0][1]))
    snapshots = min(len(model.snapshots) for model in models.values())

    def update(frame):
        for name, (axis, picture, dots) in panels.items():
            epoch, (samples, probabilities) = models[name].snapshots[2 * frame]
            picture.set_data(probabilities)
            dots.set_data(*samples.T)
            axis.set_title(f"{name}, epoch {epoch}", fontsize=10)

    # Compute the layout once, for the first frame.
    update(0)
    figure.canvas.draw()
    figure.set_layout_engine("none")
    return FuncAnimation(figure, update, frames=(snapshots + 1) // 2, interval=300)


def draw_end(models):
    """The networks of the chosen epoch."""
    figure, axes = plt.subplots(
        1, len(models), figsize=(12, 4.4), layout="constrained", squeeze=False
    )
    for axis, (name, model) in zip(axes[0], models.items(), strict=True):
        draw_plane(axis, *gan_toy.snapshot(model))
        scores = gan_toy.mode_metrics(model.generate(10_000))
        modes = int(scores["modes"])
        share = float(scores["high_quality_samples"])
        axis.set_title(
            f"{name}: {modes} of {gan_toy.MODES} modes,\n{share:.0%} high-quality samples"
        )
    figure.suptitle("Orange: D takes it for real; purple: for generated; white: D is undecided")
    return figure


def draw_curves(histories):
    """The discriminator's loss, and the generator's mode coverage."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
    for name, history in histories.items():
        for axis, metric in ((left, "val_discriminator_loss"), (right, "val_mode_coverage")):
            values = history.get(metric, [])
            axis.plot(np.arange(len(values)) + 1, values, color=COLORS.get(name), label=name)
    left.axhline(np.log(4), color="0.5", linestyle="--", label="log 4: D = ½ everywhere")
    left.set(title="Near log 4 are good and bad discriminators", xlabel="epoch", ylabel="nats")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    right.set(title="Mode coverage of the generators", xlabel="epoch", ylim=(0, 1))
    return figure

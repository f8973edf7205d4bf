"""The pictures of cnn_regression: predicted arrows on the images, and the errors by true angle."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.heads import cnn_regression as recipe

SECTORS = 12  # sectors of the circle, for mean errors
ARROW = 16  # length in pixels


def figures(model, test, history):
    """Twelve test images with true and predicted position and direction, and the errors of all."""
    images, targets = to_numpy(test)
    predicted = model.predict(images, batch_size=500, verbose=0)
    return {
        "arrows": plot_arrows(images, targets, predicted),
        "errors": plot_errors(targets, predicted),
    }


def arrow(target):
    """Start and end of an arrow of x, y, cos and sin: two points in pixels of the image."""
    x, y, cos, sin = target
    center = (recipe.REACH * np.array([x, y]) + 1) * recipe.SIZE / 2 - 0.5  # pixel 0 is at 0
    return center, center + ARROW * np.array([cos, sin])


def degrees(targets):
    """The angles 0…360 of targets (n, 4)."""
    return np.degrees(np.arctan2(targets[:, 3], targets[:, 2])) % 360


def mean_by_sector(angles, errors):
    """Mean error in each of the equal sectors of the circle; NaN for empty ones."""
    sectors = (angles * SECTORS // 360).astype(int) % SECTORS
    means = np.full(SECTORS, np.nan)
    for sector in np.unique(sectors):
        means[sector] = errors[sectors == sector].mean()
    return means


def plot_arrows(images, targets, predicted):
    figure, axes = plt.subplots(2, 6, figsize=(10, 3.9), layout="constrained")
    for axis, image, true, answer in zip(axes.flat, images, targets, predicted, strict=False):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        for target, color, width in ((true, "white", 4), (answer, "tab:orange", 2)):
            start, end = arrow(target)
            style = {"color": color, "lw": width, "arrowstyle": "->"}
            axis.annotate("", end, start, arrowprops=style, annotation_clip=False)
        axis.axis("off")
    figure.suptitle("Orange: predicted position and direction; white beneath: the true ones")
    return figure


def plot_errors(targets, predicted):
    position = 100 * np.asarray(recipe.position_mae(targets, predicted))  # % of the range
    angle = 360 * np.asarray(recipe.angle_mae(targets, predicted))  # degrees
    true = degrees(targets)

    figure, axes = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
    axes[0].hist(position, bins=40)
    axes[0].set_title(f"Position: {position.mean():.1f} % of the range on average")
    axes[0].set(xlabel="error, % of the range", ylabel="images")

    axes[1].plot(true, angle, ".", markersize=3, color="C0")
    sectors = (np.arange(SECTORS) + 0.5) * 360 / SECTORS
    axes[1].plot(sectors, mean_by_sector(true, angle), "o-", color="C1", label="mean")
    axes[1].set_title(f"Angle: {angle.mean():.1f}° on average")
    axes[1].set(xlabel="true angle, degrees", ylabel="error, degrees", xticks=range(0, 361, 60))
    axes[1].legend()
    return figure

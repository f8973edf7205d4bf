"""Plots that several recipes draw, each into a Matplotlib axis.

The styles are color-blind safe: orange against blue for two classes or signs, one hue from light to
dark for amounts.
"""

import numpy as np

CLASS_COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#F0E442",
    "#000000",
)
MASK_COLORS = ("#000000", *CLASS_COLORS[:-1])  # of the classes of pixels, the background first
REGION_COLORS = ("#D6E8F3", "#FBE3D0")  # pale blue and orange: the background of points


def image_grid(images, columns=None, gap=1):
    """Images side by side as one, for `axis.imshow`.

    Args:
        images: Array (count, height, width) or (count, height, width, 3).
        columns: Number of images in a row; by default the grid is about as wide as high.
        gap: Pixels between two images. They are NaN, which Matplotlib leaves blank.

    Returns:
        Array (rows * (height + gap) - gap, columns * (width + gap) - gap) or the same with 3
        channels, of float.
    """
    images = np.asarray(images, dtype="float64")
    count, height, width = images.shape[:3]
    columns = columns or int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    grid = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, *images.shape[3:]), np.nan
    )
    for index, image in enumerate(images):
        top = index // columns * (height + gap)
        left = index % columns * (width + gap)
        grid[top : top + height, left : left + width] = image
    return grid


def show_images(axis, images, columns=None, title=None, **imshow):
    """Draw images, or the maps of one layer, as a grid without ticks.

    Args:
        axis: Where to draw.
        images: Array (count, height, width), (count, height, width, 1) or
            (count, height, width, 3).
        columns: As in `image_grid`.
        title: Of the axis.
        **imshow: Passed on, for example `cmap="gray_r", vmin=0, vmax=1`.

    Returns:
        Matplotlib's image, for a color bar.
    """
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    picture = axis.imshow(image_grid(images, columns), **{"cmap": "gray", **imshow})
    axis.set(title=title, xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    return picture


def heatmap(axis, values, rows=None, columns=None, numbers=None, **imshow):
    """Draw a matrix, for example attention weights: a row for each query, a column for each key.

    Args:
        axis: Where to draw.
        values: Array (rows, columns); NaN is gray.
        rows, columns: Tick labels, or None for no labels.
        numbers: A format such as `"{:.2f}"` to write the values into their cells, or None for no
            numbers.
        **imshow: Passed on; by default `cmap="Blues", vmin=0`.

    Returns:
        Matplotlib's image, for a color bar.
    """
    values = np.asarray(values, dtype="float64")
    picture = axis.imshow(values, **{"cmap": "Blues", "vmin": 0, **imshow})
    axis.set(facecolor="0.75")
    if rows is not None:
        axis.set_yticks(range(len(rows)), rows)
    if columns is not None:
        axis.set_xticks(
            range(len(columns)), columns, rotation=45, ha="right", rotation_mode="anchor"
        )
    if numbers is not None:
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                red, green, blue, _ = picture.cmap(picture.norm(value))
                # Perceived brightness (luma).
                dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
                color = "white" if dark else "0.15"
                axis.text(
                    column,
                    row,
                    numbers.format(value),
                    ha="center",
                    va="center",
                    fontsize=9,
                    color=color,
                )
    return picture


def decision_boundary(axis, score, x, y, threshold=0.5, steps=200, probabilities=False):
    """Draw the regions of the plane that a binary classifier assigns to each class.

    Args:
        axis: Where to draw.
        score: A function from points (n, 2), float32, to n scores: above `threshold` is class 1.
        x, y: The (lowest, highest) coordinates to be drawn.
        threshold: The score at the boundary: 0.5 for probabilities, 0 for logits.
        steps: Grid points along each side.
        probabilities: Whether to draw ten levels of the score from 0 to 1 instead of two regions.
    """
    across, up = np.meshgrid(np.linspace(*x, steps), np.linspace(*y, steps))
    plane = np.stack([across.ravel(), up.ravel()], axis=1).astype("float32")
    scores = np.asarray(score(plane), dtype="float64").reshape(across.shape)
    if probabilities:
        axis.contourf(across, up, scores, np.linspace(0, 1, 11), cmap="RdBu_r", alpha=0.55)
    else:
        axis.contourf(across, up, scores, [-np.inf, threshold, np.inf], colors=REGION_COLORS)
    axis.contour(across, up, scores, [threshold], colors="black", linewidths=1.5)
    axis.set(xlim=x, ylim=y)


def class_points(axis, points, labels, **scatter):
    """Draw points (n, 2) in the color of their class, labels 0, 1, … (n,) or (n, 1)."""
    labels = np.ravel(labels)
    for label in np.unique(labels):
        color = CLASS_COLORS[int(label) % len(CLASS_COLORS)]
        axis.scatter(
            *points[labels == label].T, **{"s": 12, "color": color, "linewidths": 0, **scatter}
        )


def class_bars(axis, values, classes, horizontal=False):
    """Draw a group of bars for each class, one bar for each network.

    Args:
        axis: Where to draw.
        values: `{name of the network: one value for each class}`.
        classes: The names of the classes.
        horizontal: Whether to draw horizontal bars, the first class on top, for long names.
    """
    places = np.arange(len(classes))
    width = 0.8 / len(values)
    for number, (name, heights) in enumerate(values.items()):
        shift = (number - (len(values) - 1) / 2) * width
        if horizontal:
            axis.barh(places + shift, heights, width, label=name)
        else:
            axis.bar(places + shift, heights, width, label=name)
    if horizontal:
        axis.set_yticks(places, classes)
        axis.invert_yaxis()
    else:
        axis.set_xticks(places, classes)
    if len(values) > 1:
        axis.legend()


def learning_curves(axis, histories, metric="loss"):
    """Draw a metric over the epochs, training dashed, validation solid, for any number of networks.

    Args:
        axis: Where to draw.
        histories: `{name of the network: history}`, histories as `fit(...).history`:
            `{"loss": [...], ...}`.
        metric: The name of a metric without `val_`.
    """
    for number, (name, history) in enumerate(histories.items()):
        color = CLASS_COLORS[number % len(CLASS_COLORS)]
        for key, style, kind in ((metric, "--", "training"), (f"val_{metric}", "-", "validation")):
            if key in history:
                epochs = np.arange(1, len(history[key]) + 1)
                label = f"{name}, {kind}" if len(histories) > 1 else kind
                axis.plot(epochs, history[key], style, color=color, label=label)
    axis.set(xlabel="epoch", ylabel=metric.replace("_", " "))
    axis.legend()

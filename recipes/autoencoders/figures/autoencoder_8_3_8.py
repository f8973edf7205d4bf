"""The pictures of autoencoder_8_3_8: the codes and how they are learned."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.autoencoders import autoencoder_8_3_8 as recipe
from recipes.common.plots import heatmap

COLORS = plt.get_cmap("tab10").colors


def figures(models, test, histories):
    """The codes as a table, in the cube and in the plane, and their paths in a new training."""
    epochs = len(histories["three_units"]["loss"])
    return {
        "codes": draw_codes(models["three_units"], models["two_units"]),
        "training_path": draw_path(training_path(steps=min(300, recipe.REPEATS * epochs))),
    }


def decode(model, codes):
    """The pattern, 0–7, into which the second half of the network decodes codes (…, units): (…)."""
    kernel, bias = model.get_weights()[2:]
    return np.argmax(codes @ kernel + bias, axis=-1)


def in_corners(codes):
    """Whether all eight codes (8, 3) are near different corners of the unit cube."""
    distance = np.abs(codes - np.round(codes)).max()
    return bool(len(set(recipe.binary_words(codes))) == 8 and distance < 0.2)


def draw_codes(three_units, two_units):
    """A table and a cube of three units, and a plane of two."""
    figure, axes = plt.subplots(
        1, 3, figsize=(13, 4.6), width_ratios=(0.9, 1.2, 1.2), layout="constrained"
    )
    codes = recipe.encode(three_units)
    draw_table(axes[0], codes)
    axes[1].remove()
    cube = figure.add_subplot(1, 3, 2, projection="3d")
    draw_cube(cube, codes)
    if in_corners(codes):
        cube.set_title("Each pattern has a corner of the cube")
    else:
        cube.set_title("The codes in the cube")
    draw_plane(axes[2], two_units)
    return figure


def draw_table(axis, codes):
    """The codes and their words."""
    words = recipe.binary_words(codes)
    patterns = ["".join(str(int(bit)) for bit in pattern) for pattern in recipe.PATTERNS]
    rows = [f"{pattern} → {word}" for pattern, word in zip(patterns, words, strict=True)]
    columns = [f"unit {number}" for number in (1, 2, 3)]
    heatmap(axis, codes, rows, columns, numbers="{:.2f}", vmax=1, aspect="auto")
    axis.set_title(f"{len(set(words))} of 8 words are distinct")


def draw_cube(axis, codes):
    """The unit cube with the codes, labeled by the numbers of their patterns."""
    for start in np.ndindex(2, 2, 2):
        for unit in range(3):
            end = np.array(start)
            end[unit] = 1
            axis.plot(*np.array([start, end]).T, color="0.75", linewidth=1)
    text = {"color": "white", "weight": "bold", "ha": "center", "va": "center", "zorder": 10}
    for number, code in enumerate(codes):
        axis.scatter(*code, s=170, color=COLORS[number], depthshade=False)
        axis.text(*code, str(number + 1), **text)
    axis.set(xticks=[0, 1], yticks=[0, 1], zticks=[0, 1])
    axis.set(xlabel="unit 1", ylabel="unit 2", zlabel="unit 3")
    axis.view_init(elev=18, azim=-62)
    axis.grid(False)
    axis.set_box_aspect(None, zoom=0.85)


def draw_plane(axis, model):
    """The codes of two units, and the pattern that each point of the plane decodes to."""
    codes = recipe.encode(model)
    low, high = codes.min() - 0.08, codes.max() + 0.08
    line = np.linspace(low, high, 300)
    regions = decode(model, np.stack(np.meshgrid(line, line), axis=-1))
    style = {"cmap": "tab10", "vmin": 0, "vmax": 9}
    axis.imshow(regions, origin="lower", extent=(low, high, low, high), alpha=0.45, **style)
    axis.scatter(*codes.T, s=170, c=range(8), **style)
    for number, code in enumerate(codes):
        axis.text(*code, number + 1, color="white", weight="bold", ha="center", va="center")
    correct = np.sum(decode(model, codes) == np.arange(8))
    axis.set(xlabel="unit 1", ylabel="unit 2")
    axis.set_title(f"Two units: {correct} of 8 decoded, each has its region")


def training_path(steps):
    """The codes of a new network before each of its first training steps and after the last.

    Returns:
        Array (steps + 1, 8, 3).
    """
    model = recipe.build_model()
    path = [recipe.encode(model)]
    for _ in range(steps):
        model.train_on_batch(recipe.PATTERNS, recipe.PATTERNS)
        path.append(recipe.encode(model))
    return np.array(path)


def draw_path(path):
    """The paths of the codes (steps + 1, 8, 3) in the cube, and the number of distinct words."""
    figure = plt.figure(figsize=(10, 4.4), layout="constrained")
    cube = figure.add_subplot(1, 2, 1, projection="3d")
    draw_cube(cube, path[-1])
    for number in range(8):
        cube.plot(*path[:, number].T, color=COLORS[number], linewidth=1.5)
    cube.set_title("Another training: all codes start in the middle")
    curve = figure.add_subplot(1, 2, 2)
    distinct = [len(set(recipe.binary_words(codes))) for codes in path]
    curve.plot(distinct, drawstyle="steps-post")
    curve.set(xlabel="training step", ylim=(0, 8.4), yticks=range(9))
    curve.set_title(
        f"Distinct words: {distinct[0]} by chance, {distinct[-1]} after {len(path) - 1} steps"
    )
    curve.grid(True)
    return figure

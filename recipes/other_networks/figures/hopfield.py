"""The pictures of hopfield: letters before and after recall, the falling energy, the capacity."""

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from recipes.common import plots
from recipes.other_networks import hopfield
from recipes.other_networks.hopfield import SIDE, VARIANTS

# White, black; orange: wrongly black, light orange: wrongly white.
COLORS = ListedColormap(["white", "#333333", "#FBD5B5", "#D55E00"])
LOADS = (0.02, 0.05, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.25, 0.3)  # patterns per unit
NETWORKS = {100: 20, 400: 4}  # units of a network: number of networks
KNEE = 0.138  # capacity in patterns per unit, for many units (Amit, Gutfreund & Sompolinsky, 1985)


def figures(models, test, histories):
    """Corrupted and recalled letters; the energy during recall; the capacity for patterns."""
    return {
        "recall": plot_recall(models),
        "energy": plot_energy(models["hebbian_6"]),
        "capacity": plot_capacity(),
    }


def corrupted(letters, seed=7):
    """Noisy and clean versions of letters, each (count, pixels): one copy, 10 % of the pixels."""
    stored = np.array([hopfield.render(letter) for letter in letters], "float32")
    return hopfield.corrupt(stored, copies=1, noise=0.1, seed=seed)


def mark(states, letters):
    """Pixels as indices of COLORS, wrong ones in color: (count, SIDE, SIDE)."""
    wrong = states != letters
    return ((states > 0) + 2 * wrong).reshape(-1, SIDE, SIDE)


def plot_recall(models, shown="AEJMQTBS"):
    """Each network's corrupted letters, and the results of the recall."""
    figure, axes = plt.subplots(len(models), 1, figsize=(8, 7.6), layout="constrained")
    for axis, (name, model) in zip(axes, models.items(), strict=True):
        stored = VARIANTS[name]["letters"]
        letters = [letter for letter in shown if letter in stored]
        starts, clean = corrupted(letters)
        ends = model.predict(starts, verbose=0)
        right = np.sum(np.all(ends == clean, axis=1))
        rule = "Hebb's rule" if VARIANTS[name]["rule"] == "hebbian" else "perceptron rule"
        title = f"{rule}, {len(stored)} letters stored: {right} of {len(letters)} recalled"
        images = np.concatenate([mark(starts, clean), mark(ends, clean)])
        style = {"cmap": COLORS, "vmin": 0, "vmax": 3}
        plots.show_images(axis, images, len(letters), title, **style)
    figure.suptitle("Corrupted letters (upper rows) and what the networks recall; errors in orange")
    return figure


def descend(model, states, sweeps=2):
    """States (updates + 1, n) and energies (updates + 1,) of one recall, unit by unit."""
    visited = [states]
    for _ in range(sweeps):
        for unit in range(len(states)):
            states = hopfield.update(states[None], model.kernel, unit)[0]
            visited.append(keras.ops.convert_to_numpy(states))
    visited = np.array(visited)
    return visited, keras.ops.convert_to_numpy(model.energy(visited))


def plot_energy(model, letters="AEJMQT", film="M"):
    """The energy of each letter at every update, and one of the letters during recall."""
    starts, clean = corrupted(letters)
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(7, 5.6), height_ratios=(1, 2), layout="constrained"
    )
    for number, letter in enumerate(letters):
        visited, energies = descend(model, starts[number])
        below.plot(energies, label=letter)
        if letter == film:
            frames = visited[:: SIDE * 3][:5]  # every three rows, during the first sweep
            images = mark(frames, clean[number])
    below.set(title="No update raises the energy", xlabel="updates of a unit", ylabel="energy")
    below.legend(ncols=2)
    title = f"{film} after 0, 36, 72, 108 and 144 updates"
    plots.show_images(above, images, 5, title, cmap=COLORS, vmin=0, vmax=3)
    figure.suptitle("Recall runs downhill into the nearest stored letter")
    return figure


def overlap(units, patterns, seed, cued=20, noise=0.1):
    """Mean overlap of random patterns, stored by Hebb's rule, with their recalled versions.

    Args:
        units: Of the network.
        patterns: Number of patterns.
        seed: Of the random numbers.
        cued: Number of patterns to recall, at most.
        noise: Exact share of the units that are wrong at the start.
    """
    rng = np.random.default_rng(seed)
    stored = rng.choice([-1.0, 1.0], (patterns, units)).astype("float32")
    starts = stored[:cued].copy()
    for start in starts:
        wrong = rng.choice(units, round(noise * units), replace=False)
        start[wrong] *= -1
    kernel = keras.ops.convert_to_numpy(hopfield.hebbian(stored, np.ones_like(stored)))
    return np.mean(recall(kernel, starts) * stored[:cued])


def recall(kernel, states):
    """The recall of `Hopfield` in NumPy, which needs no compilation for each size of network."""
    states = states.copy()
    for _ in range(hopfield.SWEEPS):
        before = states.copy()
        for unit in range(states.shape[1]):
            fields = states @ kernel[:, unit]
            states[:, unit] = np.where(fields == 0, states[:, unit], np.sign(fields))
        if np.array_equal(states, before):
            break
    return states


def plot_capacity():
    """The overlap of recalled and stored random patterns, by the number of patterns per unit."""
    figure, axis = plt.subplots(figsize=(7, 4.4), layout="constrained")
    for units, networks in NETWORKS.items():
        curve = []
        for load in LOADS:
            patterns = round(load * units)
            overlaps = [overlap(units, patterns, seed) for seed in range(networks)]
            curve.append(np.mean(overlaps))
        axis.plot(LOADS, curve, "o-", label=f"{units} units, mean of {networks} networks")
    axis.axvline(KNEE, color="0.4", linestyle=":", label="0.138: limit of many units")
    axis.set(title="Beyond 0.138 patterns per unit, memory breaks down")
    axis.set(xlabel="random patterns stored, per unit", ylabel="overlap after recall")
    axis.set(ylim=(0, 1.05))
    axis.legend()
    return figure

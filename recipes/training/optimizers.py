"""Every optimizer of Keras on three surfaces: a ravine, a saddle and Beale's function.

Slides: 000 «Algoritmos de optimización», 001 «Optimizadores».
Paper:  Sutskever et al. (2013, momentum and Nesterov), Duchi et al. (2011, Adagrad),
        Zeiler (2012, Adadelta), Tieleman & Hinton (2012, RMSprop), Kingma & Ba (2015, Adam)
Departs from the slides: each optimizer has 20 starting points and its own best learning rate of one
grid; the slides' animations use one rate for all.

The slide says that SGD in Keras includes momentum, but its default is 0.0. The slide also
translates RMSprop as "Retropropagación del RMS Error", but the name means root mean square
*propagation*: it divides by the recent size of the gradients. Keras 3.15's ScheduleFreeAdamW on
TensorFlow reads one of its averages after changing it (the test has both versions). An optimizer
that starts exactly on the ridge of the saddle never leaves it: the gradient across is 0 (tested).

Update of a weight w with gradient g and learning rate η (the other optimizers and all ε are in the
tests):

    SGD        w ← w − η g
    momentum   v ← β v − η g             w ← w + v
    Nesterov   v ← β v − η g             w ← w + β v − η g
    Adagrad    a ← a + g²                w ← w − η g / √a
    RMSprop    a ← ρ a + (1 − ρ) g²      w ← w − η g / √a
    Adadelta   a as in RMSprop           d = √b / √a · g,  b ← ρ b + (1 − ρ) d²,  w ← w − η d
    Adam       m ← β₁ m + (1 − β₁) g     a as in RMSprop,  w ← w − η m' / √a',
                                         m' and a' corrected for their initial value 0
"""

import dataclasses

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.animation import FuncAnimation

STEPS = 300  # of each trajectory
LEARNING_RATES = 10.0 ** np.arange(-2.5, 2.1, 0.25)
COLORS = [
    "#000000",
    "#D55E00",
    "#E69F00",
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#CC79A7",
    "#7F7F7F",
    "#8B4513",
]


def momentum(learning_rate):
    """SGD with momentum."""
    return keras.optimizers.SGD(learning_rate, momentum=0.9)


def nesterov(learning_rate):
    """SGD with Nesterov's momentum."""
    return keras.optimizers.SGD(learning_rate, momentum=0.9, nesterov=True)


# Optimizers by name: those of the slides, and the others that Keras has.
SLIDES = {
    "SGD": keras.optimizers.SGD,
    "momentum": momentum,
    "Nesterov": nesterov,
    "Adagrad": keras.optimizers.Adagrad,
    "Adadelta": keras.optimizers.Adadelta,
    "RMSprop": keras.optimizers.RMSprop,
    "Adam": keras.optimizers.Adam,
}
OTHERS = {
    "AdamW": keras.optimizers.AdamW,
    "Nadam": keras.optimizers.Nadam,
    "Adamax": keras.optimizers.Adamax,
    "ScheduleFreeAdamW": keras.optimizers.ScheduleFreeAdamW,
    "Lion": keras.optimizers.Lion,
    "Ftrl": keras.optimizers.Ftrl,
    "Lamb": keras.optimizers.Lamb,
    "Adafactor": keras.optimizers.Adafactor,
    "Muon": keras.optimizers.Muon,
}
# These update a variable as a whole; the others update each number separately.
BY_VARIABLE = ("Lamb", "Adafactor", "Muon")


@dataclasses.dataclass(frozen=True)
class Surface:
    """A function to minimize.

    Args:
        function: Maps x and y to the loss.
        minima: Points (x, y).
        start: The mean of the starting points.
        spread: Standard deviation of the starting points, in x and in y.
        threshold: The loss below which a trajectory has reached the minimum.
        view: The range of a picture: left, right, bottom, top.
    """

    function: callable
    minima: list
    start: tuple
    spread: tuple
    threshold: float
    view: tuple


def ravine(x, y):
    """(x − 4)²/100 + (y − 1)²: a hundred times as curved across as along. Minimum at (4, 1)."""
    return (x - 4) ** 2 / 100 + (y - 1) ** 2


def saddle(x, y):
    """(x − 1)² + (y² − 1)²/40: a saddle point at (1, 0) between two minima at (1, ±1)."""
    return (x - 1) ** 2 + (y**2 - 1) ** 2 / 40


def beale(x, y):
    """Beale's function: minimum at (3, 0.5), flat around it, steep outside."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


SURFACES = {
    "Ravine": Surface(
        ravine,
        minima=[(4, 1)],
        start=(0, 0),
        spread=(0.3, 0.1),
        threshold=1e-3,
        view=(-1, 7, -1.5, 3.5),
    ),
    "Saddle": Surface(
        saddle,
        minima=[(1, 1), (1, -1)],
        start=(0.2, 0.003),
        spread=(0.1, 0.001),
        threshold=1e-2,
        view=(-0.4, 2.4, -0.6, 1.6),
    ),
    "Beale's function": Surface(
        beale,
        minima=[(3, 0.5)],
        start=(1.0, 1.3),
        spread=(0.1, 0.1),
        threshold=1e-2,
        view=(-0.5, 4.5, -1.5, 2),
    ),
}


def sample_starts(count=20, seed=0):
    """Starting points (surfaces, count, 2); the first one of each surface is its `start`."""
    noise = np.random.default_rng(seed).normal(size=(len(SURFACES), count, 2))
    noise[:, 0] = 0
    starts = []
    for surface, deviations in zip(SURFACES.values(), noise, strict=True):
        starts.append(np.array(surface.start) + np.array(surface.spread) * deviations)
    return np.array(starts)


def descend(name, learning_rates=LEARNING_RATES, starts=None, steps=STEPS):
    """Trajectories of an optimizer on all surfaces.

    Args:
        name: A key of `SLIDES` or `OTHERS`.
        learning_rates: The learning rates to try.
        starts: Array (surfaces, starts, 2); `sample_starts()` by default.
        steps: Number of steps of each trajectory.

    Returns:
        Points (learning rates, steps + 1, surfaces, starts, 2).
    """
    starts = np.float32(sample_starts() if starts is None else starts)
    if name in BY_VARIABLE:
        # One variable for each of the first five starts; Muon requires matrices.
        groups = starts[:, :5].reshape(-1, 1, 2)
    else:
        groups = [starts]
    variables = [keras.Variable(group) for group in groups]
    optimizer = (SLIDES | OTHERS)[name](float(learning_rates[0]))
    optimizer.build(variables)
    initial_state = [(variable, variable.numpy()) for variable in variables + optimizer.variables]

    @tf.function
    def trajectory():
        points = tf.TensorArray(tf.float32, steps + 1)
        for step in tf.range(steps + 1):
            with tf.GradientTape() as tape:
                values = tf.stack([variable.value for variable in variables])
                position = tf.reshape(values, (len(SURFACES), -1, 2))
                losses = []
                for index, surface in enumerate(SURFACES.values()):
                    x, y = tf.unstack(position[index], axis=-1)
                    losses.append(surface.function(x, y))
            # Each loss depends only on its own point: the gradient of the sum has all gradients.
            gradients = tape.gradient(losses, [variable.value for variable in variables])
            optimizer.apply(gradients, variables)
            points = points.write(step, position)
        return points.stack()

    trajectories = []
    for learning_rate in learning_rates:
        for variable, value in initial_state:
            variable.assign(value)
        optimizer.learning_rate = learning_rate
        trajectories.append(trajectory().numpy())
    return np.clip(trajectories, -1000, 1000)  # farther out, Beale's function overflows


def steps_needed(trajectories, name):
    """Steps until the loss stays below the surface's threshold.

    Args:
        trajectories: Points (learning rates, steps + 1, starts, 2).
        name: Name of the surface.

    Returns:
        Array (learning rates, starts); steps + 1 where the loss is above the threshold at the end,
        or the trajectory leaves the view.
    """
    surface = SURFACES[name]
    left, right, bottom, top = surface.view
    x, y = np.moveaxis(trajectories, -1, 0)  # (learning rates, steps + 1, starts)
    above = ~(surface.function(x, y) <= surface.threshold)  # NaN counts as above, too
    step_numbers = np.arange(1, above.shape[1] + 1)[:, None]
    last_above = (above * step_numbers).max(axis=1)
    in_view = (left < x) & (x < right) & (bottom < y) & (y < top)
    return np.where(in_view.all(axis=1), last_above, above.shape[1])


@dataclasses.dataclass(frozen=True)
class Result:
    """An optimizer on one surface, at its best learning rate.

    Args:
        learning_rate: The best of `LEARNING_RATES`.
        steps: Steps needed from each start, (starts,).
        trajectory: Points from the surface's `start`, (steps + 1, 2).
    """

    learning_rate: float
    steps: np.ndarray
    trajectory: np.ndarray


def best_result(trajectories, name):
    """The `Result` for the learning rate with the smallest median number of steps."""
    needed = steps_needed(trajectories, name)  # (learning rates, starts)
    middle = trajectories[:, :, 0]  # (learning rates, steps + 1, 2)
    final_loss = SURFACES[name].function(middle[:, -1, 0], middle[:, -1, 1])
    # Ties, as when none reaches the minimum, are broken by the final loss.
    best = np.lexsort([final_loss, np.median(needed, axis=1)])[0]
    return Result(LEARNING_RATES[best], needed[best], middle[best])


def compare():
    """All optimizers on all surfaces: `{surface: {optimizer: Result}}`."""
    results = {name: {} for name in SURFACES}
    for optimizer in SLIDES | OTHERS:
        trajectories = descend(optimizer, LEARNING_RATES)
        for index, name in enumerate(SURFACES):
            results[name][optimizer] = best_result(trajectories[:, :, index], name)
    return results


def plot_trajectories(axes, results, family):
    """Trajectories of some optimizers on the contours of each surface; stars are the minima."""
    for axis, (name, surface) in zip(axes, SURFACES.items(), strict=True):
        left, right, bottom, top = surface.view
        x, y = np.meshgrid(np.linspace(left, right, 200), np.linspace(bottom, top, 200))
        heights = np.log(surface.function(x, y) + 1e-2)
        axis.contour(x, y, heights, 14, colors="0.8", linewidths=0.8, linestyles="-")
        minima = np.transpose(surface.minima)
        axis.plot(*minima, "*", color="#F0E442", markeredgecolor="k", markersize=14, zorder=5)
        for optimizer, color in zip(family, COLORS, strict=False):
            points = results[name][optimizer].trajectory
            style = {"markersize": 2.5, "linewidth": 1.3}
            axis.plot(*points.T, "-o", color=color, label=optimizer, **style)
        axis.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[], title=name)


def plot_paths(results):
    """Trajectories of the slides' optimizers (above) and of the others (below)."""
    figure, axes = plt.subplots(2, 3, figsize=(12, 7.4), layout="constrained")
    for row, family in zip(axes, (SLIDES, OTHERS), strict=True):
        plot_trajectories(row, results, family)
        row[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle("Down the steep wall first, or straight for the minimum: one dot a step")
    return figure


def plot_ranking(results):
    """Steps needed by each optimizer (median and range of 80 %), and its best learning rate."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 5.4), sharey=True, layout="constrained")
    for axis, (name, rows) in zip(axes, results.items(), strict=True):
        for optimizer, result in rows.items():
            low, median, high = np.quantile(result.steps, (0.1, 0.5, 0.9))
            bar = {"color": "C0", "linewidth": 5, "alpha": 0.3, "solid_capstyle": "round"}
            axis.plot([low, high], [optimizer, optimizer], **bar)
            axis.plot(median, optimizer, "o" if median <= STEPS else ">", color="C0")
            label = f"η = {result.learning_rate:.3g}"
            axis.text(430, optimizer, label, va="center", fontsize=9)
        axis.axvline(STEPS, color="0.6", linestyle=":")
        axis.set(xscale="log", xlim=(1, 900), title=name, xlabel="steps")
        axis.grid(True, axis="x")
    axes[0].invert_yaxis()
    legend = f"dot: median; bar: 80 % of the starts; ▸: not within {STEPS} steps"
    figure.suptitle(f"No optimizer is first everywhere ({legend})")
    return figure


def animate_descent(results):
    """The slides' animation: all optimizers at once, two steps a frame, each with a short tail."""
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.6), layout="constrained")
    plot_trajectories(axes, results, SLIDES)
    labels = axes[0].get_legend_handles_labels()
    figure.legend(*labels, loc="outside lower center", ncols=len(SLIDES), fontsize=9)
    lines = [line for axis in axes for line in axis.lines[1:]]  # the first of each shows the minima
    trajectories = [line.get_xydata() for line in lines]

    def draw_frame(frame):
        for line, points in zip(lines, trajectories, strict=True):
            tail = points[max(0, 2 * frame - 12) : 2 * frame + 1]
            line.set_data(*tail.T)
            line.set(markersize=6, markevery=[-1])
        figure.suptitle(f"After {2 * frame} steps, each at its best learning rate")

    return FuncAnimation(figure, draw_frame, frames=50, interval=120)


def median_steps(item):
    """The median number of steps of `(optimizer, Result)`, as a key for sorting."""
    return np.median(item[1].steps)


def main():
    results = compare()
    for name, rows in results.items():
        threshold = SURFACES[name].threshold
        print(f"\n{name}: median steps until the loss stays below {threshold}")
        for optimizer, result in sorted(rows.items(), key=median_steps):
            end = result.trajectory[-1].round(3)
            print(
                f"{optimizer:17} learning rate {result.learning_rate:8.4f} "
                f"{np.median(result.steps):5.0f} steps, ends at {end}"
            )
    plot_paths(results).savefig("paths.png")
    plot_ranking(results).savefig("ranking.png")
    animate_descent(results).save("descent.gif", writer="pillow")


if __name__ == "__main__":
    main()

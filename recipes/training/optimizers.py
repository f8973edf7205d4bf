"""Every optimizer of Keras on three surfaces: a long valley, a saddle and Beale's function.

Slides: 000 «Algoritmos de optimización», 001 «Optimizadores».
Paper:  Sutskever et al. (2013, momentum and Nesterov), Duchi et al. (2011, Adagrad), Zeiler (2012, Adadelta),
        Tieleman & Hinton (2012, RMSprop), Kingma & Ba (2015, Adam)
Departs from the slides: each optimizer has its best rate of one grid and 20 starts; their animations take one for all.

The slide says that SGD in Keras includes momentum: its default is 0.0, so it must be asked for. It reads RMSprop as
"Retropropagación del RMS Error": it is root mean square *propagation*, and divides by the recent size of the gradients.
Keras 3.15's ScheduleFreeAdamW on TensorFlow reads one of its averages after changing it (the test has both versions).
No optimizer ever leaves the ridge of the saddle if it starts exactly on it: the gradient across is 0 (tested).

Per weight, with gradient g and rate η (the rest of the family and all the ε are in the tests):

    SGD        w ← w − η g
    momentum   v ← β v − η g             w ← w + v
    Nesterov   v ← β v − η g             w ← w + β v − η g
    Adagrad    a ← a + g²                w ← w − η g / √a
    RMSprop    a ← ρ a + (1 − ρ) g²      w ← w − η g / √a
    Adadelta   a as in RMSprop           d = √b / √a · g,  b ← ρ b + (1 − ρ) d²,  w ← w − η d
    Adam       m ← β₁ m + (1 − β₁) g     a as in RMSprop,  w ← w − η m' / √a',  m', a' freed of their start at 0
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.animation import FuncAnimation

STEPS = 300
RATES = 10.0 ** np.arange(-2.5, 2.1, 0.25)
COLOURS = ["#000000", "#D55E00", "#E69F00", "#0072B2", "#56B4E9", "#009E73", "#CC79A7", "#7F7F7F", "#8B4513"]
SLIDES = {
    "SGD": keras.optimizers.SGD,
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "Nesterov": lambda rate: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    "Adagrad": keras.optimizers.Adagrad,
    "Adadelta": keras.optimizers.Adadelta,
    "RMSprop": keras.optimizers.RMSprop,
    "Adam": keras.optimizers.Adam,
}
OTHERS = {
    name: getattr(keras.optimizers, name)
    for name in ("AdamW", "Nadam", "Adamax", "ScheduleFreeAdamW", "Lion", "Ftrl", "Lamb", "Adafactor", "Muon")
}
BY_VARIABLE = ("Lamb", "Adafactor", "Muon")  # look at a variable as a whole; the others at each number by itself


def valley(x, y):
    """(x − 4)²/100 + (y − 1)²: a hundred times as steep across as along. Least at (4, 1)."""
    return (x - 4) ** 2 / 100 + (y - 1) ** 2


def saddle(x, y):
    """(x − 1)² + (y² − 1)²/40: a pass at (1, 0) between two hollows at (1, ±1)."""
    return (x - 1) ** 2 + (y**2 - 1) ** 2 / 40


def beale(x, y):
    """(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²: least at (3, 0.5), flat around it, steep outside."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


SURFACES = {  # function, minima, where the starts lie, their spread, the height that counts as arrived, the map's edges
    "Long valley": (valley, [(4, 1)], (0, 0), (0.3, 0.1), 1e-3, (-1, 7, -1.5, 3.5)),
    "Saddle": (saddle, [(1, 1), (1, -1)], (0.2, 0.003), (0.1, 0.001), 1e-2, (-0.4, 2.4, -0.6, 1.6)),
    "Beale's function": (beale, [(3, 0.5)], (1.0, 1.3), (0.1, 0.1), 1e-2, (-0.5, 4.5, -1.5, 2)),
}


def draw_starts(count=20, seed=0):
    """(surfaces, count, 2); the first start of each surface is the middle."""
    noise = np.random.default_rng(seed).normal(size=(len(SURFACES), count, 2))
    noise[:, 0] = 0
    return np.array([np.add(m, s * n) for n, (_, _, m, s, *_) in zip(noise, SURFACES.values(), strict=True)])


def descend(name, rates=RATES, starts=None, steps=STEPS):
    """Where the optimizer goes on every surface: (rates, steps + 1, surfaces, starts, 2)."""
    starts = np.float32(draw_starts() if starts is None else starts)
    groups = starts[:, :5].reshape(-1, 1, 2) if name in BY_VARIABLE else [starts]  # Muon wants matrices
    points = [keras.Variable(group) for group in groups]
    optimizer = (SLIDES | OTHERS)[name](float(rates[0]))
    optimizer.build(points)
    beginning = [(variable, variable.numpy()) for variable in points + optimizer.variables]

    @tf.function
    def walk():
        path = tf.TensorArray(tf.float32, steps + 1)
        for step in tf.range(steps + 1):
            with tf.GradientTape() as tape:
                position = tf.reshape(tf.stack([point.value for point in points]), (len(SURFACES), -1, 2))
                heights = [f(*tf.unstack(position[i], axis=-1)) for i, (f, *_) in enumerate(SURFACES.values())]
            optimizer.apply(tape.gradient(heights, [point.value for point in points]), points)
            path = path.write(step, position)
        return path.stack()

    paths = []
    for rate in rates:
        for variable, value in beginning:
            variable.assign(value)
        optimizer.learning_rate = rate
        paths.append(walk().numpy())
    return np.clip(paths, -1000, 1000)  # farther out, Beale's function overflows


def steps_needed(path, surface):
    """(rates, starts): steps until a walk is below the height for good; STEPS + 1 if never, or if it leaves the map."""
    function, *_, height, (left, right, low, high) = SURFACES[surface]
    x, y = np.moveaxis(path, -1, 0)
    above = ~(function(x, y) <= height)  # not-a-number is above as well
    inside = ((left < x) & (x < right) & (low < y) & (y < high)).all(axis=1)
    return np.where(inside, (above * np.arange(1, above.shape[1] + 1)[:, None]).max(axis=1), STEPS + 1)


def compare():
    """For every surface and optimizer: best rate, steps needed from each start, and the walk from the middle one."""
    results = {surface: {} for surface in SURFACES}
    for name in SLIDES | OTHERS:
        for surface, walks in zip(SURFACES, np.moveaxis(descend(name, RATES), 2, 0), strict=True):
            needed = steps_needed(walks, surface)
            heights = SURFACES[surface][0](*walks[:, -1, 0].T)
            best = np.lexsort([heights, np.median(needed, axis=1)])[0]  # if none arrives, the lowest in the end
            results[surface][name] = RATES[best], needed[best], walks[best, :, 0]
    return results


def draw_walks(axes, results, family):
    """The middle walks on contours, which are closer together towards the minima, the stars."""
    for axis, (surface, (function, minima, *_, (left, right, low, high))) in zip(axes, SURFACES.items(), strict=True):
        x, y = np.meshgrid(np.linspace(left, right, 200), np.linspace(low, high, 200))
        axis.contour(x, y, np.log(function(x, y) + 1e-2), 14, colors="0.8", linewidths=0.8, linestyles="-")
        axis.plot(*np.transpose(minima), "*", color="#F0E442", markeredgecolor="k", markersize=14, zorder=5)
        for name, colour in zip(family, COLOURS, strict=False):
            axis.plot(*results[surface][name][2].T, "-o", color=colour, markersize=2.5, linewidth=1.3, label=name)
        axis.set(xlim=(left, right), ylim=(low, high), xticks=[], yticks=[], title=surface)


def draw_paths(results):
    """Above the optimizers of the slides, below the others."""
    figure, axes = plt.subplots(2, 3, figsize=(12, 7.4), layout="constrained")
    for row, family in zip(axes, (SLIDES, OTHERS), strict=True):
        draw_walks(row, results, family)
        row[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle("Down the steep wall first, or straight for the goal: each at its best rate, one dot a step")
    return figure


def draw_ranking(results):
    """Steps until below the height for good, median and range of the starts, and the best rate."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 5.4), sharey=True, layout="constrained")
    for axis, (surface, rows) in zip(axes, results.items(), strict=True):
        for name, (rate, needed, _) in rows.items():
            low, middle, high = np.quantile(needed, (0.1, 0.5, 0.9))
            axis.plot([low, high], [name, name], color="C0", linewidth=5, alpha=0.3, solid_capstyle="round")
            axis.plot(middle, name, "o" if middle <= STEPS else ">", color="C0")
            axis.text(430, name, f"rate {rate:.3g}", va="center", fontsize=9)
        axis.axvline(STEPS, color="0.6", linestyle=":")
        axis.set(xscale="log", xlim=(1, 900), title=surface, xlabel="steps")
        axis.grid(True, axis="x")
    axes[0].invert_yaxis()
    figure.suptitle("No optimizer is first everywhere (dot: median; bar: 80 % of the starts; ▸: not within 300 steps)")
    return figure


def draw_descent(results):
    """The slides' animations: all walk at once, two steps a frame, a tail of the last steps behind them."""
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.6), layout="constrained")
    draw_walks(axes, results, SLIDES)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(SLIDES), fontsize=9)
    walkers = [(line, line.get_xydata()) for axis in axes for line in axis.lines[1:]]  # the first are stars

    def step(frame):
        for line, walk in walkers:
            line.set_data(*walk[max(0, 2 * frame - 12) : 2 * frame + 1].T)
            line.set(markersize=6, markevery=[-1])
        figure.suptitle(f"After {2 * frame} steps, each at its best rate")

    return FuncAnimation(figure, step, frames=50, interval=120)


def figures(results=None):
    """Paths, steps needed, and the animation."""
    results = results or compare()
    return {"paths": draw_paths(results), "ranking": draw_ranking(results), "descent": draw_descent(results)}


def main():
    results = compare()
    for surface, rows in results.items():
        print(f"\n{surface}: steps until below {SURFACES[surface][4]} for good (medians), each at its best rate")
        for name, (rate, needed, path) in sorted(rows.items(), key=lambda item: np.median(item[1][1])):
            print(f"{name:17} rate {rate:8.4f} {np.median(needed):5.0f} steps; at last at {path[-1].round(3)}")
    for name, picture in figures(results).items():
        picture.save(f"{name}.gif", writer="pillow") if name == "descent" else picture.savefig(f"{name}.png")


if __name__ == "__main__":
    main()

"""Every optimizer of Keras on three surfaces: a long valley, a saddle and Beale's function.

Slides: 000 «Algoritmos de optimización», 001 «Optimizadores».
Paper:  Sutskever et al. (2013, momentum and Nesterov), Duchi et al. (2011, Adagrad), Zeiler (2012, Adadelta),
        Tieleman & Hinton (2012, RMSprop), Kingma & Ba (2015, Adam)
Departs from the slides: their animations take one rate for all. Here each optimizer has its best one of a single grid,
and starts from 20 places.

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
KERAS = keras.optimizers
SLIDES = {
    "SGD": KERAS.SGD,
    "momentum": lambda rate: KERAS.SGD(rate, momentum=0.9),
    "Nesterov": lambda rate: KERAS.SGD(rate, momentum=0.9, nesterov=True),
    "Adagrad": KERAS.Adagrad,
    "Adadelta": KERAS.Adadelta,
    "RMSprop": KERAS.RMSprop,
    "Adam": KERAS.Adam,
}
OTHERS = {
    "AdamW": KERAS.AdamW,
    "Nadam": KERAS.Nadam,
    "Adamax": KERAS.Adamax,
    "ScheduleFree": KERAS.ScheduleFreeAdamW,
    "Lion": KERAS.Lion,
    "Ftrl": KERAS.Ftrl,
    "Lamb": KERAS.Lamb,
    "Adafactor": lambda rate: KERAS.Adafactor(rate, relative_step=False),
    "Muon": KERAS.Muon,  # for matrices: each point is one of 1 × 2
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


SURFACES = {  # function, where the starts lie, their spread, the height at which one has arrived, the map's edges
    "valley": (valley, (0, 0), (0.3, 0.1), 1e-3, (-1, 7, -1.5, 3.5)),
    "saddle": (saddle, (0.2, 0.003), (0.1, 0.001), 1e-2, (-0.4, 2.4, -0.6, 1.6)),
    "beale": (beale, (1.0, 1.3), (0.1, 0.1), 1e-2, (-0.5, 4.5, -1.5, 2)),
}


def draw_starts(count=20, seed=0):
    """(surfaces, count, 2); the first start of each surface is the middle."""
    noise = np.random.default_rng(seed).normal(size=(len(SURFACES), count, 2))
    noise[:, 0] = 0
    return np.array([np.add(m, s * n) for n, (_, m, s, *_) in zip(noise, SURFACES.values(), strict=True)])


def descend(name, rates=RATES, starts=None, steps=STEPS):
    """Where the optimizer goes on every surface: (rates, steps + 1, surfaces, starts, 2)."""
    starts = np.float32(draw_starts() if starts is None else starts)
    optimizer = (SLIDES | OTHERS)[name](float(rates[0]))
    if name in BY_VARIABLE:
        starts = starts[:, :5]
        shape = (1, 2) if name == "Muon" else (2,)
        points = [keras.Variable(start.reshape(shape)) for start in starts.reshape(-1, 2)]
    else:
        points = [keras.Variable(starts)]
    optimizer.build(points)
    beginning = [variable.numpy() for variable in optimizer.variables]

    def position():
        return tf.reshape(tf.stack([point.value for point in points]), starts.shape)

    @tf.function
    def walk():
        path = tf.TensorArray(tf.float32, steps + 1).write(0, position())
        for step in tf.range(1, steps + 1):
            with tf.GradientTape() as tape:
                xs, ys = tf.unstack(position(), axis=-1)
                heights = [f(xs[i], ys[i]) for i, (f, *_) in enumerate(SURFACES.values())]
            optimizer.apply(tape.gradient(heights, [point.value for point in points]), points)
            path = path.write(step, position())
        return path.stack()

    paths = []
    for rate in rates:
        for variable, value in zip(optimizer.variables, beginning, strict=True):
            variable.assign(value)
        for point, start in zip(points, starts.reshape(len(points), *points[0].shape), strict=True):
            point.assign(start)
        optimizer.learning_rate = float(rate)
        paths.append(walk().numpy())
    return np.array(paths)


def steps_needed(path, surface):
    """(rates, starts): after how many steps a walk is below the surface's height for good.

    STEPS + 1 if it never is, or leaves the map on its way.
    """
    function, _, _, height, (left, right, low, high) = SURFACES[surface]
    x, y = np.moveaxis(path, -1, 0)
    with np.errstate(all="ignore"):
        above = ~(function(x, y) <= height)  # not-a-number is above as well
        inside = ((left < x) & (x < right) & (low < y) & (y < high)).all(axis=1)
    needed = np.where(above.any(axis=1), above.shape[1] - above[:, ::-1].argmax(axis=1), 0)
    return np.where(inside, needed, STEPS + 1)


def compare():
    """For every surface and optimizer: best rate, steps needed from each start, and the walks at that rate."""
    results = {surface: {} for surface in SURFACES}
    for name in SLIDES | OTHERS:
        paths = descend(name, RATES)
        for index, surface in enumerate(SURFACES):
            walks = paths[:, :, index]
            needed = steps_needed(walks, surface)
            x, y = np.moveaxis(walks[:, -1, 0], -1, 0)
            with np.errstate(all="ignore"):
                heights = SURFACES[surface][0](x, y)
            best = np.lexsort([heights, np.median(needed, axis=1)])[0]  # if none arrives, the lowest in the end
            results[surface][name] = RATES[best], needed[best], walks[best]
    return results


TITLES = {"valley": "Long valley", "saddle": "Saddle", "beale": "Beale's function"}
COLOURS = ["#000000", "#D55E00", "#E69F00", "#0072B2", "#56B4E9", "#009E73", "#CC79A7", "#7F7F7F", "#8B4513"]


def draw_surface(axis, surface):
    """Contours, closer together towards the minimum, which is a star."""
    function, *_, (left, right, low, high) = SURFACES[surface]
    x, y = np.meshgrid(np.linspace(left, right, 200), np.linspace(low, high, 200))
    axis.contour(x, y, np.log(function(x, y) + 1e-2), 14, colors="0.8", linewidths=0.8, linestyles="-")
    least = {"valley": [(4, 1)], "saddle": [(1, 1), (1, -1)], "beale": [(3, 0.5)]}[surface]
    axis.plot(*np.transpose(least), "*", color="#F0E442", markeredgecolor="k", markersize=14, zorder=5)
    axis.set(xlim=(left, right), ylim=(low, high), xticks=[], yticks=[], title=TITLES[surface])


def draw_paths(results):
    """The middle walk of every optimizer: above those of the slides, below the others."""
    figure, axes = plt.subplots(2, 3, figsize=(12, 7.4), layout="constrained")
    for row, family in zip(axes, (SLIDES, OTHERS), strict=True):
        for axis, surface in zip(row, SURFACES, strict=True):
            draw_surface(axis, surface)
            for name, colour in zip(family, COLOURS, strict=False):
                path = results[surface][name][2][:, 0]
                axis.plot(*path.T, "-o", color=colour, markersize=2.5, linewidth=1.3, label=name)
        row[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle("Down the steep wall first, or straight for the goal: each at its best rate, one dot a step")
    return figure


def draw_ranking(results):
    """Steps until below the height for good: median and range of the starts."""
    names = list(SLIDES | OTHERS)
    figure, axes = plt.subplots(1, 3, figsize=(12, 5.4), sharey=True, layout="constrained")
    for axis, surface in zip(axes, SURFACES, strict=True):
        for row, name in enumerate(names):
            rate, needed, _ = results[surface][name]
            low, middle, high = np.quantile(needed, (0.1, 0.5, 0.9))
            colour = "#0072B2" if name in SLIDES else "#D55E00"
            axis.plot([low, high], [row, row], color=colour, linewidth=5, alpha=0.3, solid_capstyle="round")
            axis.plot(middle, row, "o" if middle <= STEPS else ">", color=colour)
            shown = np.format_float_positional(rate, 2, fractional=False, trim="-") if middle <= STEPS else "–"
            axis.text(430, row, shown, va="center", fontsize=9)
        axis.axvline(STEPS, color="0.6", linestyle=":")
        axis.set(xscale="log", xlim=(1, 800), title=TITLES[surface], xlabel="steps")
        axis.text(430, -1.2, "rate", fontsize=9)
        axis.set_yticks(range(len(names)), names)
        axis.grid(True, axis="x")
    axes[0].invert_yaxis()
    figure.suptitle("No optimizer is first everywhere (dot: median; bar: 80 % of the starts; ▸: not within 300 steps)")
    return figure


def draw_descent(results, frames=50):
    """The slides' animations: all walk at once, a tail of the last steps behind them."""
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")
    speeds = {"valley": 2, "saddle": 1, "beale": 2}  # steps a frame
    walkers = []
    for axis, surface in zip(axes, SURFACES, strict=True):
        draw_surface(axis, surface)
        for name, colour in zip(SLIDES, COLOURS, strict=False):
            (line,) = axis.plot([], [], "-o", color=colour, label=name, linewidth=1.5, markersize=6)
            walkers.append((line, results[surface][name][2][:, 0], speeds[surface]))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(SLIDES), fontsize=9)

    def step(frame):
        for line, path, speed in walkers:
            tail = path[max(0, speed * frame - 12) : speed * frame + 1]
            line.set_data(*tail.T)
            line.set_markevery([-1])
        for axis, surface in zip(axes, SURFACES, strict=True):
            axis.set_title(f"{TITLES[surface]}, step {speeds[surface] * frame}")

    step(0)
    figure.canvas.draw()
    figure.set_layout_engine("none")  # laid out once is enough
    return FuncAnimation(figure, step, frames=frames, interval=120)


def figures(results=None):
    """Paths, steps needed, and the animation."""
    results = results or compare()
    return {"paths": draw_paths(results), "ranking": draw_ranking(results), "descent": draw_descent(results)}


def main():
    print(f"Momentum of keras.optimizers.SGD unless asked for: {KERAS.SGD().momentum}")
    results = compare()
    for surface, rows in results.items():
        print(f"\n{surface}: steps until below {SURFACES[surface][3]} for good (medians), each at its best rate")
        for name, (rate, needed, path) in sorted(rows.items(), key=lambda item: np.median(item[1][1])):
            x, y = path[-1, 0]
            print(f"{name:12} rate {rate:8.4f}  {np.median(needed):5.0f} steps; at last at ({x:.3f}, {y:.3f})")
    for name, picture in figures(results).items():
        picture.save(f"{name}.gif", writer="pillow") if name == "descent" else picture.savefig(f"{name}.png")


if __name__ == "__main__":
    main()

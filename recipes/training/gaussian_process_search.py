"""Bayesian search in one page: a Gaussian process guesses the function, expected improvement picks the next trial.

Slides: 000 «Modelo de procesos gaussianos».
Paper:  Snoek, Larochelle & Adams (2012), Practical Bayesian optimization of machine learning algorithms,
        https://arxiv.org/abs/1206.2944
Departs from the paper: one set of length scales, the most probable one, instead of an average over slice samples: less
work, and at times too sure of itself (a test shows one in the wrong valley). The cost of a trial is left out.

The unknown function is taken for a draw from a Gaussian process with the Matérn 5/2 kernel. After n trials its value
at a new point is normally distributed, with mean and deviation in closed form. Expected improvement, the mean of
max(best − value, 0) under that distribution, has a closed form too. It is 0 where one has looked already and large
where the guess is low or the doubt great: the search needs no further rule for when to explore.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.stats import norm

NOISE = 1e-6  # variance of the observations, as a share of the function's: keeps the matrix invertible


def kernel(a, b, scales):
    """Matérn 5/2 of two lists of points (n, d) and (m, d), with one length scale per dimension; 1 on the diagonal."""
    distance = np.sqrt(5 * np.sum(((a[:, None] - b[None]) / scales) ** 2, axis=-1))
    return (1 + distance + distance**2 / 3) * np.exp(-distance)


def posterior(points, values, where, scales, variance=1.0, noise=NOISE):
    """Mean and deviation of the process at `where`, given its values at `points`."""
    factor = cho_factor(kernel(points, points, scales) + noise * np.eye(len(points)))
    across = kernel(where, points, scales)
    mean = across @ cho_solve(factor, values)
    share = 1 - np.sum(across * cho_solve(factor, across.T).T, axis=1)
    return mean, np.sqrt(variance * np.maximum(share, 0))


def expected_improvement(mean, deviation, best):
    """E[max(best − f, 0)] where f is normal: (best − μ) Φ(z) + σ φ(z), z = (best − μ) / σ."""
    deviation = np.maximum(deviation, 1e-12)
    z = (best - mean) / deviation
    return np.maximum((best - mean) * norm.cdf(z) + deviation * norm.pdf(z), 0)


def fit(points, values):
    """Length scales and variance under which the values seen are the most probable; the variance has a closed form."""

    def surprise(logarithms):
        factor = cho_factor(kernel(points, points, np.exp(logarithms)) + NOISE * np.eye(len(points)))
        variance = values @ cho_solve(factor, values) / len(values)
        wide = np.sum((logarithms - np.log(0.3)) ** 2) / 2  # before all else, three tenths of the range are likely
        return len(values) / 2 * np.log(variance) + np.sum(np.log(np.diag(factor[0]))) + wide, variance

    start = np.full(points.shape[1], np.log(0.3))
    bounds = [(np.log(0.03), np.log(3))] * len(start)
    best = minimize(lambda logarithms: surprise(logarithms)[0], start, bounds=bounds, options={"maxiter": 20}).x
    return np.exp(best), surprise(best)[1]


def guess(points, values, where):
    """Mean and deviation at `where`, and the expected improvement, for coordinates from 0 to 1 and any values."""
    centre, spread = np.mean(values), np.std(values)
    scaled = (values - centre) / spread
    scales, variance = fit(points, scaled)
    mean, deviation = posterior(points, scaled, where, scales, variance)
    gain = expected_improvement(mean, deviation, scaled.min())
    return centre + spread * mean, spread * deviation, spread * gain


def search(function, bounds, evaluations, initial=3, seed=0):
    """Minimise `function` between `bounds` (d, 2): some trials spread at random, then always the most promising point.

    The `initial` trials are a Latin square: cut into as many slices, every axis has one of them in each slice.
    """
    rng, (low, high) = np.random.default_rng(seed), np.transpose(bounds)
    slices = rng.permuted(np.tile(np.arange(initial), (len(low), 1)), axis=1).T
    points = (slices + rng.random((initial, len(low)))) / initial
    values = np.array([function(low + (high - low) * point) for point in points])
    while len(points) < evaluations:
        anywhere = rng.random((500 * len(low), len(low)))
        nearby = points[values.argmin()] + rng.normal(0, 0.02, (200, len(low)))
        where = np.concatenate([anywhere, np.clip(nearby, 0, 1)])
        chosen = where[guess(points, values, where)[2].argmax()]
        points = np.append(points, [chosen], axis=0)
        values = np.append(values, function(low + (high - low) * chosen))
    return low + (high - low) * points, values


def search_at_random(function, bounds, evaluations, seed=0):
    """The rival: every trial anywhere."""
    low, high = np.transpose(bounds)
    points = low + (high - low) * np.random.default_rng(seed).random((evaluations, len(low)))
    return points, np.array([function(point) for point in points])


def wave(point):
    """(6x − 2)² sin(12x − 4), of Forrester: least at x = 0.75725, −6.02074; another valley at 0.14 is a trap."""
    x = np.asarray(point)[..., 0]
    return (6 * x - 2) ** 2 * np.sin(12 * x - 4)


def branin(point):
    """The paper's first example: three equal minima, 0.397887, for x from −5 to 10 and y from 0 to 15."""
    x, y = np.moveaxis(np.asarray(point), -1, 0)
    bowl = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return bowl**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


WAVE = {"function": wave, "bounds": [(0, 1)], "least": -6.02074}
BRANIN = {"function": branin, "bounds": [(-5, 10), (0, 15)], "least": 0.397887}


def evaluations_needed(values, least, within):
    """How many trials it took to come `within` that much of the least value; one more than all if none did."""
    good = np.asarray(values) <= least + within
    return int(good.argmax()) + 1 if good.any() else len(values) + 1


def draw_steps(counts=(3, 5, 7, 12)):
    """What is believed of the wave after some trials, and where the next one is worth most."""
    x = np.linspace(0, 1, 401)[:, None]
    points, values = search(wave, WAVE["bounds"], max(counts) + 1, seed=13)
    figure, axes = plt.subplots(
        2, len(counts), figsize=(12, 5.2), sharex=True, sharey="row", height_ratios=(3, 1), layout="constrained"
    )
    for (above, below), count in zip(axes.T, counts, strict=True):
        mean, deviation, gain = guess(points[:count], values[:count], x)
        above.fill_between(x[:, 0], mean - 2 * deviation, mean + 2 * deviation, alpha=0.25, label="mean ± 2 deviations")
        above.plot(x, mean, label="guess: mean of the process")
        above.plot(x, wave(x), "k--", linewidth=1.2, label="the unknown function")
        above.plot(points[:count], values[:count], "ko", label="trials", zorder=3)
        above.set(title=f"After {count} trials: best {values[:count].min():.2f}".replace("-", "−"), ylim=(-13, 19))
        below.fill_between(x[:, 0], gain / gain.max(), color="#D55E00", alpha=0.5)
        for axis in (above, below):
            axis.axvline(points[count, 0], color="#D55E00", linestyle=":", label="next trial")
        below.set(xlabel="x", yticks=[], title=f"largest gain: {gain.max():.2g}")
    axes[1, 0].set_ylabel("expected\nimprovement")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.suptitle("Each trial goes where the guess is low or the doubt is great, until no gain is left to expect")
    return figure


def draw_race(seeds=8, evaluations=30):
    """Branin's function with one search, and the best value so far of many searches beside random ones."""
    low, high = np.transpose(BRANIN["bounds"])
    grid = np.stack(np.meshgrid(*np.linspace(low, high, 120).T), axis=-1)
    runs = [search(branin, BRANIN["bounds"], evaluations, seed=seed) for seed in range(seeds)]
    rivals = [search_at_random(branin, BRANIN["bounds"], 1000, seed=seed) for seed in range(100)]
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    axes[0].contourf(*np.moveaxis(grid, -1, 0), np.log(branin(grid)), 25, cmap="Blues_r", alpha=0.8)
    points = runs[0][0]
    axes[0].plot(*points[:3].T, "s", color="#E69F00", markersize=9, label="three trials to begin with", clip_on=False)
    axes[0].plot(*points[3:].T, "o", color="#D55E00", label="chosen by expected improvement", clip_on=False)
    for number, point in enumerate(points[:12], start=1):
        axes[0].annotate(number, point, xytext=(6, 4), textcoords="offset points", weight="bold")
    axes[0].set(title="Branin's function: dark is low", xlabel="x", ylabel="y")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    needed = {}
    for name, results, colour in (("expected improvement", runs, "#D55E00"), ("random", rivals, "#0072B2")):
        regret = np.minimum.accumulate([values for _, values in results], axis=1) - BRANIN["least"]
        low, middle, high = np.quantile(regret, (0.1, 0.5, 0.9), axis=0)
        trials = np.arange(1, len(middle) + 1)
        axes[1].loglog(trials, middle, color=colour, label=f"{name}, median of {len(results)} searches")
        axes[1].fill_between(trials, low, high, color=colour, alpha=0.2)
        needed[name] = np.median([evaluations_needed(values, BRANIN["least"], 0.1) for _, values in results])
    axes[1].set(
        title="Best value so far; bands hold 80 % of the searches",
        xlabel="trials",
        ylabel="above the minimum",
        ylim=(1e-5, 100),
    )
    axes[1].legend(loc="lower left")
    axes[1].grid(True)
    few, many = needed.values()
    figure.suptitle(f"Within 0.1 of the minimum after {few:.0f} trials; at random it takes {many:.0f} (medians)")
    return figure


def figures():
    """A search step by step, and a race against random search."""
    return {"steps": draw_steps(), "race": draw_race()}


def main():
    for name, task, within, trials in (("wave", WAVE, 0.06, 15), ("Branin", BRANIN, 0.1, 30)):
        function, bounds, least = task.values()
        for rival, run, budget in (("expected improvement", search, trials), ("random", search_at_random, 1000)):
            results = [run(function, bounds, budget, seed=seed) for seed in range(5)]
            needed = [evaluations_needed(values, least, within) for _, values in results]
            print(f"{name:7} {rival:21} trials until within {within} of {least:8.5f}: {needed}")
    for name, picture in figures().items():
        picture.savefig(f"{name}.png")


if __name__ == "__main__":
    main()

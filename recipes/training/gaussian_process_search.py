"""Bayesian optimization on one page: a Gaussian process and expected improvement choose the trials.

Slides: 000 «Modelo de procesos gaussianos».
Paper:  Snoek, Larochelle & Adams (2012), Practical Bayesian optimization of machine learning
        algorithms, https://arxiv.org/abs/1206.2944
Departs from the paper: one set of length scales, the most probable one, instead of an average over
slice samples. It is less work, but at times overconfident (a test shows a search in the wrong
valley). The cost of a trial is left out.

The unknown function is modeled as a sample of a Gaussian process with the Matérn 5/2 kernel. After
n trials its value at a new point is normally distributed, with mean and deviation in closed form.
Expected improvement, the mean of max(best − value, 0) under that distribution, has a closed form as
well. It is 0 where the function has been evaluated and large where the mean is low or the deviation
large, so the search needs no further rule to balance exploration and exploitation.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.stats import norm

# Variance of the observations, as a share of the function's: keeps the covariance invertible.
NOISE = 1e-6


# The Gaussian process


def kernel(a, b, scales):
    """Matérn 5/2 kernel.

    Args:
        a: Points (n, d).
        b: Points (m, d).
        scales: Length scales, one for each of the d dimensions.

    Returns:
        Correlations (n, m): 1 for equal points, the less the farther apart.
    """
    differences = (a[:, None] - b[None]) / scales  # (n, m, d)
    distance = np.sqrt(5 * np.sum(differences**2, axis=-1))
    return (1 + distance + distance**2 / 3) * np.exp(-distance)


def posterior(points, values, where, scales, variance=1.0, noise=NOISE):
    """Mean and standard deviation of the process at new points, given its values at some.

    Args:
        points: Evaluated points (n, d).
        values: Their values (n,).
        where: New points (m, d).
        scales: As in `kernel`.
        variance: Of the process.
        noise: Variance of the observations, as a share of the process's.

    Returns:
        Two arrays (m,).
    """
    covariance = kernel(points, points, scales) + noise * np.eye(len(points))
    factor = cho_factor(covariance)
    cross = kernel(where, points, scales)  # (m, n)
    mean = cross @ cho_solve(factor, values)
    explained = np.sum(cross * cho_solve(factor, cross.T).T, axis=1)
    return mean, np.sqrt(variance * np.maximum(1 - explained, 0))


def expected_improvement(mean, deviation, best):
    """E[max(best − f, 0)] of a normal f: (best − μ) Φ(z) + σ φ(z), where z = (best − μ) / σ."""
    deviation = np.maximum(deviation, 1e-12)
    z = (best - mean) / deviation
    improvement = (best - mean) * norm.cdf(z) + deviation * norm.pdf(z)
    return np.maximum(improvement, 0)


def fit(points, values):
    """The most probable length scales (d,) and variance, given values (n,) at points (n, d)."""
    count = len(values)

    def variance_and_loss(log_scales):
        covariance = kernel(points, points, np.exp(log_scales)) + NOISE * np.eye(count)
        factor = cho_factor(covariance)
        # The most probable variance has a closed form.
        variance = max(values @ cho_solve(factor, values) / count, 1e-12)
        half_log_determinant = np.sum(np.log(np.diag(factor[0])))
        # Prior: length scales around three tenths of the range are likely.
        prior = np.sum((log_scales - np.log(0.3)) ** 2) / 2
        return variance, count / 2 * np.log(variance) + half_log_determinant + prior

    def negative_log_posterior(log_scales):
        return variance_and_loss(log_scales)[1]

    start = np.full(points.shape[1], np.log(0.3))
    bounds = [(np.log(0.03), np.log(3))] * len(start)
    best = minimize(negative_log_posterior, start, bounds=bounds, options={"maxiter": 20}).x
    return np.exp(best), variance_and_loss(best)[0]


def predict(points, values, where):
    """Mean, deviation and expected improvement at new points, for values of any size.

    Args:
        points: Evaluated points (n, d), coordinates from 0 to 1.
        values: Their values (n,), to be minimized.
        where: New points (m, d).

    Returns:
        Three arrays (m,).
    """
    center = np.mean(values)
    spread = np.std(values) or 1.0  # of a single value, or of equal ones
    standardized = (values - center) / spread
    scales, variance = fit(points, standardized)
    mean, deviation = posterior(points, standardized, where, scales, variance)
    improvement = expected_improvement(mean, deviation, standardized.min())
    return center + spread * mean, spread * deviation, spread * improvement


# The searches


def latin_hypercube(count, dimensions, rng):
    """Points (count, dimensions) from 0 to 1: one in each of `count` slices of every axis."""
    slices = [rng.permutation(count) for _ in range(dimensions)]
    return (np.transpose(slices) + rng.random((count, dimensions))) / count


def bayesian_search(function, bounds, evaluations, initial=3, seed=0):
    """Minimize a function: a few spread trials, then always the point of most expected improvement.

    Args:
        function: From a point (d,) to a number.
        bounds: Lowest and highest coordinate of each dimension, (d, 2).
        evaluations: Number of trials.
        initial: How many of them are spread at random.
        seed: Of the random numbers.

    Returns:
        The points (evaluations, d) and their values (evaluations,), in the order of the trials.
    """
    rng = np.random.default_rng(seed)
    low, high = np.transpose(bounds)
    dimensions = len(low)
    points = latin_hypercube(initial, dimensions, rng)
    values = np.array([function(low + (high - low) * point) for point in points])
    while len(points) < evaluations:
        # Candidates: many anywhere, some near the best point so far.
        anywhere = rng.random((500 * dimensions, dimensions))
        nearby = points[values.argmin()] + rng.normal(0, 0.02, (200, dimensions))
        candidates = np.concatenate([anywhere, np.clip(nearby, 0, 1)])
        _, _, improvement = predict(points, values, candidates)
        chosen = candidates[improvement.argmax()]
        points = np.append(points, [chosen], axis=0)
        values = np.append(values, function(low + (high - low) * chosen))
    return low + (high - low) * points, values


def random_search(function, bounds, evaluations, seed=0):
    """The baseline: every trial at random. Arguments and results as for `bayesian_search`."""
    low, high = np.transpose(bounds)
    points = low + (high - low) * np.random.default_rng(seed).random((evaluations, len(low)))
    return points, np.array([function(point) for point in points])


def evaluations_needed(values, minimum, within):
    """Trials until one was `within` that much of the minimum; one more than all if none was."""
    good = np.asarray(values) <= minimum + within
    return int(good.argmax()) + 1 if good.any() else len(values) + 1


# Two functions to minimize


def forrester(point):
    """(6x − 2)² sin(12x − 4): minimum −6.02074 at x = 0.75725, and a local minimum at 0.14."""
    x = np.asarray(point)[..., 0]
    return (6 * x - 2) ** 2 * np.sin(12 * x - 4)


def branin(point):
    """The paper's first example: three equal minima, 0.397887, for x in −5 … 10 and y in 0 … 15."""
    x, y = np.moveaxis(np.asarray(point), -1, 0)
    bowl = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return bowl**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


FORRESTER = {"function": forrester, "bounds": [(0, 1)], "minimum": -6.02074}
BRANIN = {"function": branin, "bounds": [(-5, 10), (0, 15)], "minimum": 0.397887}


# Pictures


def plot_steps(counts=(3, 5, 7, 12)):
    """The process after some trials on Forrester's function, and the expected improvement."""
    x = np.linspace(0, 1, 401)[:, None]
    points, values = bayesian_search(forrester, FORRESTER["bounds"], max(counts) + 1, seed=13)
    figure, axes = plt.subplots(
        2,
        len(counts),
        figsize=(12, 5.2),
        sharex=True,
        sharey="row",
        height_ratios=(3, 1),
        layout="constrained",
    )
    for (above, below), count in zip(axes.T, counts, strict=True):
        mean, deviation, improvement = predict(points[:count], values[:count], x)
        low = mean - 2 * deviation
        high = mean + 2 * deviation
        above.fill_between(x[:, 0], low, high, alpha=0.25, label="mean ± 2 deviations")
        above.plot(x, mean, label="mean of the process")
        above.plot(x, forrester(x), "k--", linewidth=1.2, label="the unknown function")
        above.plot(points[:count], values[:count], "ko", label="trials", zorder=3)
        best = f"{values[:count].min():.2f}".replace("-", "−")
        above.set(title=f"After {count} trials: best {best}", ylim=(-13, 19))
        below.fill_between(x[:, 0], improvement / improvement.max(), color="#D55E00", alpha=0.5)
        below.set(xlabel="x", yticks=[], title=f"maximum: {improvement.max():.2g}")
        for axis in (above, below):
            axis.axvline(points[count, 0], color="#D55E00", linestyle=":", label="next trial")
    axes[1, 0].set_ylabel("expected\nimprovement")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.suptitle("Each trial goes where the mean is low or the deviation large")
    return figure


def plot_search(axis):
    """The trials of one search on the contours of Branin's function."""
    points, _ = bayesian_search(branin, BRANIN["bounds"], 30, seed=0)
    low, high = np.transpose(BRANIN["bounds"])
    x, y = np.meshgrid(np.linspace(low[0], high[0], 120), np.linspace(low[1], high[1], 120))
    heights = branin(np.stack([x, y], axis=-1))
    axis.contourf(x, y, np.log(heights), 25, cmap="Blues_r", alpha=0.8)
    initial = points[:3]
    chosen = points[3:]
    axis.plot(*initial.T, "s", color="#E69F00", markersize=9, label="initial trials", clip_on=False)
    axis.plot(*chosen.T, "o", color="#D55E00", label="by expected improvement", clip_on=False)
    for number, point in enumerate(points[:12], start=1):
        offset = {"xytext": (6, 4), "textcoords": "offset points", "weight": "bold"}
        axis.annotate(number, point, **offset)
    axis.set(title="Branin's function: dark is low", xlabel="x", ylabel="y")


def plot_race(axis, searches):
    """The best value so far of many searches: median and the range of 80 % of them."""
    for (name, results), color in zip(searches.items(), ("#D55E00", "#0072B2"), strict=True):
        values = [values for _, values in results]
        regret = np.minimum.accumulate(values, axis=1) - BRANIN["minimum"]  # (searches, trials)
        low, median, high = np.quantile(regret, (0.1, 0.5, 0.9), axis=0)
        trials = np.arange(1, len(median) + 1)
        axis.loglog(trials, median, color=color, label=f"{name}, median of {len(results)}")
        axis.fill_between(trials, low, high, color=color, alpha=0.2)
    axis.set(title="Best value so far; bands hold 80 % of the searches")
    axis.set(xlabel="trials", ylabel="above the minimum", ylim=(1e-5, 100))
    axis.legend(loc="lower left")
    axis.grid(True)


def median_evaluations(results, minimum, within):
    """The median over searches of the trials needed."""
    return np.median([evaluations_needed(values, minimum, within) for _, values in results])


def main():
    budgets = {"Bayesian": (bayesian_search, None), "random": (random_search, 1000)}
    for task, within, trials in ((FORRESTER, 0.06, 15), (BRANIN, 0.1, 30)):
        for name, (search, budget) in budgets.items():
            needed = []
            for seed in range(5):
                _, values = search(task["function"], task["bounds"], budget or trials, seed=seed)
                needed.append(evaluations_needed(values, task["minimum"], within))
            problem = task["function"].__name__
            print(f"{problem:9} {name:8} search, trials until within {within}: {needed}")

    plot_steps().savefig("steps.png")

    searches = {"Bayesian search": [], "random search": []}
    for seed in range(8):
        searches["Bayesian search"].append(bayesian_search(branin, BRANIN["bounds"], 30, seed=seed))
    for seed in range(100):
        searches["random search"].append(random_search(branin, BRANIN["bounds"], 1000, seed=seed))
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    plot_search(axes[0])
    plot_race(axes[1], searches)
    few, many = (median_evaluations(each, BRANIN["minimum"], 0.1) for each in searches.values())
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    figure.suptitle(
        f"Within 0.1 of the minimum after {few:.0f} trials; at random {many:.0f} (medians)"
    )
    figure.savefig("race.png")


if __name__ == "__main__":
    main()

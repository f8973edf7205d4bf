"""Bayesian optimization on one page: a Gaussian process and expected improvement choose the trials.

Slides: 000 «Modelo de procesos gaussianos».
Paper:  Snoek, Larochelle & Adams (2012), Practical Bayesian optimization of machine learning
        algorithms, https://arxiv.org/abs/1206.2944
Departs from the paper: the most probable length scales (MAP) instead of an average over samples by
slice sampling. This is cheaper, but sometimes overconfident (a test shows a search in the wrong
valley). The cost of a trial is ignored.

The unknown function is modeled as a sample of a Gaussian process with the Matérn 5/2 kernel. After
n trials its value at a new point is normally distributed, with mean and standard deviation in
closed form.
Expected improvement, the mean of max(best − value, 0) under that distribution, has a closed form as
well. It is 0 where the function has been evaluated and large where the mean is low or the deviation
is large, so the search needs no further rule to balance exploration and exploitation.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.stats import norm

# Noise variance relative to the variance of the function; it keeps the covariance invertible.
NOISE = 1e-6


# The Gaussian process


def kernel(a, b, scales):
    """Matérn 5/2 kernel.

    Args:
        a: Points (n, d).
        b: Points (m, d).
        scales: Length scales, one for each of the d dimensions.

    Returns:
        Correlations (n, m): 1 for equal points, decreasing with the distance.
    """
    differences = (a[:, None] - b[None]) / scales  # (n, m, d)
    distance = np.sqrt(5 * np.sum(differences**2, axis=-1))
    return (1 + distance + distance**2 / 3) * np.exp(-distance)


def posterior(points, values, where, scales, variance=1.0, noise=NOISE):
    """Mean and standard deviation of the process at new points, given its values at others.

    Args:
        points: Evaluated points (n, d).
        values: Their values (n,).
        where: New points (m, d).
        scales: As in `kernel`.
        variance: Variance of the process.
        noise: Noise variance relative to that of the process.

    Returns:
        Two arrays (m,).
    """
    covariance = kernel(points, points, scales)  # (n, n)
    covariance += noise * np.eye(len(points))
    factor = cho_factor(covariance)
    cross = kernel(where, points, scales)  # (m, n)
    mean = cross @ cho_solve(factor, values)
    # The share of the variance that the evaluated points explain, k C⁻¹ kᵀ.
    weights = cho_solve(factor, cross.T).T  # (m, n)
    explained = np.sum(cross * weights, axis=1)
    unexplained = np.maximum(1 - explained, 0)
    return mean, np.sqrt(variance * unexplained)


def expected_improvement(mean, deviation, best):
    """E[max(best − f, 0)] of a normal f: (best − μ) Φ(z) + σ φ(z), where z = (best − μ) / σ."""
    deviation = np.maximum(deviation, 1e-12)
    difference = best - mean
    z = difference / deviation
    improvement = difference * norm.cdf(z) + deviation * norm.pdf(z)
    return np.maximum(improvement, 0)


def fit(points, values):
    """The most probable length scales (d,) and variance, given values (n,) at points (n, d)."""
    count = len(values)

    def variance_and_loss(log_scales):
        scales = np.exp(log_scales)
        covariance = kernel(points, points, scales) + NOISE * np.eye(count)
        factor = cho_factor(covariance)
        # The most probable variance has a closed form.
        variance = values @ cho_solve(factor, values) / count
        variance = max(variance, 1e-12)
        triangle, _ = factor
        half_log_determinant = np.sum(np.log(np.diag(triangle)))
        # Prior: length scales around three tenths of the range are likely.
        prior = np.sum((log_scales - np.log(0.3)) ** 2) / 2
        loss = count / 2 * np.log(variance) + half_log_determinant + prior
        return variance, loss

    def negative_log_posterior(log_scales):
        _, loss = variance_and_loss(log_scales)
        return loss

    dimensions = points.shape[1]
    start = np.full(dimensions, np.log(0.3))
    bounds = [(np.log(0.03), np.log(3))] * dimensions
    options = {"maxiter": 20}
    found = minimize(negative_log_posterior, start, bounds=bounds, options=options)
    variance, _ = variance_and_loss(found.x)
    return np.exp(found.x), variance


def predict(points, values, where):
    """Mean, standard deviation and expected improvement at new points, for values of any scale.

    Args:
        points: Evaluated points (n, d), coordinates from 0 to 1.
        values: Their values (n,), to be minimized.
        where: New points (m, d).

    Returns:
        Three arrays (m,).
    """
    center = np.mean(values)
    spread = np.std(values) or 1.0  # if all values are equal
    standardized = (values - center) / spread
    scales, variance = fit(points, standardized)
    mean, deviation = posterior(points, standardized, where, scales, variance)
    improvement = expected_improvement(mean, deviation, standardized.min())
    # Convert back to the units of the values.
    mean = center + spread * mean
    deviation = spread * deviation
    improvement = spread * improvement
    return mean, deviation, improvement


# The searches


def latin_hypercube(count, dimensions, rng):
    """Points (count, dimensions) from 0 to 1, one in each of `count` slices of every axis."""
    slices = []
    for _ in range(dimensions):
        slices.append(rng.permutation(count))
    slices = np.transpose(slices)  # (count, dimensions)
    within = rng.random((count, dimensions))
    return (slices + within) / count


def stretched(points, bounds):
    """Scale points (…, d) from 0–1 to the `bounds` (d, 2)."""
    low, high = np.transpose(bounds)
    return low + (high - low) * points


def bayesian_search(function, bounds, evaluations, initial=3, seed=0):
    """Minimize a function: initial trials, then always the point of maximum expected improvement.

    Args:
        function: Maps a point (d,) to a number.
        bounds: Lowest and highest coordinate of each dimension, (d, 2).
        evaluations: Number of trials.
        initial: Number of initial trials, a random Latin hypercube sample.
        seed: Seed of the random numbers.

    Returns:
        The points (evaluations, d) and their values (evaluations,), in the order of the trials.
    """
    rng = np.random.default_rng(seed)
    dimensions = len(bounds)
    # The coordinates of the process range from 0 to 1.
    points = latin_hypercube(initial, dimensions, rng)
    values = np.array([function(point) for point in stretched(points, bounds)])
    while len(points) < evaluations:
        # Candidates: many in the whole range, some near the best point so far.
        anywhere = rng.random((500 * dimensions, dimensions))
        best = points[values.argmin()]
        nearby = best + rng.normal(0, 0.02, (200, dimensions))
        nearby = np.clip(nearby, 0, 1)
        candidates = np.concatenate([anywhere, nearby])
        # The next trial is the candidate with the largest expected improvement.
        _, _, improvement = predict(points, values, candidates)
        chosen = candidates[improvement.argmax()]
        value = function(stretched(chosen, bounds))
        points = np.append(points, [chosen], axis=0)
        values = np.append(values, value)
    return stretched(points, bounds), values


def random_search(function, bounds, evaluations, seed=0):
    """The baseline: random trials. Arguments and results as for `bayesian_search`."""
    rng = np.random.default_rng(seed)
    points = rng.random((evaluations, len(bounds)))
    points = stretched(points, bounds)
    values = np.array([function(point) for point in points])
    return points, values


def evaluations_needed(values, minimum, within):
    """Trials until one is `within` a distance of the minimum; one more than all if none is."""
    good = np.asarray(values) <= minimum + within
    if not good.any():
        return len(values) + 1
    return int(good.argmax()) + 1


# Two functions to minimize


def forrester(point):
    """(6x − 2)² sin(12x − 4): minimum −6.02074 at x = 0.75725, and a local minimum at 0.14."""
    x = np.asarray(point)[..., 0]
    return (6 * x - 2) ** 2 * np.sin(12 * x - 4)


def branin(point):
    """The paper's first example: three equal minima, 0.397887, for x in −5…10 and y in 0…15."""
    x, y = np.moveaxis(np.asarray(point), -1, 0)
    valley = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    wave = 10 * (1 - 1 / (8 * np.pi)) * np.cos(x)
    return valley**2 + wave + 10


FORRESTER = {"function": forrester, "bounds": [(0, 1)], "minimum": -6.02074}
BRANIN = {"function": branin, "bounds": [(-5, 10), (0, 15)], "minimum": 0.397887}


# Pictures


def plot_steps(counts=(3, 5, 7, 12)):
    """The process after some trials on Forrester's function, and the expected improvement."""
    x = np.linspace(0, 1, 401)
    places = x[:, None]  # (401, 1)
    trials = max(counts) + 1
    points, values = bayesian_search(forrester, FORRESTER["bounds"], trials, seed=13)
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
        tried = points[:count]
        found = values[:count]
        mean, deviation, improvement = predict(tried, found, places)
        low = mean - 2 * deviation
        high = mean + 2 * deviation
        above.fill_between(x, low, high, alpha=0.25, label="mean ± 2 deviations")
        above.plot(x, mean, label="mean of the process")
        above.plot(x, forrester(places), "k--", linewidth=1.2, label="the unknown function")
        above.plot(tried, found, "ko", label="trials", zorder=3)
        best = f"{found.min():.2f}".replace("-", "−")
        above.set(title=f"After {count} trials: best {best}", ylim=(-13, 19))
        largest = improvement.max()
        below.fill_between(x, improvement / largest, color="#D55E00", alpha=0.5)
        below.set(xlabel="x", yticks=[], title=f"maximum: {largest:.2g}")
        for axis in (above, below):
            axis.axvline(points[count, 0], color="#D55E00", linestyle=":", label="next trial")
    axes[1, 0].set_ylabel("expected\nimprovement")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.suptitle("Each trial goes where the mean is low or the deviation large")
    return figure


def plot_search(axis):
    """The trials of one search on the contours of Branin's function."""
    points, _ = bayesian_search(branin, BRANIN["bounds"], 30, seed=0)
    # The function on a grid over its whole range.
    x_bounds, y_bounds = BRANIN["bounds"]
    across = np.linspace(*x_bounds, 120)
    up = np.linspace(*y_bounds, 120)
    x, y = np.meshgrid(across, up)
    heights = branin(np.stack([x, y], axis=-1))  # (120, 120)
    axis.contourf(x, y, np.log(heights), 25, cmap="Blues_r", alpha=0.8)
    # The trials; the first twelve are numbered.
    initial = points[:3].T
    chosen = points[3:].T
    axis.plot(*initial, "s", color="#E69F00", markersize=9, label="initial trials", clip_on=False)
    axis.plot(*chosen, "o", color="#D55E00", label="by expected improvement", clip_on=False)
    offset = {"xytext": (6, 4), "textcoords": "offset points", "weight": "bold"}
    for number, point in enumerate(points[:12], start=1):
        axis.annotate(number, point, **offset)
    axis.set(title="Branin's function: dark is low", xlabel="x", ylabel="y")


def plot_race(axis, searches):
    """The best value so far over many searches: the median, and the range of 80 % of them."""
    colors = ("#D55E00", "#0072B2")
    for (name, results), color in zip(searches.items(), colors, strict=True):
        values = [values for _, values in results]
        best = np.minimum.accumulate(values, axis=1)  # (searches, trials)
        regret = best - BRANIN["minimum"]
        low, median, high = np.quantile(regret, (0.1, 0.5, 0.9), axis=0)
        trials = np.arange(1, len(median) + 1)
        axis.loglog(trials, median, color=color, label=f"{name}, median of {len(results)}")
        axis.fill_between(trials, low, high, color=color, alpha=0.2)
    axis.set(title="Best value so far; bands hold 80 % of the searches")
    axis.set(xlabel="trials", ylabel="above the minimum", ylim=(1e-5, 100))
    axis.legend(loc="lower left")
    axis.grid(True)


def median_evaluations(results, minimum, within):
    """The median number of trials needed, over the searches."""
    needed = []
    for _, values in results:
        needed.append(evaluations_needed(values, minimum, within))
    return np.median(needed)


def print_needed(name, search, task, within, trials):
    """Print how many trials five searches need to get `within` a distance of the minimum."""
    function = task["function"]
    needed = []
    for seed in range(5):
        _, values = search(function, task["bounds"], trials, seed=seed)
        needed.append(evaluations_needed(values, task["minimum"], within))
    print(f"{function.__name__:9} {name:8} search, trials until within {within}: {needed}")


def main():
    print_needed("Bayesian", bayesian_search, FORRESTER, within=0.06, trials=15)
    print_needed("random", random_search, FORRESTER, within=0.06, trials=1000)
    print_needed("Bayesian", bayesian_search, BRANIN, within=0.1, trials=30)
    print_needed("random", random_search, BRANIN, within=0.1, trials=1000)

    plot_steps().savefig("steps.png")

    bayesian = []
    for seed in range(8):
        bayesian.append(bayesian_search(branin, BRANIN["bounds"], 30, seed=seed))
    random = []
    for seed in range(100):
        random.append(random_search(branin, BRANIN["bounds"], 1000, seed=seed))
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    plot_search(axes[0])
    plot_race(axes[1], {"Bayesian search": bayesian, "random search": random})
    few = median_evaluations(bayesian, BRANIN["minimum"], 0.1)
    many = median_evaluations(random, BRANIN["minimum"], 0.1)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    figure.suptitle(
        f"Within 0.1 of the minimum after {few:.0f} trials; at random {many:.0f} (medians)"
    )
    figure.savefig("race.png")


if __name__ == "__main__":
    main()

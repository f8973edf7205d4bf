"""A Gaussian process over the unit cube, and acquisition functions of it; lower scores are better.

Paper: Snoek, Larochelle & Adams (2012), https://arxiv.org/abs/1206.2944 (Matérn 5/2,
    expected improvement).
"""

import warnings

import numpy as np
from scipy import optimize, stats
from sklearn import exceptions, gaussian_process
from sklearn.gaussian_process import kernels

LARGEST_FIT = 120  # most points to fit the kernel to; predictions use all points


def _likeliest(objective, start, bounds):
    """The maximum a posteriori kernel parameters; log lengths have a standard normal prior."""
    lengths = slice(1, len(start) - 1)  # between the scale and the noise; all are logarithms

    def penalized(theta):
        value, gradient = objective(theta)
        gradient = np.array(gradient)
        gradient[lengths] += theta[lengths]
        return value + np.sum(theta[lengths] ** 2) / 2, gradient

    result = optimize.minimize(
        penalized, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 30}
    )
    return result.x, result.fun


def flattened(scores):
    """The scores with bad outliers clipped, which would hide differences between good scores."""
    median = np.median(scores)
    return np.minimum(scores, 2 * median - scores.min() + 1e-12)


def fit(points, scores, noise=1e-4, seed=0):
    """A process fitted to `scores` at `points` (rows), with a noise variance of at least `noise`.

    Each coordinate has a separate length scale, because few hyperparameters matter (Bergstra &
    Bengio 2012). Searches have too few trials to estimate the length scales without a prior, see
    Hvarfner et al. (2024), https://arxiv.org/abs/2402.02229.
    """
    smooth = kernels.ConstantKernel(1.0, (0.05, 20.0)) * kernels.Matern(
        np.ones(points.shape[1]), (0.05, 50.0), nu=2.5
    )
    kernel = smooth + kernels.WhiteKernel(min(max(noise, 1e-2), 0.1), (min(noise, 0.1), 0.1))
    chosen = np.arange(len(points))
    if len(points) > LARGEST_FIT:  # a subset, evenly spaced in rank
        chosen = np.argsort(scores, kind="stable")[
            np.linspace(0, len(points) - 1, LARGEST_FIT).astype(int)
        ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        process = gaussian_process.GaussianProcessRegressor(
            kernel,
            optimizer=_likeliest,
            n_restarts_optimizer=1,
            normalize_y=True,
            random_state=seed,
        ).fit(points[chosen], scores[chosen])
        return process if len(chosen) == len(points) else _again(process, points, scores)


def _again(process, points, scores):
    return gaussian_process.GaussianProcessRegressor(
        process.kernel_, optimizer=None, normalize_y=True
    ).fit(points, scores)


def with_points(process, points):
    """The process after observing its own predictions at `points` (kriging believer)."""
    scores = process.y_train_ * process._y_train_std + process._y_train_mean
    return _again(
        process, np.vstack([process.X_train_, points]), np.append(scores, process.predict(points))
    )


def merit(process, points, acquisition="ei", beta=2.6):
    """Acquisition at points: log expected improvement, or the negative lower confidence bound."""
    mean, deviation = process.predict(points, return_std=True)
    # Remove the observation noise: the acquisition depends on the uncertainty of the function only.
    noise = process.kernel_.k2.noise_level * process._y_train_std**2
    deviation = np.sqrt(np.maximum(deviation**2 - noise, 1e-12 * process._y_train_std**2))
    if acquisition == "lcb":
        return beta * deviation - mean
    best = process.predict(process.X_train_).min()
    z = (best - mean) / deviation
    # EI = σ (φ(z) + z Φ(z)). In the tail the sum cancels numerically: use its expansion φ(z)/z²
    # there.
    with np.errstate(all="ignore"):
        near = stats.norm.logpdf(z) + np.log1p(
            z * np.exp(stats.norm.logcdf(z) - stats.norm.logpdf(z))
        )
        far = stats.norm.logpdf(z) - 2 * np.log(np.abs(z))
    return np.log(deviation) + np.select([z < -20, z < 10], [far, near], np.log(np.abs(z)))


def climb(point, columns, merit):
    """`point` moved along `columns` to a local maximum of `merit` in the unit cube."""

    def descent(part):
        moved = np.repeat(point[None], len(columns) + 1, axis=0)
        moved[:, columns] = part
        step = np.where(part > 0.5, -1e-4, 1e-4)
        moved[np.arange(1, len(columns) + 1), columns] += step
        values = -merit(moved)
        return values[0], (values[1:] - values[0]) / step

    bounds = [(0.0, 0.999999)] * len(columns)
    result = optimize.minimize(
        descent, point[columns], jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 20}
    )
    moved = point.copy()
    moved[columns] = result.x
    return moved if result.fun <= -merit(point)[0] else point

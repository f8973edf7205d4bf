"""The pictures of adaline: trajectories of gradient descent, and the error by learning rate."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.perceptrons import adaline
from recipes.perceptrons.adaline import least_squares, with_one

W1 = (-0.5, 4.5)  # range of weights in the picture
W2 = (-3, 2)


def figures(model, test, history):
    """Trajectories of gradient descent on the error surface, and the error at different rates γ."""
    x, d = adaline.examples(500, seed=1)
    limit = largest_rate(x)
    figure, (converges, diverges, errors) = plt.subplots(
        1, 3, figsize=(13, 4.3), layout="constrained"
    )

    # A small rate: batch gradient descent, one example a step, and the network's weights.
    converges.set_title("Batch gradient descent,\nγ = 10 % of the largest")
    plot_surface(converges, x, d)
    plot_trajectory(converges, descend(x, d, 0.1 * limit, 60))
    w1, w2, _ = lms(x, d, 0.03).T
    converges.plot(w1, w2, color="C4", linewidth=1.2, label="LMS: one example a step")
    kernel, _ = model.get_weights()  # (2, 1)
    cross = {"color": "C3", "markersize": 11, "markeredgewidth": 3}
    converges.plot(*kernel, "x", label="trained in Keras", **cross)
    converges.legend(loc="upper right", frameon=True)

    # A rate just beyond the largest one.
    diverges.set_title("γ = 101 % of the largest:\neach step is higher up")
    plot_surface(diverges, x, d)
    plot_trajectory(diverges, descend(x, d, 1.01 * limit, 60))

    # The error by step, for rates on both sides of the largest one.
    for share in (0.01, 0.1, 0.9, 1.01, 1.05):
        excess = excess_error(descend(x, d, share * limit, 200), x, d)
        label = f"{share:.0%}".replace("%", " %")
        errors.semilogy(np.maximum(excess, 1e-12), label=label)  # 0 has no logarithm
    errors.set(title="Beyond 2/λ the error grows without end", xlabel="steps", ylim=(1e-12, 1e6))
    errors.set_ylabel("error above the least, relative to it")
    errors.legend(title="γ in % of 2/λ", loc="center left", bbox_to_anchor=(1, 0.5))
    return {"descent": figure}


def error(w, x, d):
    """The slide's E = ½ Σ (d − Σ w x)²; the last of the weights w (3,) is the bias."""
    return 0.5 * np.sum((d[:, 0] - with_one(x) @ w) ** 2)


def excess_error(trajectory, x, d):
    """The error of weights (steps, 3) above the minimum, relative to the minimum: (steps,)."""
    least = error(least_squares(x, d), x, d)
    return np.array([error(w, x, d) / least - 1 for w in trajectory])


def update(w, x, d, rate):
    """The slide's Δw = −γ ∂E/∂w = γ Σ (d − Σ w x) x."""
    errors = d[:, 0] - with_one(x) @ w
    return rate * errors @ with_one(x)


def largest_rate(x):
    """2 / λ, with λ the largest eigenvalue of Σ x xᵀ: above it, gradient descent diverges."""
    eigenvalues = np.linalg.eigvalsh(with_one(x).T @ with_one(x))
    return 2 / eigenvalues.max()


def descend(x, d, rate, steps):
    """The trajectory (steps + 1, 3) of batch gradient descent from 0."""
    w = np.zeros(3)
    trajectory = [w]
    for _ in range(steps):
        w = w + update(w, x, d, rate)
        trajectory.append(w)
    return np.array(trajectory)


def lms(x, d, rate):
    """The trajectory (examples + 1, 3) of Widrow and Hoff's rule from 0: one example per step."""
    w = np.zeros(3)
    trajectory = [w]
    for n in range(len(x)):
        w = w + update(w, x[n : n + 1], d[n : n + 1], rate)
        trajectory.append(w)
    return np.array(trajectory)


def plot_surface(axis, x, d):
    """The error over w₁ and w₂, at the best bias, with its minimum."""
    best = least_squares(x, d)
    w1, w2 = np.meshgrid(np.linspace(*W1, 80), np.linspace(*W2, 80))
    surface = np.zeros(w1.shape)
    for place in np.ndindex(surface.shape):
        surface[place] = error(np.array([w1[place], w2[place], best[2]]), x, d)
    axis.contourf(w1, w2, np.log10(surface / len(x)), 20, cmap="Blues_r")
    axis.plot(*best[:2], "*", color="black", markersize=15, label="least squares")
    axis.set(xlabel="w₁", ylabel="w₂", xlim=W1, ylim=W2)


def plot_trajectory(axis, trajectory):
    """The first two weights along the trajectory."""
    axis.plot(*trajectory[:, :2].T, "o-", color="C1", markersize=3, linewidth=1.2)

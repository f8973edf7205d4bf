"""Batch size: gradient descent on all of 256 noisy points, on batches of 32, and on single ones.

Slides: 000 «Algoritmos de optimización», 001 «Optimizadores».
Departs from the slides: they only mention the mini-batch; here gradient descent fits a line with
three batch sizes.

The gradient of a batch is the gradient of all examples plus noise; the smaller the batch, the more
noise. With small batches there are many cheap steps, but they do not converge unless the learning
rate decays.
"""

import matplotlib.pyplot as plt
import numpy as np

EXAMPLES = 256
BATCH_SIZES = (256, 32, 1)


def sgd(batch_size, learning_rate=0.1, epochs=4, seed=0):
    """Fit a line through noisy points by stochastic gradient descent on the squared error.

    Args:
        batch_size: A divisor of 256.
        learning_rate: Constant learning rate.
        epochs: Number of passes over the points, each in another order.
        seed: Seed of the points and the orders.

    Returns:
        Weights (slope, offset) before training and after each step, (steps + 1, 2), and the
        least-squares weights, (2,).
    """
    rng = np.random.default_rng(seed)
    x = 2 * rng.normal(size=EXAMPLES)
    inputs = np.stack([x, np.ones(EXAMPLES)], axis=1)
    targets = 1.5 * x + 1 + rng.normal(size=EXAMPLES)
    weights = np.array([-1.0, -1.0])
    trajectory = [weights]
    for _ in range(epochs):
        order = rng.permutation(EXAMPLES)
        for start in range(0, EXAMPLES, batch_size):
            batch = order[start : start + batch_size]
            errors = inputs[batch] @ weights - targets[batch]  # (batch_size,)
            gradient = inputs[batch].T @ errors / batch_size  # of half the mean squared error
            weights = weights - learning_rate * gradient
            trajectory.append(weights)
    least_squares = np.linalg.lstsq(inputs, targets)[0]
    return np.array(trajectory), least_squares


def late_distance(trajectory, least_squares):
    """Mean distance from the least-squares solution in the last quarter of the steps."""
    late = trajectory[-(len(trajectory) // 4) :]
    return np.linalg.norm(late - least_squares, axis=1).mean()


def figures():
    """Trajectories of four epochs for each batch size; the star is the least-squares solution."""
    figure, axes = plt.subplots(
        1, 3, figsize=(10, 3.9), sharex=True, sharey=True, layout="constrained"
    )
    names = ("all 256", "32", "one example")
    for axis, batch_size, name in zip(axes, BATCH_SIZES, names, strict=True):
        trajectory, least_squares = sgd(batch_size)
        star = {"color": "#F0E442", "markeredgecolor": "k", "markersize": 15}
        axis.plot(*trajectory.T, "-o", markersize=2, linewidth=0.5)
        axis.plot(*least_squares, "*", zorder=5, **star)
        axis.set(title=f"Batch of {name}: {len(trajectory) - 1} steps", xlabel="slope")
    axes[0].set_ylabel("offset")
    figure.suptitle(
        "Four passes over the same data: small batches make many steps, and never come to rest"
    )
    return {"batches": figure}


def main():
    for batch_size in BATCH_SIZES:
        trajectory, least_squares = sgd(batch_size)
        distance = late_distance(trajectory, least_squares)
        print(
            f"batch size {batch_size:3}: {len(trajectory) - 1:4} steps, "
            f"in the last quarter {distance:.3f} away from least squares"
        )
    figures()["batches"].savefig("batches.png")


if __name__ == "__main__":
    main()

"""Gradient descent on all examples at once, on batches of 32, and on single ones: a line through 256 noisy points.

Slides: 000 «Algoritmos de optimización», 001 «Optimizadores».
Departs from the slides: they name the mini-batch only; here the same descent runs with three sizes.

The gradient of a batch is that of all examples plus noise, the more the smaller the batch: its steps cost less and are
more, and with a rate that does not fall they never come to rest.
"""

import matplotlib.pyplot as plt
import numpy as np


def descend_by_batches(size, rate=0.1, epochs=4, seed=0):
    """The slope and offset of a line through 256 noisy points, after each step of SGD on batches of `size`."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=256)
    inputs, targets = np.stack([2 * x, np.ones(256)], 1), 3 * x + 1 + rng.normal(size=256)
    weights = [np.array([-1.0, -1.0])]
    for _ in range(epochs):
        for batch in np.split(rng.permutation(256), 256 // size):
            errors = inputs[batch] @ weights[-1] - targets[batch]
            weights.append(weights[-1] - rate * inputs[batch].T @ errors / size)
    return np.array(weights), np.linalg.lstsq(inputs, targets)[0]


def figures(sizes=(256, 32, 1)):
    """The same data, four times over: what the size of the batch does to the way down."""
    figure, axes = plt.subplots(
        1, 3, figsize=(10, 3.9), sharex=True, sharey=True, layout="constrained"
    )
    for axis, size in zip(axes, sizes, strict=True):
        weights, least = descend_by_batches(size)
        axis.plot(*weights.T, "-o", markersize=2, linewidth=0.5)
        axis.plot(*least, "*", color="#F0E442", markeredgecolor="k", markersize=15, zorder=5)
        name = "one example" if size == 1 else "all 256" if size == 256 else size
        axis.set(title=f"Batch of {name}: {len(weights) - 1} steps", xlabel="slope")
    axes[0].set_ylabel("offset")
    figure.suptitle(
        "Four passes over the same data: small batches make many steps, and never come to rest"
    )
    return {"batches": figure}


def main():
    for size in (256, 32, 1):
        weights, least = descend_by_batches(size)
        late = np.linalg.norm(weights[-len(weights) // 4 :] - least, axis=1).mean()
        print(
            f"batches of {size:3}: {len(weights) - 1:4} steps, in the last quarter {late:.3f} away from least squares"
        )
    figures()["batches"].savefig("batches.png")


if __name__ == "__main__":
    main()

"""Data parallelism: one gradient of many devices, and what it costs.

Slides: 000 «Graphcore BSP (compute/exchange phases)», 001 «rack de 4 GPUs».
Recipe: data_parallel.

Each device has all weights and a part of the batch. It computes the gradient of its part; then the
devices exchange gradients and all apply the mean, so that their weights stay the same. If the parts
have the same size, this is the gradient of the whole batch. Otherwise each is weighted by its size.

In a ring all-reduce of k devices, each sends 2 (k − 1) / k times the size of the gradient to its
neighbor: less than twice, for any k. We assume that the exchange does not overlap with computation.
Write the gradients, their mean, and the cost.
"""

import numpy as np

from recipes.common.exercise import check, finish


def gradient(w, x, y):
    """∂/∂w (d,) of the mean of ½ (x·w − y)² over examples x (n, d), y (n,)."""
    # Your code: mean over the examples of (x·w − y) x.
    raise NotImplementedError


def combined(gradients, sizes):
    """The gradient (d,) of the whole batch from those of its parts (k, d), of these sizes (k,)."""
    # Your code: np.average has weights=.
    raise NotImplementedError


def parallel_gradient(w, x, y, cuts):
    """The gradient of a batch cut into parts before the rows `cuts`, as np.split does."""
    # Your code: np.split(x, cuts), a gradient for each part, combined.
    raise NotImplementedError


def exchange_seconds(parameters, devices, bandwidth):
    """Seconds of a ring all-reduce of float32 gradients, at `bandwidth` bytes per second."""
    # Your code: 4 bytes a parameter.
    raise NotImplementedError


def speedup(compute, exchange, devices):
    """The speedup of k devices over one, if one computes a batch in `compute` seconds."""
    # Your code: the computation is divided, the exchange is added.
    raise NotImplementedError


def main():
    rng = np.random.default_rng(0)
    x, y, w = rng.normal(size=(12, 3)), rng.normal(size=12), rng.normal(size=3)
    errors = x @ w - y
    whole = np.mean([error * row for error, row in zip(errors, x, strict=True)], axis=0)
    return [
        check("gradient", lambda: gradient(w, x, y), whole),
        check("of 3 and 1 examples", lambda: combined([[1.0, 2.0], [5.0, 6.0]], [3, 1]), [2, 3]),
        check("four equal parts", lambda: parallel_gradient(w, x, y, [3, 6, 9]), whole),
        check("parts of 1, 7 and 4", lambda: parallel_gradient(w, x, y, [1, 8]), whole),
        # ResNet-50, four devices, PCI Express: 1.5 · 102.5 MB.
        check(
            "exchange of 25,636,712 weights",
            lambda: exchange_seconds(25_636_712, 4, 16e9),
            0.0096138,
        ),
        check("speed-up of 4, exchange a tenth", lambda: speedup(1.0, 0.1, 4), 2.857143),
        check("speed-up of 64, exchange a tenth", lambda: speedup(1.0, 0.1, 64), 8.648649),
    ]


if __name__ == "__main__":
    finish(main())

"""The picture of inception_v3: savings by factorized convolutions."""

import math

import keras
import matplotlib.pyplot as plt

from recipes.common import plots

KINDS = ["1×1", "3×3", "5×5", "1×n and n×1"]


def figures(model, test, history):
    """Multiply–accumulates by kind of window, and the cost of square windows instead."""
    return {"factorized": plot_costs(*costs(model))}


def costs(model):
    """Multiply–accumulates of the convolutions, as they are and with squares for 1×n and n×1.

    1×7 and 7×1 follow each other and replace one window of 7 × 7, so each counts as half of it; 1×3
    and 3×1 are parallel, and each replaces a window of 3 × 3.

    Returns:
        Two dictionaries `{kind: multiply–accumulates}`.
    """
    factorized = dict.fromkeys(KINDS, 0)
    square = dict.fromkeys(KINDS, 0)
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Conv2D):
            continue
        height, width = layer.kernel_size
        cost = math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
        if height == width:
            kind = f"{height}×{width}"
            factorized[kind] += cost
            square[kind] += cost
        else:
            long = max(height, width)
            factorized["1×n and n×1"] += cost
            square["1×n and n×1"] += cost * long / (2 if long == 7 else 1)
    return factorized, square


def plot_costs(factorized, square):
    """Bars by kind of window, in both forms; the title gives the total savings."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    bars = {
        "as it is": [cost / 1e6 for cost in factorized.values()],
        "with n×n instead": [cost / 1e6 for cost in square.values()],
    }
    plots.class_bars(axis, bars, KINDS)
    saved = 1 - sum(factorized.values()) / sum(square.values())
    axis.set(
        title=f"Factorized convolutions save {saved:.0%} of the multiplications",
        xlabel="window",
        ylabel="million multiply–accumulates",
    )
    return figure

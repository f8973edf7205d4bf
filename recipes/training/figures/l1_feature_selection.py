"""The pictures of l1_feature_selection: weights by penalty, and regularization paths."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import Ridge, lasso_path

from recipes.training.l1_feature_selection import INPUTS, RELEVANT, count_small, sample_examples

ORANGE = "#D55E00"
TITLES = {
    "none": "No penalty",
    "l2": "L2",
    "l1": "L1 in the loss, rate falling to 0",
    "l1_exact": "L1 as a soft threshold after each step",
}


def regularization_paths(inputs, targets, strengths):
    """The weights that minimize mean squared error + λ Σ w², and + λ Σ |w|, as λ grows.

    Args:
        inputs, targets: Arrays (examples, inputs) and (examples,).
        strengths: λ, in ascending order.

    Returns:
        Weights by L2 and by L1, each (strengths, inputs).
    """
    inputs = inputs - inputs.mean(axis=0)
    targets = targets - targets.mean()
    ridge = []
    for strength in strengths:  # Ridge minimizes Σ e² + α Σ w²
        ridge.append(Ridge(len(inputs) * strength).fit(inputs, targets).coef_)
    # The lasso minimizes ½ mean e² + α Σ |w|; lasso_path has α in descending order.
    _, lasso, _ = lasso_path(inputs, targets, alphas=strengths[::-1] / 2)
    return np.array(ridge), lasso.T[::-1]


def plot_weights(models, test):
    """The weight of each input after training, one row for each penalty."""
    relevant = list(RELEVANT)
    others = np.delete(np.arange(INPUTS), relevant)
    figure, axes = plt.subplots(
        len(models), 1, figsize=(10, 8), sharex=True, sharey=True, layout="constrained"
    )
    for axis, (name, model) in zip(axes, models.items(), strict=True):
        weights = model.get_weights()[0][:, 0]
        axis.bar(others, weights[others], color="0.55", label="irrelevant inputs")
        axis.bar(relevant, weights[relevant], color=ORANGE, label="relevant inputs")
        line = {"markersize": 11, "markeredgewidth": 2}
        axis.plot(relevant, list(RELEVANT.values()), "k_", label="true weights", **line)
        axis.axhline(0, color="k", linewidth=0.6)
        r2 = model.evaluate(test, verbose=0, return_dict=True)["r2"]
        axis.set_title(
            f"{TITLES[name]}: {count_small(weights)} of {len(others)} below 0.001, "
            f"{count_small(weights, below=1e-12)} exactly 0; R² on new examples {r2:.3f}"
        )
    axes[-1].set_xlabel("input")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(
        "Weights after training: L1 leaves the inputs that matter, L2 a little of everything"
    )
    return figure


def plot_paths():
    """The weights against λ, of Ridge (L2) and of Lasso (L1)."""
    inputs, targets = sample_examples(100, 0)
    strengths = np.geomspace(0.01, 10, 80)
    paths = regularization_paths(inputs, targets[:, 0], strengths)
    titles = ("L2: smaller and smaller, none is 0", "L1: one after another becomes 0")
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    for axis, title, weights in zip(axes, titles, paths, strict=True):
        for index in range(INPUTS):
            if index in RELEVANT:
                line = {"color": ORANGE, "linewidth": 2}
            else:
                line = {"color": "0.6", "linewidth": 0.8}
            axis.semilogx(strengths, weights[:, index], **line)
        axis.axvline(0.3, color="k", linestyle=":", linewidth=1)
        axis.set(title=title, xlabel="λ (dotted: the one used above)")
        axis.grid(True)
    axes[0].set_ylabel("weights (orange: of relevant inputs)")
    figure.suptitle("The same weights as the penalty grows, from scikit-learn's Ridge and Lasso")
    return figure


def figures(models, test, histories):
    """The weights with each penalty, and their paths as the penalty grows."""
    return {"weights": plot_weights(models, test), "path": plot_paths()}

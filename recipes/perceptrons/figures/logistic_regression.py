"""The pictures of logistic_regression: the boundary by degree, and log-loss over the degree."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.perceptrons import logistic_regression as recipe

SIDES = (-1, 1)
OTHER_SETS = 9  # training sets besides the recipe's own


def figures(models, test, histories):
    """The regions of each network with its training points, and the log-loss of each."""
    train, _, _ = recipe.load_data()
    examples = to_numpy(train.take(1))
    losses = []
    for model in models.values():
        losses.append(log_losses(model, *model.get_weights(), examples, to_numpy(test)))
    others = []
    for seed in range(1, OTHER_SETS + 1):
        others.append(losses_of_scikit_learn(models, seed))
    return {
        "regions": plot_regions(models, examples, losses),
        "log_loss": plot_losses(degrees(models), losses, others),
    }


def degrees(models):
    """The degree of the features of each network."""
    return [model.layers[0].degree for model in models.values()]


def log_losses(model, kernel, bias, train, test):
    """Training and test log-loss of given weights, on the features of a network."""
    losses = []
    for points, labels in (train, test):
        logits = np.asarray(model.layers[0](points), "float64") @ np.ravel(kernel) + bias
        losses.append(np.mean(np.logaddexp(0, logits) - np.ravel(labels) * logits))
    return losses


def losses_of_scikit_learn(models, seed):
    """Training and test log-loss with scikit-learn, on the data of another seed: (degrees, 2)."""
    train, _, test = recipe.load_data(seed=seed)
    train, test = to_numpy(train.take(1)), to_numpy(test)
    losses = []
    for model in models.values():
        weights, bias = recipe.scikit_learn_weights(model, *train)
        losses.append(log_losses(model, weights, bias, train, test))
    return np.array(losses)


def plot_regions(models, examples, losses):
    """The probability of the upper class, its boundary, the true one, and the training points."""
    figure, axes = plt.subplots(
        1, len(models), figsize=(3 * len(models), 3.5), sharey=True, layout="constrained"
    )
    across = np.linspace(*SIDES, 100)
    for axis, model, degree, (train, test) in zip(
        np.ravel(axes), models.values(), degrees(models), losses, strict=True
    ):
        plots.decision_boundary(
            axis, lambda points, model=model: model(points)[:, 0], SIDES, SIDES, probabilities=True
        )
        plots.class_points(axis, *examples, s=9)
        axis.plot(across, recipe.parabola(across), "k:", linewidth=1.5)
        axis.set(aspect="equal", xlim=SIDES, ylim=SIDES, xlabel="x₁")
        weights = model.count_params()
        axis.set_title(
            f"Degree {degree}, {weights} parameters\nlog-loss {train:.2f}, test {test:.2f}",
            fontsize=11,
        )
    np.ravel(axes)[0].set_ylabel("x₂")
    return figure


def plot_losses(degrees, losses, others):
    """Log-loss over the degree, of the trained networks and (thin lines) of other training sets."""
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    train, test = np.transpose(losses)
    for values, style, color, label in (
        (train, "--", plots.CLASS_COLORS[0], "training"),
        (test, "-", plots.CLASS_COLORS[1], "test"),
    ):
        axis.plot(degrees, values, "o" + style, color=color, label=label)
    for number, other in enumerate(others):
        label = f"{len(others)} other training sets" if number == 0 else None
        axis.plot(degrees, other[:, 0], "--", color=plots.CLASS_COLORS[0], linewidth=0.6)
        axis.plot(degrees, other[:, 1], color=plots.CLASS_COLORS[1], linewidth=0.6, label=label)
    axis.axhline(np.log(2), color="0.5", linestyle=":", linewidth=1.5, label="always one half")
    best = degrees[int(np.argmin(test))]
    axis.set(
        xlabel="degree of the polynomial features",
        ylabel="log-loss",
        xticks=degrees,
        title=f"Log-loss on test is least at degree {best}",
    )
    axis.legend()
    return figure

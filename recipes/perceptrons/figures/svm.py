"""The pictures of svm: error by number of trained parameters; random features and their kernel."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.perceptrons import svm as recipe

TITLES = {"linear": "linear SVM", "mlp": "MLP", "lenet": "LeNet"}


def figures(models, test, histories):
    """The test error of each network, and of the SVM with an exact kernel."""
    errors = {}
    trained = {}
    for name, model in models.items():
        errors[name] = 1 - model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        trained[name] = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    train, _, _ = recipe.load_data()
    exact = 1 - recipe.baseline(train, test)["accuracy"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    plot_parameters(left, errors, trained)
    plot_waves(right, errors, exact)
    return {"errors": figure}


def title(name):
    """The label of a network in the picture."""
    waves = recipe.VARIANTS[name].get("waves")
    return f"{waves:,} waves" if waves else TITLES[name]


def plot_parameters(axis, errors, trained):
    """Draw each network's error by its number of trained parameters; random features in blue."""
    for name, error in errors.items():
        text = f"{title(name)}: {error:.1%}".replace("%", " %")
        if "waves" in recipe.VARIANTS[name]:
            color = plots.CLASS_COLORS[0]
            side = "right"
            text = text + "   "
        else:
            color = plots.CLASS_COLORS[1]
            side = "left"
            text = "   " + text
        axis.loglog(trained[name], error, "o", color=color)
        axis.text(trained[name], error, text, color=color, ha=side, va="center")
    axis.set_xlim(min(trained.values()) / 80, max(trained.values()) * 25)
    axis.set(xlabel="trained parameters", ylabel="test error")
    best = min(errors, key=errors.get)
    axis.set_title(f"{recipe.IMAGES:,} digits to learn from: least error, {title(best)}")
    percent_ticks(axis)


def plot_waves(axis, errors, exact):
    """Plot the error of random features by the number of waves, beside that of the exact kernel."""
    waves = {}
    for name, error in errors.items():
        if "waves" in recipe.VARIANTS[name]:
            waves[recipe.VARIANTS[name]["waves"]] = error
    axis.loglog(waves.keys(), waves.values(), "o-", color=plots.CLASS_COLORS[0])
    axis.axhline(exact, color="black", linestyle="--")
    label = f"SVM with the exact kernel: {exact:.1%}".replace("%", " %")
    axis.text(min(waves, default=1), exact * 1.04, label)
    axis.set(xlabel="random waves", title="The more random features, the nearer the kernel")
    percent_ticks(axis)


def percent_ticks(axis):
    """Label the errors on the logarithmic vertical axis in percent."""
    axis.set_ylim(0.015, 0.4)
    axis.set_yticks([0.02, 0.05, 0.1, 0.2], ["2 %", "5 %", "10 %", "20 %"], minor=False)
    axis.set_yticks([], minor=True)

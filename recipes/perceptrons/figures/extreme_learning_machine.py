"""The pictures of extreme_learning_machine: error by hidden units and by training time; weights."""

import time

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.perceptrons import extreme_learning_machine as recipe

STEPS = {"least_squares": 1, "backpropagation": 200}  # timed, after one that compiles
SHOWN = 16  # hidden units
TITLES = {"least_squares": "random units, least squares", "backpropagation": "backpropagation"}


def figures(models, test, histories):
    """The test error by hidden units and by training time, and weights of both hidden layers."""
    errors = {}
    seconds = {}
    for name, model in models.items():
        errors[name] = 1 - model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        seconds[name] = training_seconds(recipe.VARIANTS[name])
    found = {"errors": plot_errors(errors, seconds)}
    weights = {}
    for name, model in models.items():
        weights[learning(name)] = incoming_weights(model)
    found["weights"] = plot_weights(weights)
    return found


def learning(name):
    """How the variant `name` learns, as in `build_model`."""
    return recipe.VARIANTS[name].get("learning", "least_squares")


def training_seconds(arguments):
    """The training time of a variant without compilation, in seconds.

    It is extrapolated from a few steps of a new network.

    Args:
        arguments: Those of the variant, from `VARIANTS`.
    """
    data = {key: arguments[key] for key in arguments if key in ("batch_size", "passes")}
    network = {key: arguments[key] for key in arguments if key not in data}
    train, _, _ = recipe.load_data(**data)
    steps = STEPS[arguments.get("learning", "least_squares")]
    batches = list(train.take(1 + steps))
    model = recipe.build_model(**network)
    model.train_on_batch(*batches[0])
    started = time.perf_counter()
    for batch in batches[1:]:
        model.train_on_batch(*batch)
    elapsed = time.perf_counter() - started
    return elapsed / max(1, len(batches) - 1) * len(train)


def incoming_weights(model):
    """The weights of the first hidden units as images, array (units, 28, 28)."""
    if isinstance(model, recipe.ExtremeLearningMachine):
        kernel = model.hidden.kernel
    else:
        kernel = model.layers[-2].kernel
    return np.asarray(kernel).T[:SHOWN].reshape(-1, 28, 28)


def plot_errors(errors, seconds):
    """Plot the test errors of both ways to learn, by hidden units and by training time.

    Args:
        errors, seconds: `{variant: value}`.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for number, way in enumerate(TITLES):
        names = [name for name in errors if learning(name) == way]
        units = [recipe.VARIANTS[name]["units"] for name in names]
        color = plots.CLASS_COLORS[number]
        values = [errors[name] for name in names]
        times = [seconds[name] for name in names]
        left.loglog(units, values, "o-", color=color, label=TITLES[way])
        right.loglog(times, values, "o-", color=color, label=TITLES[way])
        for name in names:
            label = f" {recipe.VARIANTS[name]['units']:,} units"
            right.annotate(label, (seconds[name], errors[name]), fontsize=9)
    left.set(xlabel="hidden units", ylabel="test error", title="Error by the size of the network")
    ticks = (0.02, 0.03, 0.05, 0.1, 0.2)
    left.set_yticks(ticks, [f"{tick:.0%}".replace("%", " %") for tick in ticks])
    left.set_yticks([], minor=True)
    right.set(xlabel="seconds of training", title="… and by the time it takes to train")
    left.legend()
    right.margins(x=0.2)
    return figure


def plot_weights(weights):
    """Show the incoming weights of the first hidden units, for each way to learn.

    Args:
        weights: `{way to learn: array (units, 28, 28)}`.
    """
    figure, axes = plt.subplots(
        1, len(weights), figsize=(4.4 * len(weights), 4.4), layout="constrained", squeeze=False
    )
    for axis, (way, images) in zip(axes[0], weights.items(), strict=True):
        limit = np.quantile(np.abs(images), 0.99)
        plots.show_images(axis, images, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set_title(f"Hidden layer: {TITLES[way]}")
    return figure

"""The pictures of universal_approximation: steps, bumps and staircases; errors by parameters."""

import matplotlib.pyplot as plt
import numpy as np
from keras import ops

from recipes.common import plots
from recipes.perceptrons import universal_approximation as recipe

STEEPNESS = (4, 12, 100)  # weights of a sigmoid that turns into a step
UNITS = (4, 8, 16, 32, 64, 128, 256, 512)  # of the networks that are written down
SHOWN = 1200  # points of a curve
LEARNED, CONSTRUCTED, DEEP = plots.CLASS_COLORS[1], plots.CLASS_COLORS[0], plots.CLASS_COLORS[2]


def figures(models, test, histories):
    """From a sigmoid to a staircase; what each network makes of the function; errors by size."""
    written_down = {units: recipe.construct(recipe.weierstrass, units) for units in UNITS}
    return {
        "construction": plot_construction(),
        "approximations": plot_approximations(models),
        "errors": plot_errors(models, written_down),
    }


def outputs(model, x):
    """What a network answers to the points x (count,): (count,)."""
    return ops.convert_to_numpy(model(np.asarray(x, "float32")[:, None]))[:, 0]


def plot_construction():
    """A sigmoid becomes a step, two make a bump, many make a staircase along the function."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    x = np.linspace(-1, 1, SHOWN)
    for number, steepness in enumerate(STEEPNESS):
        rising = 1 / (1 + np.exp(-steepness * (x + 0.3)))
        falling = 1 / (1 + np.exp(-steepness * (x - 0.3)))
        color = plots.CLASS_COLORS[number]
        axes[0].plot(x, rising, color=color, label=f"weight {steepness}")
        axes[1].plot(x, rising - falling, color=color, label=f"weights ±{steepness}")
    axes[0].set(title="A sigmoid with a large weight is a step", ylim=(-0.05, 1.4))
    axes[1].set(title="The difference of two is a bump", ylim=(-0.05, 1.4))
    axes[2].plot(x, recipe.weierstrass(x), color="0.75", linewidth=1)
    staircase = recipe.construct(recipe.weierstrass, 16, sharpness=60)
    axes[2].plot(x, outputs(staircase, x), color=CONSTRUCTED, label="16 units")
    axes[2].set(title="Bumps side by side follow any function")
    for axis in axes:
        axis.legend(loc="upper right", fontsize=9)
    return figure


def title(name):
    """The name of a trained network in a picture."""
    arguments = recipe.VARIANTS[name]
    if "depth" in arguments:
        return f"{arguments['depth']} layers of {arguments['units']}"
    return f"{arguments['units']} units"


def plot_approximations(models):
    """The function in gray; on it what each network has learned, and what can be written down."""
    count = len(models)
    figure, axes = plt.subplots(
        count, 1, figsize=(8, 1.7 * count), sharex=True, layout="constrained", squeeze=False
    )
    x = np.linspace(-1, 1, SHOWN)
    for axis, (name, model) in zip(axes[:, 0], models.items(), strict=True):
        axis.plot(x, recipe.weierstrass(x), color="0.7", linewidth=0.8, label="the function")
        arguments = recipe.VARIANTS[name]
        if "depth" in arguments:
            axis.plot(x, outputs(model, x), color=DEEP, linewidth=1.2, label="trained")
        else:
            written_down = recipe.construct(recipe.weierstrass, arguments["units"])
            axis.plot(x, outputs(written_down, x), color=CONSTRUCTED, lw=1.2, label="written down")
            axis.plot(x, outputs(model, x), color=LEARNED, linewidth=1.2, label="trained")
        axis.set_title(f"{title(name)}, {model.count_params():,} parameters", fontsize=11)
        axis.legend(loc="upper right", fontsize=8, ncols=3)
        axis.set(ylim=(-2.2, 3.2))
    return figure


def plot_errors(models, written_down):
    """Largest error by number of parameters, on logarithmic axes.

    Args:
        models: `{name: trained network}`.
        written_down: `{units: network}`.
    """
    figure, axis = plt.subplots(figsize=(7, 4.4), layout="constrained")
    sizes = [model.count_params() for model in written_down.values()]
    errors = [recipe.max_error(model) for model in written_down.values()]
    axis.loglog(sizes, errors, "o-", color=CONSTRUCTED, label="one layer, weights written down")
    # Waves three times as fine are half as high.
    exponent = np.log(2) / np.log(3)
    line = errors[0] * (np.array(sizes) / sizes[0]) ** -exponent
    axis.loglog(sizes, line, "k:", label="half the error for three times as many")
    wide = {name: model for name, model in models.items() if "depth" not in recipe.VARIANTS[name]}
    sizes = [model.count_params() for model in wide.values()]
    errors = [recipe.max_error(model) for model in wide.values()]
    axis.loglog(sizes, errors, "s-", color=LEARNED, label="one layer, trained")
    for name, model in models.items():
        if name not in wide:
            size, error = model.count_params(), recipe.max_error(model)
            axis.loglog(size, error, "D", color=DEEP, label=f"{title(name)}, trained")
    axis.set(xlabel="parameters", ylabel="largest error")
    axis.set_title("There are always units enough, and weights that training can miss")
    axis.legend(fontsize=9)
    return figure

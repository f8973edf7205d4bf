"""The pictures of echo_state: a forecast and its error, the attractor, the reservoir's states."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.other_networks import echo_state
from recipes.other_networks.echo_state import DELAY, WARMUP

BLOCKS = 12  # consecutive forecasts, for the attractor


def figures(models, test, histories):
    """Forecasts of the test series, a long free run, and states over time."""
    values, targets = to_numpy(test)
    last = list(models.values())[-1]
    return {
        "forecast": plot_forecast(models, values, targets),
        "attractor": plot_attractor(last, values, targets),
        "states": plot_states(last, values[0]),
    }


def plot_forecast(models, values, targets, history=40):
    """Above: one test series and its forecasts. Below: the error over all of them, by step."""
    forecasts = {}
    for name, model in models.items():
        forecasts[name] = model.predict(values, batch_size=100, verbose=0)
    first = next(iter(forecasts.values()))
    shown = np.argmax(np.mean((first - targets) ** 2, axis=(1, 2)))
    horizon = targets.shape[1]
    steps = np.arange(1, horizon + 1)
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 6.4), layout="constrained")
    past = values[shown, -history:, 0]
    above.plot(np.arange(1 - len(past), 1), past, color="0.6", label="given")
    above.plot(steps, targets[shown, :, 0], color="black", linewidth=3, alpha=0.3, label="true")
    for name, forecast in forecasts.items():
        label = name.replace("units_", "") + " units"
        (line,) = above.plot(steps, forecast[shown, :, 0], "--", label=label)
        errors = np.sqrt(np.mean((forecast - targets) ** 2, axis=(0, 2)))
        below.semilogy(steps, errors, color=line.get_color(), label=label)
    errors = np.sqrt(np.mean((values[:, -1:] - targets) ** 2, axis=(0, 2)))
    below.semilogy(steps, errors, color="0.6", label="persistence")
    above.set(
        title="Of the test series, the one that the smallest reservoir forecasts worst",
        ylabel="standard deviations",
    )
    below.set(title=f"Root mean squared error of {len(values)} series")
    below.set(xlabel="steps ahead", ylabel="standard deviations")
    for axis in (above, below):
        axis.legend()
    figure.suptitle("Chaos makes every error grow, and the larger reservoir begins with less")
    return figure


def run_freely(model, values, blocks):
    """Forecast of values (steps, 1), continued from its own forecasts: (blocks * HORIZON,)."""
    steps = len(values)
    for _ in range(blocks):
        forecast = model.predict(values[None, -steps:], verbose=0)
        values = np.concatenate([values, forecast[0]])
    return values[steps:, 0]


def plot_attractor(model, values, targets):
    """x(t) against x(t − τ), of test series and of the network's free run."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.6), sharey=True, layout="constrained")
    real = np.concatenate([values, targets], axis=1)[..., 0]  # (series, steps)
    count = BLOCKS * echo_state.HORIZON
    for series in real[: -(-count // real.shape[1])]:
        axes[0].plot(series[DELAY:], series[:-DELAY], color="black", linewidth=0.6)
    free = run_freely(model, values[0], BLOCKS)
    free = np.concatenate([values[0, -DELAY:, 0], free])
    axes[1].plot(free[DELAY:], free[:-DELAY], color="#D55E00", linewidth=0.6)
    axes[0].set(title="Solutions of the equation", ylabel=f"x(t − {DELAY})")
    axes[1].set(title=f"The network alone, {count:,} steps")
    for axis in axes:
        axis.set(xlabel="x(t)")
    figure.suptitle("Left to itself, the network goes on in the manner of the series")
    return figure


def plot_states(model, values, shown=8):
    """Above: the series and some units. Below: the states forget two different initial states."""
    rng = np.random.default_rng(0)
    starts = rng.uniform(-1, 1, (2, model.cell.units)).astype("float32")
    series = np.stack([values, values])
    states, _ = model.reservoir(series, initial_state=[starts])
    states = keras.ops.convert_to_numpy(states)  # (2, steps, units)
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 5.6), layout="constrained")
    above.plot(values[:, 0] / 2, color="black", linewidth=2, label="series, halved")
    above.plot(states[0, :, :shown], linewidth=0.8)
    above.set(title=f"{shown} of the units: what a readout can add up", xlim=(0, WARMUP))
    above.legend(loc="upper right")
    distance = np.linalg.norm(states[0] - states[1], axis=-1)
    below.semilogy(distance)
    below.set(title="Distance of two states from different beginnings, with the same inputs")
    below.set(xlabel="step", ylabel="distance", xlim=(0, WARMUP))
    figure.suptitle("A reservoir turns the past of a series into many signals")
    return figure

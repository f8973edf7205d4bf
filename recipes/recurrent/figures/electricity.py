"""The pictures of electricity: two weeks of the test year, and errors by hour and kind of day."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.recurrent.electricity import KINDS

SEASONAL = "seasonal naive (a week ago)"
NAIVE = "naive (yesterday)"


def figures(model, test, history):
    """Forecasts of a typical and of the worst week; the error by hour and by kind of day."""
    inputs, demand = to_numpy(test)
    forecasts = {
        "LSTM": model.predict(inputs, verbose=0),
        SEASONAL: inputs["demand"][:, -7],
        NAIVE: inputs["demand"][:, -1],
    }
    errors = {name: np.abs(forecast - demand) for name, forecast in forecasts.items()}
    kinds = inputs["kind"][:, -1]  # of the day that is forecast
    return {
        "weeks": plot_weeks(demand, kinds, forecasts, errors["LSTM"]),
        "errors": plot_errors(errors, kinds),
    }


def median_and_worst_week(errors):
    """The weeks with the median and with the largest mean error, from errors (days, 24).

    Returns:
        The indices of both weeks, and the mean error of each week; days after the last whole week
        are left out.
    """
    weeks = len(errors) // 7
    by_week = errors[: 7 * weeks].reshape(weeks, -1).mean(axis=1)
    order = np.argsort(by_week)
    return order[weeks // 2], order[-1], by_week


def errors_by_kind(errors, kinds):
    """The mean error of each kind of day, 0 for kinds that do not occur."""
    means = np.zeros(len(KINDS))
    for kind in np.unique(kinds):
        means[kind] = errors[kinds == kind].mean()
    return means


def plot_weeks(demand, kinds, forecasts, errors):
    """The demand of two weeks, hour by hour, with the forecasts."""
    median, worst, by_week = median_and_worst_week(errors)
    figure, axes = plt.subplots(2, 1, figsize=(11, 7), layout="constrained")
    for axis, week, name in ((axes[0], median, "A usual"), (axes[1], worst, "The worst")):
        days = slice(7 * week, 7 * week + 7)
        axis.plot(demand[days].ravel() / 1000, color="black", label="demand")
        axis.plot(forecasts["LSTM"][days].ravel() / 1000, "-", label="LSTM")
        axis.plot(forecasts[SEASONAL][days].ravel() / 1000, ":", label=SEASONAL)
        error = f"the LSTM errs by {by_week[week]:,.0f} MW"
        axis.set_title(f"{name} week, number {week + 1} of the year: {error}")
        axis.set_xticks(np.arange(7) * 24 + 12, [KINDS[kind] for kind in kinds[days]])
        axis.set(ylabel="GW", xlim=(-1, 168))
        axis.grid(axis="y")
    axes[0].legend(ncols=3, loc="lower right", bbox_to_anchor=(1, 0.98))
    return figure


def plot_errors(errors, kinds):
    """The mean absolute error of each forecast, by hour of the day and by kind of day."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained")
    places = np.arange(len(KINDS))
    for number, (name, error) in enumerate(errors.items()):
        label = f"{name}: {error.mean():,.0f}"
        axes[0].plot(error.mean(axis=0), "o-", markersize=4, label=label)
        shift = 0.27 * (number - 1)
        axes[1].bar(places + shift, errors_by_kind(error, kinds), width=0.27)
    axes[0].set(title="Mean absolute error by hour of the day", xlabel="hour", ylabel="MW")
    axes[0].set_xticks(range(0, 24, 3))
    highest = max(error.mean(axis=0).max() for error in errors.values())
    axes[0].set_ylim(0, 1.3 * highest)  # room for the legend
    axes[0].legend(loc="upper right")
    axes[1].set(title="Mean absolute error by kind of day", ylabel="MW")
    axes[1].set_xticks(places, [kind[:3] for kind in KINDS])
    return figure

"""Which hyperparameters mattered: a functional analysis of variance by a random forest (fANOVA).

Paper: Hutter, Hoos & Leyton-Brown (2014), https://proceedings.mlr.press/v32/hutter14.html.
Departs from the paper: main effects of single hyperparameters only, averaged over a sample of the
space instead of all of it.

A forest learns the score from the values that were tried. The marginal of a hyperparameter is the
forest's prediction averaged over the values of all others; the variance of that marginal, as a
share of the variance of all predictions, is its importance.
"""

import matplotlib.pyplot as plt
import numpy as np
import scipy.stats

from recipes.tuning import report

FEWEST = 10  # completed trials; with fewer, a forest is unreliable
POINTS = 256  # sample of the space at which the forest is evaluated
VALUES = 30  # most values of a hyperparameter at which its marginal is computed
INACTIVE = -1.0  # code of a value whose condition is not met; the others are from 0 to 1


def importances(rows, space, direction):
    """Each hyperparameter's share of the variance of the score, `{name: share}`, largest first.

    The rest up to 1 is due to interactions of hyperparameters. The share of a conditional
    hyperparameter covers only points where it is active; the effect of its condition belongs to the
    hyperparameter that it depends on.

    Args:
        rows: The leaderboard.
        space: The hyperparameters, as in `keras_tuner.HyperParameters().space`.
        direction: `"max"` or `"min"`; bad outliers among the scores are clipped.

    Returns:
        The shares; None for fewer than `FEWEST` completed trials, or if all scores are the same.
    """
    from sklearn.ensemble import RandomForestRegressor

    rows = [row for row in rows if report.finite(row)]
    scores = np.array([row["score"] for row in rows])
    if len(rows) < FEWEST or np.ptp(scores) == 0:
        return None
    tried = [encoded(space, row["hyperparameters"]) for row in rows]
    scores = np.clip(scores, *report.visible(scores, direction))
    forest = RandomForestRegressor(random_state=0).fit(tried, scores)

    # Points have a number from 0 to 1 for each hyperparameter, active or not. A Sobol sequence
    # covers the space more evenly than random points.
    sobol = scipy.stats.qmc.Sobol(len(space), scramble=False)
    points = sobol.random(POINTS) + 0.5 / POINTS
    values = [chosen(space, point) for point in points]
    total = forest.predict([encoded(space, each) for each in values]).var()
    shares = {}
    for column, hp in enumerate(space):
        active = np.array([report.is_active(hp, each) for each in values])
        stepless = getattr(hp, "step", 1) is None
        count = VALUES if stepless else min(len(list(hp.values)), VALUES)
        if count < 2 or not active.any() or total == 0:
            continue
        marginal = []
        for place in (np.arange(count) + 0.5) / count:
            moved = points[active]
            moved[:, column] = place
            moved = [encoded(space, chosen(space, point)) for point in moved]
            marginal.append(forest.predict(moved).mean())
        # Hyperparameters of the same name are never active together: add their shares.
        share = np.var(marginal) / total * active.mean()
        shares[hp.name] = shares.get(hp.name, 0) + float(share)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def chosen(space, point):
    """The values of the active hyperparameters at a point, `{name: value}`."""
    values = {}
    for hp, place in zip(space, point, strict=True):
        if all(condition.is_active(values) for condition in hp.conditions):
            values[hp.name] = hp.prob_to_value(place)
    return values


def encoded(space, values):
    """A number from 0 to 1 for each hyperparameter, `INACTIVE` where its condition is not met."""
    return [
        hp.value_to_prob(values[hp.name]) if report.is_active(hp, values) else INACTIVE
        for hp in space
    ]


def lines(shares, objective, trials):
    """The result of `importances` in a few lines of text."""
    if shares is None:
        return [
            f"Which hyperparameters mattered cannot be said: it takes {FEWEST} completed trials "
            f"of different scores, and there are {trials}."
        ]
    found = [f"What mattered for {objective}, by a random forest on {trials} trials (fANOVA):"]
    for name, share in with_rest(shares).items():
        found.append(f"    {share:4.0%}  {name}")
    return found


def with_rest(shares):
    """The shares, and the rest up to 1."""
    return shares | {"several together": max(0.0, 1 - sum(shares.values()))}


def figure(shares, objective, trials):
    """A bar for each hyperparameter: its share of the variance of the score."""
    shares = with_rest(shares)
    figure, axis = plt.subplots(figsize=(7, 1.2 + 0.4 * len(shares)), layout="constrained")
    colors = ["tab:blue"] * (len(shares) - 1) + ["tab:gray"]
    bars = axis.barh(list(shares), [100 * share for share in shares.values()], color=colors)
    axis.bar_label(bars, fmt="%.0f %%", padding=3)
    axis.invert_yaxis()  # the largest on top
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.set(xticks=[], xlim=(0, 112 * max(shares.values())))
    axis.set_title(f"Shares in the variance of {objective}, by a forest on {trials} trials")
    return figure

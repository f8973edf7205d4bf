"""The pictures of double_moon: the decision boundaries."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.perceptrons import double_moon

X = (-15, 25)
Y = (-16, 15)


def figures(models, test, histories):
    """The decision boundary of each network with the test points; mistakes are crosses."""
    figure, axes = plt.subplots(
        1, len(models), figsize=(4.4 * len(models), 4.1), sharey=True, layout="constrained"
    )
    for axis, (name, model) in zip(axes, models.items(), strict=True):
        arguments = double_moon.VARIANTS[name]
        train, _, test = double_moon.load_data(distance=arguments["distance"])
        title = f"d = {arguments['distance']}".replace("-", "−")
        if arguments["network"] == "perceptron":
            line = double_moon.least_squares(*to_numpy(train))
            plot_boundary(axis, f"{title}, perceptron", model, *to_numpy(test), 0.0, line)
        else:
            plot_boundary(axis, f"{title}, hidden layer", model, *to_numpy(test), 0.5)
    return {"boundaries": figure}


def misclassified(scores, labels, threshold):
    """Whether each of the scores (n,) is on the wrong side of the threshold, for labels (n, 1)."""
    return (scores > threshold) != (labels[:, 0] == 1)


def plot_boundary(axis, title, model, points, labels, threshold, line=None):
    """Draw the regions of one network and the points; the title gives its error on them.

    Args:
        axis: Where to draw.
        title: Text before the error.
        model: From points to a score.
        points, labels: Arrays (n, 2) and (n, 1).
        threshold: The score above which a point belongs to the upper moon.
        line: Weights and bias (3,) of another line, to be drawn dashed, with its error.
    """
    wrong = misclassified(np.asarray(model(points))[:, 0], labels, threshold)
    plots.decision_boundary(axis, model, X, Y, threshold)
    plots.class_points(axis, points[~wrong], labels[~wrong], s=4)
    axis.scatter(*points[wrong].T, s=12, color="black", marker="x", linewidths=0.9)
    title += f": error {wrong.mean():.2%}"
    if line is not None:
        w1, w2, b = line
        ends = np.array(X)
        axis.plot(ends, -(w1 * ends + b) / w2, color="0.35", linestyle="--")
        wrong = misclassified(points @ [w1, w2] + b, labels, threshold=0)
        title += f"\n(dashed, least squares: {wrong.mean():.2%})"
    axis.set(title=title.replace("%", " %"), aspect="equal")

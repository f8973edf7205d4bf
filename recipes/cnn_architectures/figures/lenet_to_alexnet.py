"""The picture of lenet_to_alexnet: gain of each step, and the gap between training and test."""

import itertools

import matplotlib.pyplot as plt
import numpy as np

STEPS = {
    "lenet": "LeNet",
    "relu": "ReLU for tanh",
    "max_pooling": "maximum for mean",
    "wide": "four times as wide",
    "deep": "two convolutions more",
    "dropout": "dropout",
    "augmentation": "augmentation",
}


def figures(models, test, histories):
    """Accuracy on test and training images after each step, and the gain of the step."""
    tested = {}
    trained = {}
    for name, model in models.items():
        tested[name] = model.evaluate(test, return_dict=True, verbose=0)["accuracy"]
        trained[name] = histories[name]["accuracy"][-1]
    return {"steps": plot_steps(tested, trained)}


def gains(accuracies):
    """The gain in accuracy of each step over the previous one, in percentage points.

    Args:
        accuracies: `{step: accuracy}` in order, from 0 to 1.

    Returns:
        `{step: points}` for all but the first.
    """
    names = list(accuracies)
    points = {}
    for before, name in itertools.pairwise(names):
        points[name] = 100 * (accuracies[name] - accuracies[before])
    return points


def plot_steps(tested, trained):
    """Test accuracy after each step as bars, training accuracy in the last epoch as points."""
    points = gains(tested)
    rows = np.arange(len(tested))
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    axis.barh(rows, list(tested.values()), color="#0072B2", label="test")
    axis.plot(list(trained.values()), rows, "o", color="#D55E00", label="training, last epoch")
    for row, name in zip(rows, tested, strict=True):
        if name in points:
            label = f"{points[name]:+.1f}"
            axis.text(0.01, row, label, color="white", verticalalignment="center")
    axis.set_yticks(rows, [STEPS[name] for name in tested])
    axis.invert_yaxis()
    axis.set(xlabel="accuracy", xlim=(0, 1))
    axis.legend(loc="lower right")
    largest = max(points, key=points.get)
    axis.set_title(f"The largest gain: {STEPS[largest]}, {points[largest]:+.1f} points")
    return figure

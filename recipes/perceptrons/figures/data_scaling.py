"""The pictures of data_scaling: accuracy and error by the number of images; power laws."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeClassifier

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.perceptrons import data_scaling as recipe

NAMES = {"linear": "linear classifier", "trees": "trees", "cnn": "CNN"}
PENALTY = 30.0  # on the squared weights of the linear classifier


def figures(models, test, histories):
    """The test accuracy of the network, trees and a linear classifier by the number of images."""
    accuracies = {"linear": {}, "trees": {}, "cnn": {}}
    for name, model in models.items():
        examples = recipe.VARIANTS[name]["examples"]
        train, _, _ = recipe.load_data(examples)
        accuracies["cnn"][examples] = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        accuracies["trees"][examples] = recipe.baseline(train, test)["accuracy"]
        accuracies["linear"][examples] = linear_accuracy(train, test, examples)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    plot_accuracies(left, accuracies)
    plot_power_laws(right, accuracies)
    return {"scaling": figure}


def linear_accuracy(train, test, examples):
    """Accuracy of a linear classifier on the pixels, fitted to each image once by least squares."""
    images, labels = to_numpy(train)
    pixels = images.reshape(-1, 784)[:examples] / np.float32(255)
    model = RidgeClassifier(alpha=PENALTY).fit(pixels, labels[:examples])
    images, labels = to_numpy(test)
    return model.score(images.reshape(-1, 784) / np.float32(255), labels)


def power_law(sizes, errors):
    """`a` and `b` of the power law a · size⁻ᵇ, by least squares of the logarithms."""
    slope, intercept = np.polyfit(np.log(sizes), np.log(errors), 1)
    return float(np.exp(intercept)), float(-slope)


def lead(accuracies, size):
    """The accuracy of the CNN minus that of the linear classifier, in percent: "+6.1 %"."""
    difference = accuracies["cnn"][size] - accuracies["linear"][size]
    return f"{difference:+.1%}".replace("%", " %").replace("-", "−")


def plot_accuracies(axis, accuracies):
    """Plot the accuracies `{name: {number of images: accuracy}}` by the number of images."""
    for number, (name, scores) in enumerate(accuracies.items()):
        style = "o-" if name == "cnn" else "o--"
        color = plots.CLASS_COLORS[number]
        axis.semilogx(scores.keys(), scores.values(), style, color=color, label=NAMES[name])
    fewest, most = min(accuracies["cnn"]), max(accuracies["cnn"])
    few, many = lead(accuracies, fewest), lead(accuracies, most)
    axis.set_title(f"CNN minus linear: {few} with {fewest:,}, {many} with {most:,}", fontsize=11)
    axis.set(xlabel="training images", ylabel="test accuracy")
    axis.legend()


def plot_power_laws(axis, accuracies):
    """Plot the errors on logarithmic axes, with a power law fitted to each."""
    for number, (name, scores) in enumerate(accuracies.items()):
        # An error of 0 has no logarithm, and one point no slope.
        points = [(size, 1 - accuracy) for size, accuracy in scores.items() if accuracy < 1]
        if len(points) < 2:
            continue
        sizes, errors = np.array(points).T
        a, b = power_law(sizes, errors)
        color = plots.CLASS_COLORS[number]
        axis.loglog(sizes, errors, "o", color=color)
        label = f"{NAMES[name]}: images$^{{-{b:.2f}}}$"
        axis.loglog(sizes, a * sizes**-b, color=color, linewidth=1, label=label)
    axis.set(xlabel="training images", ylabel="test error")
    axis.set_yticks([0.1, 0.2, 0.3, 0.4], ["10 %", "20 %", "30 %", "40 %"])
    axis.set_yticks([], minor=True)
    axis.set_title("Error as a power law of the number of images")
    if axis.lines:
        axis.legend(fontsize=9)

"""The pictures of overfitting: training and validation by epoch, and the gap from train to test."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.training import overfitting as recipe

NAMES = {
    "few": "500 images, 500 units",
    "more": "5,000 images",
    "augmented": "500, shifted and mirrored",
    "units_32": "500, with 32 units",
    "units_4": "500, with 4 units",
    "units_2": "500, with 2 units",
}


def figures(models, test, histories):
    """Losses by epoch, and the accuracy of each network on its training and on test images."""
    accuracies = train_and_test(models, test)
    return {"gap": plot_gap(accuracies), "losses": plot_losses(histories)}


def train_and_test(models, test):
    """Accuracy of each network on its training images and on the test: `{name: (two)}`."""
    found = {}
    for name, model in models.items():
        train, _, _ = recipe.load_data(recipe.VARIANTS[name].get("examples", 500))
        images, labels = to_numpy(train)
        answers = model.predict(images, batch_size=1000, verbose=0).argmax(axis=-1)
        score = model.evaluate(test, verbose=0, return_dict=True)
        found[name] = float(np.mean(answers == labels)), score["accuracy"]
    return found


def plot_gap(accuracies):
    """A bar from the test accuracy to the training accuracy, for each network."""
    figure, axis = plt.subplots(figsize=(8, 4.2), layout="constrained")
    names = [NAMES[name] for name in accuracies]
    for place, (known, unseen) in enumerate(accuracies.values()):
        axis.barh(place, known - unseen, left=unseen, height=0.5, color=plots.CLASS_COLORS[0])
        axis.annotate(f"{unseen:.1%} ", (unseen, place), ha="right", va="center")
        axis.annotate(f" {known:.1%}", (known, place), ha="left", va="center")
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    lowest = min(unseen for _, unseen in accuracies.values())
    axis.set(
        xlim=(max(0, lowest - 0.1), 1.08), xlabel="accuracy: on the test, on the training images"
    )
    axis.set_title("What is known by heart, and what has been understood")
    return figure


def plot_losses(histories):
    """The loss of each network by epoch, in training and in validation."""
    figure, axes = plt.subplots(
        2, 3, figsize=(11, 6), sharex=True, sharey=True, layout="constrained", squeeze=False
    )
    for axis, (name, history) in zip(axes.flat, histories.items(), strict=False):
        plots.learning_curves(axis, {name: history})
        axis.set_title(NAMES[name], fontsize=11)
        axis.label_outer()
    figure.suptitle("Validation loss rises again where a network learns by heart")
    return figure

"""The picture of table_multiclass: the map that its answers make, and where they are wrong."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.heads.table_multiclass import CLASSES


def figures(model, test, history):
    """The map of California by the network's answers, and the districts that it gets wrong."""
    features, labels = to_numpy(test)
    answers = model.predict(features, batch_size=1000, verbose=0).argmax(axis=-1)
    return {"map": plot_map(features, labels, answers)}


def near_another_class(places, labels, neighbors=5):
    """Whether not all of a district's nearest neighbors are of its class.

    Args:
        places: Longitude and latitude in degrees, (districts, 2).
        labels: Integers (districts,).
        neighbors: How many of the nearest count, itself left out.

    Returns:
        Array (districts,) of booleans.
    """
    distances = ((places[:, None] - places[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=-1)[:, :neighbors]
    return (labels[nearest] != labels[:, None]).any(axis=-1)


def plot_map(features, labels, answers):
    """Answers in color beside the mistakes; the title says how many lie where classes meet."""
    figure, axes = plt.subplots(
        1, 2, figsize=(10, 4.8), layout="constrained", sharex=True, sharey=True
    )
    places = features[:, :2]
    for label, name in enumerate(CLASSES):
        chosen = answers == label
        axes[0].scatter(*places[chosen].T, s=5, label=name)
    wrong = labels != answers
    axes[1].scatter(*places.T, s=4, color="lightgray")
    axes[1].scatter(*places[wrong].T, s=10, color="C3")
    axes[0].set(title="How near the sea is, by the network")
    axes[0].legend(markerscale=3, fontsize="small")
    border = np.mean(near_another_class(places, labels)[wrong])
    axes[1].set(title=f"{border:.0%} of {wrong.sum()} mistakes lie where classes meet")
    for axis in axes:
        axis.set(xlabel="longitude", ylabel="latitude", aspect=1.25)
    return figure

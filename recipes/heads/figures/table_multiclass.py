"""The picture of table_multiclass: maps of its predictions and of its errors."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.heads.table_multiclass import CLASSES


def figures(model, test, history):
    """The map of California by predicted class, and the misclassified districts."""
    features, labels = to_numpy(test)
    answers = model.predict(features, batch_size=1000, verbose=0).argmax(axis=-1)
    return {"map": plot_map(features, labels, answers)}


def near_another_class(places, labels, neighbors=5):
    """Whether any of a district's nearest neighbors has another class.

    Args:
        places: Longitude and latitude in degrees, (districts, 2).
        labels: Integers (districts,).
        neighbors: Number of nearest neighbors, without the district itself.

    Returns:
        Array (districts,) of booleans.
    """
    distances = ((places[:, None] - places[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=-1)[:, :neighbors]
    return (labels[nearest] != labels[:, None]).any(axis=-1)


def plot_map(features, labels, answers):
    """Predictions in color beside the mistakes; the title gives the share near class borders."""
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

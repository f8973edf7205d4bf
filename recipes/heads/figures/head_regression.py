"""The pictures of head_regression: errors on the map of California, and the ranges of two heads."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy


def figures(models, test, histories):
    """Predicted prices and errors on the map, and the output ranges of the two heads."""
    features, price = to_numpy(test)
    price = price[:, 0]
    predicted = {}
    for name, model in models.items():
        predicted[name] = model.predict(features, batch_size=1000, verbose=0)[:, 0]
    return {
        "places": plot_map(features, price, predicted["linear"]),
        "heads": plot_heads(price, predicted),
    }


def plot_map(features, price, predicted):
    figure, axes = plt.subplots(
        1, 2, figsize=(10, 4.6), layout="constrained", sharex=True, sharey=True
    )
    longitude = features[:, 0]
    latitude = features[:, 1]
    prices = {"c": predicted, "vmin": 0, "vmax": 5, "cmap": "viridis"}
    dots = axes[0].scatter(longitude, latitude, s=4, **prices)
    axes[0].set(title="What houses cost, by the network")
    figure.colorbar(dots, ax=axes[0], label="100,000 dollars")

    errors = {"c": predicted - price, "vmin": -1.5, "vmax": 1.5, "cmap": "PuOr"}
    dots = axes[1].scatter(longitude, latitude, s=4, **errors)
    axes[1].set(title="Where it says too much (purple) or too little")
    figure.colorbar(dots, ax=axes[1], label="100,000 dollars")
    for axis in axes:
        axis.set(xlabel="longitude", ylabel="latitude", aspect=1.25)
    return figure


def plot_heads(price, predicted):
    figure, axis = plt.subplots(figsize=(8, 4.2), layout="constrained")
    bins = np.linspace(-0.5, 7, 76)
    for name, values in predicted.items():
        axis.hist(values, bins=bins, alpha=0.7, label=f"{name}, up to {values.max():.2f}")
    axis.hist(price, bins=bins, histtype="step", color="black", label="true prices")
    axis.set(title="A sigmoid never says more than 1; a linear output has no such end")
    axis.set(xlabel="100,000 dollars", ylabel="districts", yscale="log")
    axis.legend()
    return figure

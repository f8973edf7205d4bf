"""The pictures of bad_art: best and worst pictures, and the score against the hand's shaking."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.applications import bad_art as recipe
from recipes.common import plots
from recipes.common.arrays import to_numpy

SHOWN = 8
HANDS = 11  # from steady to shaky
PICTURES = 60  # drawn by each hand


def figures(model, test, history):
    """The best and worst test pictures; the predicted badness by how much the hand shakes."""
    images, labels = to_numpy(test)
    badness = model.predict(images, batch_size=250, verbose=0)[:, 1]
    return {"judgments": plot_judgments(images, labels, badness), "hands": plot_hands(model)}


def most_confident_mistakes(labels, badness, count=SHOWN):
    """Indices of the wrong predictions, the most confident first."""
    wrong = np.flatnonzero((badness > 0.5) != (labels == 1))
    return wrong[np.argsort(-np.abs(badness[wrong] - 0.5))][:count]


def plot_judgments(images, labels, badness):
    """A row each of the best and the worst pictures by the network, and of confident mistakes."""
    order = np.argsort(badness)
    rows = {
        "the best, by the network": order[:SHOWN],
        "the worst": order[::-1][:SHOWN],
        "its surest mistakes": most_confident_mistakes(labels, badness),
    }
    figure, axes = plt.subplots(len(rows), 1, figsize=(9, 4.6), layout="constrained")
    for axis, (title, chosen) in zip(axes, rows.items(), strict=True):
        if len(chosen):
            plots.show_images(axis, images[chosen] / 255, SHOWN, title)
        else:
            axis.set_axis_off()
    figure.suptitle(f"{len(images):,} pictures that the network has not seen before")
    return figure


def judged_by_shake(model, hands, pictures):
    """Shaking of each hand, and the mean predicted probability of bad: (hands,) each."""
    shakes = np.linspace(recipe.STEADY[0], recipe.SHAKY[1], hands)
    means = []
    for shake in shakes:
        rng = np.random.default_rng(4)
        images = np.stack([recipe.draw(rng, shake) for _ in range(pictures)])
        means.append(model.predict(images, verbose=0)[:, 1].mean())
    return shakes, np.array(means)


def plot_hands(model):
    """The same subject drawn by ever shakier hands, and the mean predicted probability of bad."""
    shakes, means = judged_by_shake(model, HANDS, PICTURES)
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 5), layout="constrained")
    drawn = np.stack([recipe.draw(np.random.default_rng(11), shake) for shake in shakes])
    plots.show_images(above, drawn / 255, len(drawn))
    below.plot(shakes, means, "o-")
    below.axvline(recipe.SHAKY[0], color="0.5", linestyle=":")
    below.set(
        xlabel="how far a point is off, in pixels (dotted: bad from here)",
        ylabel="probability of bad",
        ylim=(-0.03, 1.03),
    )
    figure.suptitle("The more the hand shakes, the worse the picture is found")
    return figure

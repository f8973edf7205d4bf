"""The pictures of face_verification: ROC curves, how distances are distributed, and hard pairs."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve

from recipes.common.arrays import to_numpy
from recipes.detection_and_segmentation import face_verification as recipe

SHOWN = 6  # pairs in a row


def figures(model, test, history):
    """How well unseen people are told apart by descriptors and by pixels, and where it fails."""
    pairs, same = to_numpy(test)
    same = same[:, 0] == 1
    similarity = model.predict(pairs, batch_size=250, verbose=0)[:, 0]
    return {
        "roc": plot_roc(same, similarity, recipe.pixel_similarity(pairs)),
        "distances": plot_distances(same, 2 * (1 - similarity)),
        "pairs": plot_pairs(pairs, same, 2 * (1 - similarity)),
    }


def plot_roc(same, similarity, pixels):
    """True over false positives, by descriptors and by pixels."""
    figure, axis = plt.subplots(figsize=(6, 4.8), layout="constrained")
    areas = {}
    for name, scores in {"descriptors": similarity, "pixels": pixels}.items():
        areas[name] = roc_auc_score(same, scores)
        false, true, _ = roc_curve(same, scores)
        axis.plot(false, true, label=f"{name}: AUC {areas[name]:.3f}")
    axis.plot([0, 1], [0, 1], ":", color="gray")
    axis.set(xlabel="different people taken for the same", ylabel="same person recognized")
    axis.set(xlim=(0, 1), ylim=(0, 1.01))
    axis.set(title="Is it the same person? Of people that it has not seen")
    axis.legend(loc="lower right")
    return figure


def plot_distances(same, distances):
    """Distances of the descriptors of the same and of different people, and the margin."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    bins = np.linspace(0, max(distances.max(), recipe.MARGIN), 40)
    for name, chosen in {"the same person": same, "different people": ~same}.items():
        style = {"bins": bins, "alpha": 0.6, "weights": np.full(chosen.sum(), 100 / chosen.sum())}
        axis.hist(distances[chosen], label=name, **style)
    axis.axvline(recipe.MARGIN, color="0.3", linestyle="--", label="margin")
    medians = np.median(distances[same]), np.median(distances[~same])
    axis.set(title=f"Medians of the distance: {medians[0]:.2f} and {medians[1]:.2f}")
    axis.set(xlabel="distance of two descriptors", ylabel="pairs, %")
    axis.legend()
    return figure


def plot_pairs(pairs, same, distances):
    """The same person at the largest distances, and different people at the smallest."""
    figure, axes = plt.subplots(2, SHOWN, figsize=(11, 3.2), layout="constrained")
    order = np.argsort(distances)
    rows = {
        "same person,\nfar apart": [index for index in order[::-1] if same[index]],
        "different people,\nclose": [index for index in order if not same[index]],
    }
    for row, (name, indices) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(name)
        for axis in row:
            axis.set(xticks=[], yticks=[])
        for axis, index in zip(row, indices, strict=False):
            axis.imshow(np.concatenate(list(pairs[index, ..., 0]), axis=1), cmap="gray")
            axis.set_title(f"distance {distances[index]:.2f}", fontsize=9)
    figure.suptitle("The hardest pairs of the people of the test")
    return figure

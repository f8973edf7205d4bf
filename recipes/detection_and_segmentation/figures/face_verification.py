"""The pictures of face_verification: ROC curves, distributions of distances, and hard pairs.

Comparison with a descriptor that was trained on millions of photographs, with the weights in
FOLDER (recipes/common/face_descriptor.py documents the download):

    python -m recipes.detection_and_segmentation.figures.face_verification FOLDER

It prints the AUC of that descriptor and of pixels, on all pairs of the 400 photographs and on those
of the test, and draws the ROC curves of the test, `roc.png`. `--model` adds the recipe's own
network to them, if it is trained: `saved_models/face_verification/model.keras`.
"""

import argparse

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds
from scipy.spatial.distance import pdist
from sklearn.metrics import roc_auc_score, roc_curve

from recipes.common.arrays import to_numpy
from recipes.common.face_descriptor import face_descriptor
from recipes.detection_and_segmentation import face_verification as recipe

SHOWN = 6  # pairs in a row
ROOM = 8  # pixels of padding on each side: the published descriptor expects smaller faces
PEOPLE = {"the 40 people": "train", "the ten people of the test": recipe.SPLITS[-1]}


def figures(model, test, history):
    """Verification of unseen people by descriptors and by pixels, and the hardest pairs."""
    pairs, same = to_numpy(test)
    same = same[:, 0] == 1
    similarity = model.predict(pairs, batch_size=250, verbose=0)[:, 0]
    scores = {"descriptors": similarity, "pixels": -recipe.pixel_distance(pairs)}
    return {
        "roc": plot_roc(same, scores),
        "distances": plot_distances(same, 2 * (1 - similarity)),
        "pairs": plot_pairs(pairs, same, 2 * (1 - similarity)),
    }


def plot_roc(same, scores):
    """ROC curves: true over false positives, for each of `{name: similarities (pairs,)}`."""
    figure, axis = plt.subplots(figsize=(6, 4.8), layout="constrained")
    for name, similarity in scores.items():
        false, true, _ = roc_curve(same, similarity)
        axis.plot(false, true, label=f"{name}: AUC {roc_auc_score(same, similarity):.3f}")
    axis.plot([0, 1], [0, 1], ":", color="gray")
    axis.set(xlabel="different people taken for the same", ylabel="same person recognized")
    axis.set(xlim=(0, 1), ylim=(0, 1.01))
    axis.set(title="Is it the same person? Of people that it has not seen")
    axis.legend(loc="lower right")
    return figure


def median_distances(same, distances):
    """The median distance of pairs of the same person, and of pairs of different people."""
    return np.median(distances[same]), np.median(distances[~same])


def plot_distances(same, distances):
    """Distances between descriptors of the same and of different people, and the margin."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    bins = np.linspace(0, max(distances.max(), recipe.MARGIN), 40)
    for name, chosen in {"the same person": same, "different people": ~same}.items():
        style = {"bins": bins, "alpha": 0.6, "weights": np.full(chosen.sum(), 100 / chosen.sum())}
        axis.hist(distances[chosen], label=name, **style)
    axis.axvline(recipe.MARGIN, color="0.3", linestyle="--", label="margin")
    same_person, different_people = median_distances(same, distances)
    axis.set(title=f"Medians of the distance: {same_person:.2f} and {different_people:.2f}")
    axis.set(xlabel="distance of two descriptors", ylabel="pairs, %")
    axis.legend()
    return figure


def plot_pairs(pairs, same, distances):
    """The hardest pairs: the same person far apart, and different people close together."""
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


def enlarged(images):
    """Photographs in the format of the published descriptor, padded by repeating the edges.

    Args:
        images: Array (n, 64, 64, 1), uint8.

    Returns:
        Array (n, 150, 150, 3), float32, from 0 to 255.
    """
    padded = np.pad(images, ((0, 0), (ROOM, ROOM), (ROOM, ROOM), (0, 0)), mode="edge")
    large = keras.ops.image.resize(padded.astype("float32"), (150, 150), interpolation="bicubic")
    large = np.clip(keras.ops.convert_to_numpy(large), 0, 255)  # interpolation may overshoot
    return np.repeat(large, 3, axis=-1)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Compare a published descriptor with pixels.")
    parser.add_argument("folder", help="with the weights of the descriptor")
    parser.add_argument(
        "--model", metavar="FILE", help="this recipe's network, for a curve of its own"
    )
    options = parser.parse_args(arguments)
    try:
        network = face_descriptor(options.folder)
        own = keras.saving.load_model(options.model) if options.model else None
    except ValueError as error:
        parser.exit(2, f"{error}\n")
    for name, split in PEOPLE.items():
        images, people = recipe.photographs(tfds.load("olivetti_faces", split=split))
        pairs, same = recipe.all_pairs(people)
        descriptors = network.predict(enlarged(images), batch_size=20, verbose=0)
        pixels = images.reshape(len(images), -1)
        scores = {  # in the order of the pairs
            "published descriptor": -pdist(descriptors),
            "distance of pixels": -pdist(pixels),
            "correlation of pixels": -pdist(pixels, "correlation"),
        }
        print(f"AUC of the {len(pairs):,} pairs of {name}:")
        for what, similarity in scores.items():
            print(f"  {what} {roc_auc_score(same, similarity):.5f}")
    if own:
        scores["own descriptor"] = own.predict(images[pairs], batch_size=250, verbose=0)[:, 0]
    plot_roc(same, scores).savefig("roc.png")


if __name__ == "__main__":
    main()

"""The pictures of head_binary_images: the network's confidence, and images from cat to dog."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.heads.head_binary_images import CLASSES

SURE = 0.9  # probability of either class


def figures(model, test, history):
    """Predicted probabilities, and images from the most confident cat to the most confident dog."""
    images, labels = to_numpy(test)
    labels = labels[:, 0].astype(int)
    dog = model.predict(images, batch_size=500, verbose=0)[:, 0]
    return {
        "probabilities": plot_probabilities(dog, labels),
        "from_cat_to_dog": plot_from_cat_to_dog(images, dog, labels),
    }


def sure_answers(dog, labels):
    """Share of images with confident predictions, and the accuracy on them (NaN if none)."""
    is_sure = np.maximum(dog, 1 - dog) > SURE
    if not is_sure.any():
        return 0.0, np.nan
    is_correct = (dog > 0.5) == labels
    return is_sure.mean(), is_correct[is_sure].mean()


def evenly_by_rank(values, count):
    """Indices of `count` values evenly spaced in rank, from the smallest to the largest."""
    ranks = np.linspace(0, len(values) - 1, count).astype(int)
    return np.argsort(values)[ranks]


def plot_probabilities(dog, labels):
    figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for label, color in ((0, "tab:orange"), (1, "tab:blue")):
        shown = dog[labels == label]
        bins = np.linspace(0, 1, 41)
        axis.hist(shown, bins=bins, alpha=0.6, color=color, label=CLASSES[label] + "s")
    axis.axvline(0.5, color="gray", linestyle=":")
    share, accuracy = sure_answers(dog, labels)
    title = f"One number per image, never over {SURE:.0%} sure"
    if share:
        title = (
            "One number per image. "
            f"Where it is over {SURE:.0%} sure ({share:.0%} of them), {accuracy:.0%} are right"
        )
    axis.set_title(title)
    axis.set(xlabel="output: probability of a dog", ylabel="test images")
    axis.legend(loc="upper center")
    return figure


def plot_from_cat_to_dog(images, dog, labels):
    figure, axes = plt.subplots(2, 10, figsize=(10, 2.7), layout="constrained")
    for axis, index in zip(axes.flat, evenly_by_rank(dog, axes.size), strict=True):
        axis.imshow(images[index])
        axis.set_title(f"{dog[index]:.2f} {CLASSES[labels[index]]}", fontsize=9)
        axis.axis("off")
    figure.suptitle("From the surest cat to the surest dog: probability of a dog, and what it is")
    return figure

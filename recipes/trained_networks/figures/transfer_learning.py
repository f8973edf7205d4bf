"""The pictures of transfer_learning: accuracy by number of labels, and a map of the features."""

import keras
import matplotlib.pyplot as plt
from sklearn.manifold import TSNE

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.trained_networks import transfer_learning as recipe

MAPPED = 500  # test images on the map


def figures(models, test, histories):
    """Accuracy by number of labels, of features and of pixels; maps of features and of pixels."""
    drawn = {"accuracy_by_labels": plot_accuracies(models, test)}
    if "frozen" in models:
        drawn["map"] = plot_map(models["frozen"], test)
    return drawn


def plot_accuracies(models, test):
    """Accuracy of frozen features and of pixels by number of labels, and of the other networks."""
    figure, axis = plt.subplots(layout="constrained")
    counts = {}
    of_pixels = {}
    accuracies = {}
    for name, model in models.items():
        arguments = dict(recipe.VARIANTS[name])
        counts[name] = arguments.get("labels", 500)
        accuracies[name] = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        if name.startswith("frozen"):
            keras.utils.set_random_seed(0)  # as in a run, for the same images
            train, _, _ = recipe.load_data(counts[name])
            of_pixels[counts[name]] = recipe.baseline(train, test)["accuracy"]
    frozen = sorted((counts[name], name) for name in models if name.startswith("frozen"))
    axis.plot(
        [count for count, _ in frozen],
        [accuracies[name] for _, name in frozen],
        "o-",
        label="frozen",
    )
    axis.plot(sorted(of_pixels), [of_pixels[count] for count in sorted(of_pixels)], "o-")
    axis.lines[-1].set_label("softmax layer on pixels")
    others = [name for name in models if not name.startswith("frozen")]
    for name, marker, color in zip(others, "s^vD", plots.CLASS_COLORS[2:], strict=False):
        axis.plot(counts[name], accuracies[name], marker, color=color, ls="", label=name)
    axis.axhline(recipe.zero_shot(test), color="0.5", ls=":", label="zero-shot, by class names")
    axis.set(title="What a network knows from ImageNet is worth thousands of labels")
    axis.set(xlabel="labeled images of CIFAR-10", ylabel="test accuracy", ylim=(0, 1))
    axis.set_xscale("log")
    axis.set_xticks([100, 500, 2000], ["100", "500", "2,000"])
    axis.minorticks_off()
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def plot_map(model, test):
    """Two maps (t-SNE) of the same test images, by their pixels and by their features."""
    images, labels = to_numpy(test)
    images, labels = images[:MAPPED], labels[:MAPPED]
    features = keras.Model(model.inputs, model.layers[-2].output)
    rows = {
        "By their pixels": recipe.pixels(images),
        "By the features of ImageNet": features.predict(images, verbose=0),
    }
    figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
    for axis, (title, values) in zip(axes, rows.items(), strict=True):
        perplexity = min(30, (len(values) - 1) / 3)
        places = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(values)
        for label, name in enumerate(recipe.CLASSES):
            color = plt.get_cmap("tab10")(label)
            axis.scatter(*places[labels == label].T, s=14, color=color, label=name)
        axis.set(title=title, xticks=[], yticks=[])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
    figure.suptitle("Images of one class lie together before a single label has been seen")
    return figure

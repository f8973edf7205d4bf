"""The pictures of autoencoder_mnist: reconstructions, the principal subspace, latent spaces."""

import matplotlib.pyplot as plt
import numpy as np
import scipy.linalg
import tensorflow_datasets as tfds
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from recipes.autoencoders import autoencoder_mnist as recipe
from recipes.common.arrays import to_numpy
from recipes.common.plots import show_images

PCA = "32 principal\ncomponents"
TITLES = {"linear": "32 units,\nlinear", "deep": "32 units,\ndeep", "map": "2 units,\ndeep"}


def figures(models, test, histories):
    """Reconstructions, the linear network's subspace against PCA's, two-dimensional codes."""
    # The digits, their labels, and the principal components of the training set.
    images, _ = to_numpy(test)
    test_set = tfds.load("mnist", split="test", as_supervised=True)
    _, labels = to_numpy(test_set.batch(1000))
    train_images, _ = to_numpy(recipe.load_data()[0])
    mean, directions, variances = recipe.principal_components(train_images)

    reconstructions = {PCA: recipe.project(images, mean, directions[:, :32])}
    for name, model in models.items():
        reconstructions[TITLES[name]] = model.predict(images, batch_size=1000, verbose=0)
    reconstructions["2 principal\ncomponents"] = recipe.project(images, mean, directions[:, :2])

    encoder = models["map"].layers[0]
    flat = images.reshape(len(images), -1)
    codes = {
        "Two principal components": (flat - mean) @ directions[:, :2],
        "Two units of a deep network": encoder.predict(images, batch_size=1000, verbose=0),
    }
    errors = squared_errors(reconstructions, images)
    return {
        "reconstructions": draw_reconstructions(images, reconstructions, errors, labels),
        "principal_angles": draw_subspace(models["linear"], directions, variances, errors),
        "latent_map": draw_latent_spaces(codes, labels),
    }


def squared_errors(reconstructions, images):
    """Mean squared error of each method, `{method: error}`."""
    return {name: np.mean((each - images) ** 2) for name, each in reconstructions.items()}


def relative_error(errors, name):
    """The error of a network, relative to that of PCA with 32 components.

    Args:
        errors: `{method: error}`, as returned by `squared_errors`.
        name: Of the network: "linear", "deep" or "map".
    """
    return errors[TITLES[name]] / errors[PCA]


def first_of_each(labels):
    """The index of the first example of each class, in the order of the classes."""
    return [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)]


def draw_reconstructions(images, reconstructions, errors, labels):
    """A column for each digit, a row for each method with its error."""
    shown = first_of_each(labels)
    rows = [images[shown]] + [each[shown] for each in reconstructions.values()]
    names = ["the digits"] + [f"{name}\n{errors[name]:.4f}" for name in reconstructions]
    figure, axis = plt.subplots(figsize=(8, 5.6), layout="constrained")
    style = {"cmap": "gray_r", "vmin": 0, "vmax": 1}
    show_images(axis, np.concatenate(rows), columns=len(shown), **style)
    axis.set_yticks(29 * np.arange(len(rows)) + 14, names)  # 28 pixels and a gap
    axis.tick_params(length=0)
    ratio = relative_error(errors, "deep")
    figure.suptitle(f"Squared errors: that of the deep network is {ratio:.0%} of that of PCA")
    return figure


def subspace_angles(model, directions):
    """Principal angles between a linear autoencoder's output space and directions (pixels, n).

    Returns:
        Array (n,), in degrees, the smallest first.
    """
    kernel = model.layers[1].get_weights()[0]  # of the decoder, (latent_dim, pixels)
    angles = scipy.linalg.subspace_angles(kernel.T.astype("float64"), directions)
    return np.degrees(angles)[::-1]


def parallel_directions(angles):
    """Number of principal angles (n,), in degrees, that are below 1°."""
    return np.sum(angles < 1)


def variance_gap(variances, count=32):
    """How much more variance the last of `count` components has than the next: 0 for as much.

    Args:
        variances: Of all components, in descending order.
        count: Number of components that are kept.
    """
    return variances[count - 1] / variances[count] - 1


def draw_subspace(model, directions, variances, errors):
    """The principal angles, and the variances that explain them."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
    angles = subspace_angles(model, directions[:, :32])
    left.bar(np.arange(len(angles)) + 1, angles)
    left.axhline(1, color="C1", linestyle="--")
    left.set(yscale="log", xlabel="principal angle, by size", ylabel="degrees")
    excess = relative_error(errors, "linear") - 1
    left.set_title(
        f"Linear network against PCA: {parallel_directions(angles)} of 32\n"
        f"principal angles are below 1°, squared error {excess:+.1%}"
    )
    right.plot(range(1, 51), variances[:50], "o-", markersize=4)
    right.axvline(32.5, color="C1", linestyle="--")
    right.set(yscale="log", xlabel="principal component", ylabel="variance")
    gap = variance_gap(variances)
    right.set_title(
        f"The 32nd component has only {gap:.0%} more variance\nthan the 33rd: hard to tell apart"
    )
    return figure


def neighbor_accuracy(codes, labels):
    """Accuracy of the 15 nearest neighbors in the latent space, by cross-validation."""
    return cross_val_score(KNeighborsClassifier(15), codes, labels, cv=4).mean()


def draw_latent_spaces(codes, labels):
    """Two-dimensional codes of the test digits, by `{title: codes (n, 2)}`."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 5.6), layout="constrained")
    for axis, (title, code) in zip(axes, codes.items(), strict=True):
        dots = axis.scatter(*code.T, s=3, c=labels, cmap="tab10", vmin=-0.5, vmax=9.5)
        for digit in np.unique(labels):
            box = {"facecolor": "white", "alpha": 0.7, "pad": 1, "linewidth": 0}
            center = np.median(code[labels == digit], axis=0)
            axis.text(*center, digit, weight="bold", bbox=box)
        accuracy = neighbor_accuracy(code, labels)
        axis.set(xticks=[], yticks=[], title=f"{title}: neighbors agree for {accuracy:.0%}")
    figure.colorbar(dots, ticks=range(10), label="digit")
    return figure

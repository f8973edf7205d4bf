"""The pictures of anomaly_detection: reconstructions, errors and threshold, AUC of each digit."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds
from sklearn.metrics import roc_auc_score

from recipes.autoencoders import anomaly_detection as recipe
from recipes.common.arrays import to_numpy
from recipes.common.plots import CLASS_COLORS, show_images

DIGITS = range(10)  # in the comparison by digit
TITLES = {"one_digit": "Trained on the {} only", "all_but_one": "Trained on all digits but the {}"}


def figures(models, test, histories):
    """Reconstructions and errors of both networks, and the AUC of PCA for each digit."""
    _, labels = to_numpy(test)  # of `one_digit`, whose normal images are those of the digit
    train, test = (digits_of(split) for split in ("train[:90%]", "test"))
    digit = np.unique(test[1][labels[:, 0] == 0]).item()
    return {
        "detection": draw_detection(models, test, digit),
        "by_digit": draw_by_digit(areas(train, test)),
    }


def digits_of(split):
    """Images and digits of a split of MNIST, as arrays."""
    return to_numpy(tfds.load("mnist", split=split, as_supervised=True).batch(1000))


def draw_detection(models, test, digit):
    """For each network, an image of each digit with its reconstruction, and all errors.

    Args:
        models: `{variant: network}`.
        test: Images (n, 28, 28, 1) and digits (n,).
        digit: The one that the first network is trained on, and the second one is not.
    """
    images, digits = test
    figure, axes = plt.subplots(
        len(models), 2, figsize=(13, 2.9 * len(models)), layout="constrained", squeeze=False
    )
    _, shown = np.unique(digits, return_index=True)  # the first image of each digit
    for (left, right), (name, model) in zip(axes, models.items(), strict=True):
        errors = model.predict(images, batch_size=1000, verbose=0)[:, 0]
        threshold = float(model.get_layer("error").threshold)
        draw_reconstructions(left, model, images[shown], errors[shown], threshold)
        anomalous = (digits == digit) == recipe.VARIANTS[name].get("left_out", False)
        area = roc_auc_score(anomalous, errors)
        draw_errors(right, anomalous, errors, threshold)
        left.set_title(TITLES[name].format(digit) + ": reconstructions, errors × 1000")
        right.set_title(f"Test images: area under the ROC curve {area:.2f}")
    return figure


def draw_reconstructions(axis, model, images, errors, threshold):
    """Images above their reconstructions, and below these the errors; anomalies are marked."""
    output = model.get_layer("reconstruction").output
    reconstructions = keras.Model(model.input, output).predict(images, verbose=0)
    rows = np.concatenate([images[..., 0] / 255, reconstructions.reshape(-1, 28, 28)])
    show_images(axis, rows, columns=len(images), cmap="gray_r", vmin=0, vmax=1)
    for column, error in enumerate(errors):
        color = CLASS_COLORS[1] if error > threshold else CLASS_COLORS[0]
        text = f"{1000 * error:.0f}"
        axis.text(29 * column + 14, 66, text, ha="center", color=color)  # 28 pixels and a gap


def draw_errors(axis, anomalous, errors, threshold):
    """The distribution of the errors of normal images and of anomalies, and the threshold."""
    bins = np.linspace(0, np.percentile(errors, 99.5), 60)
    parts = {"normal": errors[~anomalous], "anomalies": errors[anomalous]}
    for color, (label, values) in zip(CLASS_COLORS, parts.items(), strict=False):
        axis.hist(values, bins, density=True, alpha=0.6, color=color, label=label)
    axis.axvline(threshold, color="black", linestyle="--", label="threshold")
    axis.set_xlabel("reconstruction error")
    axis.set_yticks([])
    axis.legend()


def areas(train, test):
    """The area under the ROC curve of PCA for each digit, (digits, 2).

    First with the digit as the normal one, then with the digit as the anomaly.

    Args:
        train, test: Images (…, 28, 28, 1) and digits (…).
    """
    images, digits = train
    test_images, test_digits = test
    found = []
    for digit in DIGITS:
        same = digits == digit
        _, only = recipe.pca_errors(images[same][: recipe.MOST], test_images)
        _, without = recipe.pca_errors(images[~same][: recipe.MOST], test_images)
        anomalous = test_digits == digit
        found.append([roc_auc_score(~anomalous, only), roc_auc_score(anomalous, without)])
    return np.array(found)


def draw_by_digit(found):
    """Bars for each digit, trained on it only and on all others.

    Args:
        found: As returned by `areas`.
    """
    figure, axis = plt.subplots(figsize=(9, 4), layout="constrained")
    labels = ("trained on the digit, others are anomalies", "the digit is the anomaly")
    for side, label in enumerate(labels):
        axis.bar(np.arange(len(DIGITS)) + 0.4 * side - 0.2, found[:, side], 0.4, label=label)
    axis.axhline(0.5, color="black", linestyle="--", label="chance")
    axis.set_xticks(range(len(DIGITS)), DIGITS)
    axis.set_xlabel("digit")
    axis.set_ylabel("area under the ROC curve")
    axis.set_ylim(0, 1.25)
    axis.legend(ncols=3, loc="upper center", fontsize=8)
    only, without = found.mean(axis=0)
    axis.set_title(
        f"PCA, a linear autoencoder: mean {only:.2f} if the digit is normal, "
        f"{without:.2f} if it is the anomaly"
    )
    return figure

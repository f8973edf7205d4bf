"""The pictures of conditional_gan: digits on demand, and their use as training data."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.svm import SVC

from recipes.common.arrays import to_numpy
from recipes.common.generative_metrics import diversity
from recipes.common.plots import class_bars, show_images
from recipes.gans import conditional_gan

GRAY = {"columns": 10, "cmap": "gray_r", "vmin": -1, "vmax": 1}


def figures(model, test, history):
    """Digits on demand, at the end and during training; diversity; their use as training data."""
    images, digits = to_numpy(test)
    generated = np.concatenate([model.generate(part) for part in np.array_split(digits, 10)])
    real_features, _ = model.classifier.predict(images, verbose=0)
    features, probabilities = model.classifier.predict(generated, verbose=0)
    accuracy = np.mean(probabilities.argmax(1) == digits)

    use, (left, right) = plt.subplots(1, 2, figsize=(12, 3.8), layout="constrained")
    draw_diversity(left, class_diversity(real_features, features, digits))
    draw_accuracies(right, augmentation_accuracies(images, generated, digits))
    return {
        "samples": draw_samples(conditional_gan.snapshot(model), accuracy, images, digits),
        "progress": draw_progress(model.snapshots),
        "use": use,
    }


def draw_samples(generated, accuracy, images, digits):
    """A row for each digit, with generated and real examples."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 6.6), layout="constrained")
    title = f"A row for each digit asked for: {accuracy:.1%} are that digit"
    show_images(left, generated, title=title, **GRAY)
    rows = [np.resize(images[digits == digit][:10], (10, 28, 28)) for digit in range(10)]
    show_images(right, np.concatenate(rows), title="Real digits", **GRAY)
    return figure


def draw_progress(snapshots):
    """The same noise after several epochs."""
    figure, axes = plt.subplots(
        1, len(snapshots), figsize=(12, 3.4), layout="constrained", squeeze=False
    )
    for axis, (epoch, images) in zip(axes[0], snapshots, strict=True):
        show_images(axis, images, title=f"epoch {epoch}", **GRAY)
    return figure


def class_diversity(real_features, features, digits):
    """Diversity of the generated images of each digit, relative to real ones: `{digit: value}`."""
    values = {}
    for digit in np.unique(digits):
        chosen = digits == digit
        values[int(digit)] = float(diversity(real_features[chosen], features[chosen]))
    return values


def draw_diversity(axis, values):
    """A bar for each digit."""
    class_bars(axis, {"diversity": list(values.values())}, values)
    mean = np.mean(list(values.values()))
    axis.set(xlabel="digit", ylabel="distance within the class, real = 1")
    axis.set_title(f"Within a class, generated digits have {mean:.2f} of the real diversity")


def augmentation_accuracies(images, generated, digits):
    """Accuracies of a support vector machine, by the number of real and generated training digits.

    Real training digits are from the first half of the images, the test is on the second half; no
    choice depends on the result. The smallest training set is a twentieth of the images.

    Returns:
        `{(real, generated): accuracy}`.
    """
    half = len(images) // 2
    few = len(images) // 20
    accuracies = {}
    for real, machine in ((few, 0), (few, 4 * few), (0, 5 * few), (5 * few, 0)):
        taught = slice(half, half + machine)
        x = np.concatenate([images[:real], generated[taught]]).reshape(real + machine, -1)
        y = np.concatenate([digits[:real], digits[taught]])
        classifier = SVC(C=10).fit(x, y)
        flat = images[half:].reshape(len(images) - half, -1)
        accuracies[real, machine] = classifier.score(flat, digits[half:])
    return accuracies


def draw_accuracies(axis, accuracies):
    """A bar for each training set, orange if it contains generated digits."""
    for (real, machine), accuracy in accuracies.items():
        name = f"{real:,} real,\n{machine:,} generated"
        bar = axis.barh(name, 100 * accuracy, color="C1" if machine else "C0")
        axis.bar_label(bar, fmt="%.1f", padding=3)
    axis.set(xlim=(0, 112), xlabel="accuracy on other real digits, %")
    axis.invert_yaxis()
    axis.set_title("Training data of a support vector machine")

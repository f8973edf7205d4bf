"""The pictures of pooling: a pooled sample, upsampling, and the cost of max and mean pooling."""

import time

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.convolution import pooling


def figures(models, test, histories):
    """A pooled 4 × 4 sample; attempts to undo pooling; time and errors of max and mean pooling."""
    images, labels = next(test.unbatch().batch(128).as_numpy_iterator())
    return {
        "sample": plot_sample(),
        "back": plot_back(images[0].astype("float32")),
        "comparison": plot_comparison(milliseconds(images, labels), least_errors(histories)),
    }


def upsample(maps, factor=2):
    """Upsamples maps (H, W, C) as UpSampling2D: every pixel becomes a block."""
    return maps.repeat(factor, axis=0).repeat(factor, axis=1)


def overlap(size, stride, side=8):
    """The number of times that a transposed convolution writes to each output pixel."""
    layer = keras.layers.Conv2DTranspose(
        1, size, strides=stride, kernel_initializer="ones", use_bias=False
    )
    outputs = layer(np.ones((1, side, side, 1), "float32"))
    return np.asarray(outputs)[0, :, :, 0]


def milliseconds(images, labels, rounds=8):
    """Median CPU time of inference and of a training step on one batch, `{variant: (2,)}`.

    The variants take turns; the first round, which includes compilation, is discarded.
    """
    models = {}
    spent = {}
    for name, arguments in pooling.VARIANTS.items():
        models[name] = pooling.build_model(**arguments)
        spent[name] = []
    for _ in range(rounds + 1):
        for name, model in models.items():
            start = time.process_time()
            model.predict_on_batch(images)
            middle = time.process_time()
            model.train_on_batch(images, labels)
            end = time.process_time()
            spent[name].append((middle - start, end - middle))
    return {name: 1000 * np.median(times[1:], axis=0) for name, times in spent.items()}


def least_errors(histories):
    """The validation error in percent at the best epoch, by variant."""
    errors = {}
    for name, history in histories.items():
        errors[name] = 100 * (1 - max(history["val_accuracy"]))
    return errors


def plot_map(axis, values, title, numbers=None):
    """Draw a map (height, width), with its numbers if a format is given."""
    plots.heatmap(axis, values, numbers=numbers, vmax=1.4 * values.max())
    axis.set_title(title)
    axis.axis("off")


def plot_sample():
    """The sample, its maxima and means, and the maxima upsampled."""
    maps = pooling.SAMPLE[:, :, None]
    largest = pooling.pool(maps)
    mean = pooling.pool(maps, how=np.mean)
    figure, axes = plt.subplots(
        1, 4, figsize=(10, 3.2), width_ratios=(4, 2.5, 2.5, 4), layout="constrained"
    )
    plot_map(axes[0], pooling.SAMPLE, "Map", "{:g}")
    plot_map(axes[1], largest[:, :, 0], "Maximum", "{:g}")
    plot_map(axes[2], mean[:, :, 0], "Mean", "{:g}")
    plot_map(axes[3], upsample(largest)[:, :, 0], "Maximum, upsampled", "{:g}")
    figure.suptitle("Each block of four becomes one number, and there is no way back")
    return figure


def plot_back(digit):
    """A digit pooled and upsampled, and the checkerboards of transposed convolutions."""
    figure, axes = plt.subplots(1, 4, figsize=(10, 3), layout="constrained")
    plot_map(axes[0], digit[:, :, 0], "Digit")
    plot_map(axes[1], upsample(pooling.pool(digit))[:, :, 0], "Pooled, upsampled")
    plot_map(axes[2], overlap(3, 2), "All ones → 3 × 3, stride 2")
    plot_map(axes[3], overlap(4, 2), "All ones → 4 × 4, stride 2")
    figure.suptitle(
        "Details do not come back; a transposed convolution leaves a checkerboard\n"
        "unless its stride divides the size of its filters"
    )
    return figure


def plot_comparison(spent, errors):
    """CPU time of both kinds of pooling, and their validation errors.

    Args:
        spent: As returned by `milliseconds`.
        errors: `{variant: percent}`.
    """
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
    inference = [times[0] for times in spent.values()]
    training = [times[1] for times in spent.values()]
    colors = ["C0", "C1"]
    axes[0].bar(list(spent), inference, color=colors)
    axes[0].set_title("inference, CPU ms")
    axes[1].bar(list(spent), training, color=colors)
    axes[1].set_title("training step, CPU ms")
    axes[2].bar(list(errors), list(errors.values()), color=colors)
    axes[2].set_title("validation errors, %")
    ratio = spent["max"][1] / spent["average"][1]
    figure.suptitle(
        f"A training step with max pooling takes {ratio:.2f} times as long as with average"
    )
    return figure

"""The pictures of lenet: the feature maps of a digit, and the bitmaps of the output layer."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.cnn_architectures import lenet
from recipes.common import plots
from recipes.common.arrays import to_numpy

STAGES = ("C1", "S2", "C3", "S4")
COLUMNS = (2, 2, 4, 4)  # columns of maps for each stage
TITLES = {"modern": "LeNet-5, modern form", "original": "LeNet-5 of 1998"}


def figures(models, test, histories):
    """The feature maps of one digit, and the 84 values that LeNet-5 compares with bitmaps."""
    images, labels = to_numpy(test)
    drawn = {"feature_maps": plot_feature_maps(models, images[0])}
    if "original" in models:
        drawn["bitmaps"] = plot_bitmaps(models["original"], images, labels)
    return drawn


def stages(model):
    """The outputs of C1, S2, C3 and S4, after their activations, as tensors."""
    found = []
    for layer in model.layers:
        maps = layer.output
        if len(maps.shape) != 4 or maps.shape[1] not in (28, 14, 10, 5):
            continue
        if found and found[-1].shape == maps.shape:
            found.pop()  # a later layer with the same shape belongs to the same stage
        if maps.shape[-1] > 1:
            found.append(maps)
    return found


def feature_maps(model, image):
    """The maps of an image (28, 28, 1) in C1, S2, C3 and S4: arrays (maps, height, width)."""
    extractor = keras.Model(model.inputs, stages(model))
    outputs = extractor([image[None]], training=False)
    return [np.moveaxis(keras.ops.convert_to_numpy(maps[0]), -1, 0) for maps in outputs]


def plot_feature_maps(models, image):
    """The maps of a digit in the first four stages, one row for each network."""
    figure, axes = plt.subplots(
        len(models),
        5,
        figsize=(10, 3 * len(models)),
        width_ratios=(1, 1, 1, 1.4, 1.4),
        layout="constrained",
        squeeze=False,
    )
    for row, (name, model) in zip(axes, models.items(), strict=True):
        plots.show_images(row[0], image[None], title="input")
        row[0].set_ylabel(TITLES[name])
        maps = feature_maps(model, image)
        for axis, stage, maps_of_stage, columns in zip(row[1:], STAGES, maps, COLUMNS, strict=True):
            count, height, width = maps_of_stage.shape
            title = f"{stage}: {count} of {height} × {width}"
            plots.show_images(axis, maps_of_stage, columns, title, cmap="magma")
    figure.suptitle("From layer to layer more maps, each of them smaller")
    return figure


def last_values(model, images):
    """The 84 values before the outputs: an array (images, 84)."""
    outputs = [x for x in model.layers if isinstance(x, lenet.RadialBasisOutputs)]
    extractor = keras.Model(model.inputs, outputs[0].input)
    return extractor.predict(images, batch_size=500, verbose=0)


def shared_signs(values, labels):
    """The share of all values with the same sign as in their digit's bitmap.

    Args:
        values: Array (images, 84).
        labels: Integers 0–9, (images,).
    """
    codes = lenet.digit_codes()[labels]
    return float(np.mean(np.sign(values) == codes))


def plot_bitmaps(model, images, labels):
    """The first test image of each digit, the values of F6 for it, and the bitmap of its output."""
    values = last_values(model, images)
    shares = shared_signs(values, labels)
    present = [digit for digit in range(10) if digit in labels]
    first = [int(np.flatnonzero(labels == digit)[0]) for digit in present]
    pixels = {"vmin": -1.7159, "vmax": 1.7159, "cmap": "PuOr_r"}
    figure, axes = plt.subplots(3, 1, figsize=(8, 5), layout="constrained")
    plots.show_images(axes[0], images[first], columns=len(first), title="digits of the test set")
    bitmaps = values[first].reshape(-1, 12, 7)
    plots.show_images(axes[1], bitmaps, len(first), "the 84 units of F6 for them", **pixels)
    codes = lenet.digit_codes()[present].reshape(-1, 12, 7)
    plots.show_images(axes[2], codes, len(first), "the bitmaps of the outputs", **pixels)
    figure.suptitle(
        f"{shares:.0%} of the values before the outputs have the sign of the right bitmap"
    )
    return figure

"""The picture of alexnet: the filters of its first layer."""

import matplotlib.pyplot as plt
import numpy as np
import scipy.ndimage

from recipes.common import plots

TITLES = {"two_groups": "two groups", "one_group": "one group", "zfnet": "ZFNet"}
SHOWN = 36  # filters
ENLARGED = 6  # factor of the enlargement, with interpolation between the weights


def figures(models, test, histories):
    """The filters of the first convolution, as small images: edges, and spots of color."""
    size = 3.6 * len(models), 4
    figure, axes = plt.subplots(1, len(models), figsize=size, layout="constrained", squeeze=False)
    for axis, (name, model) in zip(axes[0], models.items(), strict=True):
        kernel = first_kernel(model)  # (height, width, 3, filters)
        filters = kernel.transpose(3, 0, 1, 2)
        clearest = filters[np.argsort(-smoothness(filters), kind="stable")[:SHOWN]]
        images = scipy.ndimage.zoom(clearest, (1, ENLARGED, ENLARGED, 1))
        plots.show_images(axis, scaled(images), title=f"{TITLES[name]}, the clearest first")
    return {"first_filters": figure}


def first_kernel(model):
    """The kernel of the first layer with a kernel."""
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            return np.asarray(layer.kernel)
    raise ValueError("The network has no layer with a kernel.")


def smoothness(filters):
    """Smoothness of each filter: the correlation of neighboring weights.

    Args:
        filters: Array (filters, height, width, 3).

    Returns:
        Array (filters,): about 0 for random weights, high for edges and spots of color.
    """
    found = []
    for weights in filters:
        across = weights[:, :-1].ravel(), weights[:, 1:].ravel()
        down = weights[:-1].ravel(), weights[1:].ravel()
        found.append(np.corrcoef(*across)[0, 1] + np.corrcoef(*down)[0, 1])
    return np.array(found) / 2


def scaled(filters):
    """Scales each filter to the range 0 to 1, with a weight of 0 as middle gray.

    Args:
        filters: Array (filters, height, width, 3).
    """
    largest = np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    return 0.5 + 0.5 * filters / np.maximum(largest, 1e-12)

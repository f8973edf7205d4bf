"""The picture of alexnet: what its first layer has learned to see."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots

TITLES = {"two_groups": "two groups", "one_group": "one group", "zfnet": "ZFNet"}


def figures(models, test, histories):
    """The filters of the first convolution, as small images: edges, and spots of color."""
    figure, axes = plt.subplots(
        1, len(models), figsize=(10, 4), layout="constrained", squeeze=False
    )
    for axis, (name, model) in zip(axes[0], models.items(), strict=True):
        kernel = first_kernel(model)  # (height, width, 3, filters)
        images = scaled(kernel.transpose(3, 0, 1, 2))
        plots.show_images(axis, images, title=TITLES[name])
    return {"first_filters": figure}


def first_kernel(model):
    """The kernel of the first layer that has one."""
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            return np.asarray(layer.kernel)
    raise ValueError("The network has no layer with a kernel.")


def scaled(filters):
    """Each filter from 0 to 1, with its weights of 0 as middle gray.

    Args:
        filters: Array (filters, height, width, 3).
    """
    largest = np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    return 0.5 + 0.5 * filters / np.maximum(largest, 1e-12)

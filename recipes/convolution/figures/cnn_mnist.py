"""The pictures of cnn_mnist: the filters of its first layer, and the feature maps of one digit."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots


def figures(model, test, history):
    """The filters of the first layer, and one test digit with its feature maps at three depths."""
    images, _ = next(test.as_numpy_iterator())
    return {
        "filters": plot_filters(model),
        "feature_maps": plot_feature_maps(model, images[0]),
    }


def layers_of(model, kind):
    """The layers of one class, in order."""
    return [layer for layer in model.layers if isinstance(layer, kind)]


def plot_filters(model):
    """The filters of the first layer, orange where they add and purple where they subtract."""
    first = layers_of(model, keras.layers.Conv2D)[0]
    kernels = first.get_weights()[0]  # (height, width, 1, filters)
    filters = np.moveaxis(kernels[:, :, 0], -1, 0)  # (filters, height, width)
    largest = np.abs(filters).max()
    figure, axis = plt.subplots(figsize=(5, 4.4), layout="constrained")
    style = {"cmap": "PuOr_r", "vmin": -largest, "vmax": largest}
    picture = plots.show_images(axis, filters, columns=4, **style)
    figure.colorbar(picture, label="weight")
    figure.suptitle("The first layer responds to strokes and their edges")
    return figure


def feature_maps(model, image):
    """Feature maps of an image (28, 28, 1): after the first convolution and after each pooling.

    Returns:
        Three arrays (maps, height, width).
    """
    first = layers_of(model, keras.layers.Conv2D)[0]
    stages = [first, *layers_of(model, keras.layers.AveragePooling2D)]
    extractor = keras.Model(model.inputs, [stage.output for stage in stages])
    maps = extractor([image[None]], training=False)  # each (1, height, width, maps)
    return [np.moveaxis(keras.ops.convert_to_numpy(x[0]), -1, 0) for x in maps]


def plot_feature_maps(model, image):
    """An image and its feature maps; the titles give their number and size."""
    figure, axes = plt.subplots(
        1, 4, figsize=(10, 3), width_ratios=(1, 1, 2, 1), layout="constrained"
    )
    panels = [np.moveaxis(image, -1, 0), *feature_maps(model, image)]
    for axis, maps, columns in zip(axes, panels, (1, 4, 8, 8), strict=True):
        count, height, width = maps.shape
        title = f"{count} of {height} × {width}"
        plots.show_images(axis, maps, columns, title, cmap="magma")
    figure.suptitle("From layer to layer, the feature maps grow in number and shrink in size")
    return figure

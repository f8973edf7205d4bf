"""The pictures of cnn_mnist: what its first layer looks for, and one digit on its way through."""

import keras
import matplotlib.pyplot as plt
import numpy as np


def figures(model, test, history):
    """What the first layer looks for, and what three layers make of one digit."""
    kernels = next(
        layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)
    ).get_weights()[0]
    filters, axis = plt.subplots(figsize=(5, 4.4), layout="constrained")
    strongest = np.abs(kernels).max()
    picture = axis.imshow(
        mosaic(kernels[:, :, 0], columns=4), cmap="PuOr_r", vmin=-strongest, vmax=strongest
    )
    axis.set_title("The first layer looks for strokes and their edges")
    axis.axis("off")
    filters.colorbar(picture, label="weight")

    digit = next(test.as_numpy_iterator())[0][:1]
    stages = [layer for layer in model.layers if isinstance(layer, keras.layers.AveragePooling2D)]
    stages.insert(
        0, next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    )
    inside = keras.Model(model.inputs, [layer.output for layer in stages])
    maps = [np.asarray(x[0]) for x in (digit, *inside([digit], training=False))]
    feature_maps, axes = plt.subplots(
        1, 4, figsize=(10, 3), width_ratios=(1, 1, 2, 1), layout="constrained"
    )
    for axis, x, columns in zip(axes, maps, (1, 4, 8, 8), strict=True):
        axis.imshow(mosaic(x, columns), cmap="magma")
        axis.set_title(f"{x.shape[-1]} of {x.shape[0]} × {x.shape[1]}")
        axis.axis("off")
    feature_maps.suptitle(
        "One digit on its way through the network: more and more maps, smaller and smaller"
    )
    return {"filters": filters, "feature_maps": feature_maps}


def mosaic(maps, columns):
    """The channels of an array (height, width, channels) side by side, with a gap between, as one picture."""
    height, width, channels = maps.shape
    rows = -(-channels // columns)
    tiles = np.full((rows * columns, height + 1, width + 1), np.nan)
    tiles[:channels, :height, :width] = np.moveaxis(maps, -1, 0)
    return np.block([list(row) for row in tiles.reshape(rows, columns, height + 1, width + 1)])[
        :-1, :-1
    ]

"""ImageNet weights for the networks that are also in `keras.applications`."""

import h5py
import numpy as np


def load_imagenet_weights(network, path):
    """Load the weights of a file of `keras.applications` into a network.

    The files are those that `keras.applications` downloads, for example
    `resnet50_weights_tf_dim_ordering_tf_kernels.h5`; the network must be the published one, with
    its layers in the file's order. It expects images preprocessed by
    `keras.applications.<network>.preprocess_input`.

    Args:
        network: A `keras.Model` without additional weights, such as those of augmentation layers.
        path: Of an HDF5 file that lists its layers (`layer_names`) and their weights.

    Raises:
        ValueError: if the number of weights or a shape differs; the network is then unchanged.
        OSError: if the file cannot be read.
    """
    arrays = read_weights(path)
    weights = network.weights
    if len(arrays) != len(weights):
        raise ValueError(
            f"{path} has {len(arrays)} weights, {network.name} has {len(weights)}: not one network."
        )
    for weight, (name, array) in zip(weights, arrays, strict=True):
        if tuple(weight.shape) != array.shape:
            raise ValueError(
                f"{name} in {path} has the shape {array.shape}, "
                f"{weight.path} {tuple(weight.shape)}."
            )
    network.set_weights([array for _, array in arrays])


def read_weights(path):
    """Names and arrays of all weights in a file, in its order."""
    arrays = []
    with h5py.File(path, "r") as file:
        group = file.get("model_weights", file)  # if the file contains the whole model
        for layer in text(group.attrs["layer_names"]):
            for name in text(group[layer].attrs["weight_names"]):
                arrays.append((name, np.asarray(group[layer][name])))
    return arrays


def text(names):
    """Strings, which older files hold as bytes."""
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]

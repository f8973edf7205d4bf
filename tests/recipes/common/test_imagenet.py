"""Files of weights as `keras.applications` has them."""

import h5py
import keras
import numpy as np
import pytest

from recipes.common.imagenet import load_imagenet_weights


def network():
    layers = [keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.Dense(2)]
    return keras.Sequential([keras.Input((8, 8, 3)), *layers])


def write(path, model, whole=False):
    """A file in the old format: a group for each layer, and lists of names."""
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights") if whole else file
        group.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            part = group.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            part.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                part.create_dataset(name, data=np.asarray(weight))


@pytest.mark.parametrize("whole", [False, True])
def test_weights_of_a_file(tmp_path, whole):
    source, target = network(), network()
    source.set_weights([np.random.default_rng(0).random(w.shape) for w in source.weights])
    write(tmp_path / "weights.h5", source, whole)
    load_imagenet_weights(target, tmp_path / "weights.h5")
    for found, expected in zip(target.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_another_networks_file_changes_nothing(tmp_path):
    write(tmp_path / "weights.h5", network())
    wider = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(5),
        ]
    )
    before = wider.get_weights()
    with pytest.raises(ValueError, match="has the shape"):
        load_imagenet_weights(wider, tmp_path / "weights.h5")
    for found, expected in zip(wider.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="has 8 weights"):
        load_imagenet_weights(keras.Sequential(wider.layers[:2]), tmp_path / "weights.h5")

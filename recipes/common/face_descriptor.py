"""The face descriptor of dlib, a pretrained residual network that maps a face to 128 numbers.

Descriptors of the same person are close to each other: dlib assigns two faces to one person if
their distance is below 0.6. The network by Davis King (2017), http://blog.dlib.net/2017/02, is a
ResNet-34 (He et al., 2016, https://doi.org/10.1109/CVPR.2016.90) reduced to 29 convolutions, half
the filters, and learned scales instead of batch normalization. He trained it on about three million
photographs of 7,485 people, from FaceScrub, VGG Face and the web, and released the weights into the
public domain.

The weights are read from the npm package `@vladmandic/face-api` (MIT license), which stores most of
them in one byte each. This command puts them (6.4 MB) into the folder `package/model`:

    npm pack @vladmandic/face-api@1.7.15 && tar xzf vladmandic-face-api-1.7.15.tgz package/model
"""

import pathlib

import keras

from recipes.common import tensorflow_js

MANIFEST = "face_recognition_model-weights_manifest.json"
WEIGHTS = "face_recognition_model.bin"
MEAN = (122.782, 117.001, 104.298)  # red, green and blue of the images it was trained on


def face_descriptor(path):
    """The network with pretrained weights.

    Args:
        path: Of the folder with the files `MANIFEST` and `WEIGHTS`.

    Returns:
        A `keras.Model` from RGB images (batch, 150, 150, 3), float32 or uint8 from 0 to 255, each
        filled by one face, to descriptors (batch, 128), float32, of a norm of about 1.4.

    Raises:
        ValueError: if a file is missing, damaged, or belongs to another network.
    """
    folder = pathlib.Path(path)
    for name in (MANIFEST, WEIGHTS):
        if not (folder / name).is_file():
            raise ValueError(f"{folder} has no {name}: `npm pack @vladmandic/face-api` brings it")
    arrays = tensorflow_js.read_weights(folder / MANIFEST, folder / WEIGHTS)
    network = descriptor_network()
    try:
        for layer in network.layers:
            if layer.weights:
                layer.set_weights(layer_weights(layer, arrays))
    except (KeyError, ValueError) as error:
        raise ValueError(f"{folder} has the weights of another network: {error}") from None
    return network


def layer_weights(layer, arrays):
    """Kernel and bias of a layer, with the scale of each channel folded in."""
    if layer.name == "fc":
        return [arrays["fc"]]
    name = layer.name.replace("_conv", "/conv")
    # The package's layer computes scale · (kernel ∗ x + bias) + shift.
    kernel = arrays[f"{name}/conv/filters"]
    bias = arrays[f"{name}/conv/bias"]
    scale = arrays[f"{name}/scale/weights"]
    shift = arrays[f"{name}/scale/biases"]
    return [scale * kernel, scale * bias + shift]


def descriptor_network():
    """The network without its weights: images (150, 150, 3) from 0 to 255 to descriptors (128,).

    5,607,488 parameters.
    """
    images = keras.Input((150, 150, 3))
    x = keras.layers.Rescaling(1 / 255, offset=[-mean / 255 for mean in MEAN])(images)
    x = keras.layers.Conv2D(32, 7, 2, activation="relu", name="conv32_down")(x)  # 72 × 72
    x = keras.layers.MaxPooling2D(3, 2)(x)  # 35 × 35
    x = residual(x, "conv32_1")
    x = residual(x, "conv32_2")
    x = residual(x, "conv32_3")
    x = down(x, 64, "conv64_down")  # 17 × 17
    x = residual(x, "conv64_1")
    x = residual(x, "conv64_2")
    x = residual(x, "conv64_3")
    x = down(x, 128, "conv128_down")  # 8 × 8
    x = residual(x, "conv128_1")
    x = residual(x, "conv128_2")
    x = down(x, 256, "conv256_down")  # 4 × 4
    x = residual(x, "conv256_1")
    x = residual(x, "conv256_2")
    x = down(x, 256, "conv256_down_out")  # 2 × 2
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(128, use_bias=False, name="fc")(x)
    return keras.Model(images, outputs, name="face_descriptor")


def residual(x, name):
    """Residual block: two convolutions with an identity shortcut."""
    filters = x.shape[-1]
    branch = keras.layers.Conv2D(
        filters, 3, padding="same", activation="relu", name=f"{name}_conv1"
    )(x)
    branch = keras.layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv2")(branch)
    x = keras.layers.Add()([x, branch])
    return keras.layers.ReLU()(x)


def down(x, filters, name):
    """Residual block that halves height and width; its shortcut has no parameters."""
    branch = keras.layers.Conv2D(filters, 3, 2, activation="relu", name=f"{name}_conv1")(x)
    branch = keras.layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv2")(branch)
    x = keras.layers.AveragePooling2D(2)(x)
    # Zeros fill the new channels of the shortcut, and the bottom and right of the branch: with an
    # even side, the convolution without padding returns one pixel less than the pooling.
    lacking = x.shape[1] - branch.shape[1]
    x = keras.ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, filters - x.shape[-1])))
    branch = keras.layers.ZeroPadding2D(((0, lacking), (0, lacking)))(branch)
    x = keras.layers.Add()([x, branch])
    return keras.layers.ReLU()(x)

"""SqueezeNet 1.0 and 1.1: fire modules; many times fewer parameters than a VGG-like network.

Slides: 003 «SqueezeNet» (2016).
Paper:  Iandola et al. (2016), SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
        < 0.5 MB model size, https://arxiv.org/abs/1602.07360
Departs from the paper: for the 32×32 images of CIFAR-10 the first convolution is 3×3, convolutions
and pools keep the border, and the layers are narrower; data augmentation and optimizer are those of
all architectures here; weights are initialized as by He et al. (2015), those of the last layer near
0. The first ReLU comes after the pool, with the same outputs; in the paper it comes before.
`vgg_like` replaces each fire module by a 3×3 convolution with as many filters, and ends with the
three dense layers of VGG.

At full width, for 227×227 images and 1000 classes, version 1.0 is the network of the paper,
1,248,424 parameters, 49 times fewer than AlexNet. Version 1.1 is the authors' later one, 1,235,496
parameters: its first convolution is smaller and its pools come earlier.
"""

import keras
import tensorflow_datasets as tfds

from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
VARIANTS = {
    "squeezenet": {"network": "squeezenet", "width": 0.75},
    "vgg_like": {"network": "vgg_like", "width": 0.28},
}
# The first convolution, and the padding of pools, for small images.
SMALL = {"kernel_size": 3, "padding": "same"}
# Filters of the first convolution, its window, and the modules that a pool follows.
VERSIONS = {
    "1.0": (96, 7, ("fire4", "fire8")),
    "1.1": (64, 3, ("fire3", "fire5")),
}
# Filters of each fire module: 1×1 in the squeeze layer; 1×1, and 3×3, in the expand layer.
FIRE_MODULES = {
    "fire2": (16, 64),
    "fire3": (16, 64),
    "fire4": (32, 128),
    "fire5": (32, 128),
    "fire6": (48, 192),
    "fire7": (48, 192),
    "fire8": (64, 256),
    "fire9": (64, 256),
}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def conv(x, filters, size, name, strides=1, padding="same", activation="relu"):
    """A convolution, its number of filters rounded down, with ReLU."""
    return keras.layers.Conv2D(
        int(filters),
        size,
        strides=strides,
        padding=padding,
        activation=activation,
        kernel_initializer="he_normal",
        name=name,
    )(x)


def fire(x, squeeze, expand, name):
    """A fire module: a few 1×1 filters, then many 1×1 and 3×3 filters in parallel.

    Args:
        x: A tensor (batch, height, width, channels).
        squeeze: Number of input channels of the costly 3×3 filters.
        expand: Number of 1×1 filters, and of 3×3 filters.
        name: Of the module.

    Returns:
        A tensor (batch, height, width, 2 · expand).
    """
    x = conv(x, squeeze, 1, f"{name}_squeeze1x1")
    ones = conv(x, expand, 1, f"{name}_expand1x1")
    threes = conv(x, expand, 3, f"{name}_expand3x3")
    return keras.layers.Concatenate(name=name)([ones, threes])


def squeezenet(
    x,
    classes=1000,
    width=1.0,
    version="1.0",
    kernel_size=None,
    padding="valid",
):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        width: Factor for the number of channels of each layer.
        version: "1.0" or "1.1".
        kernel_size: Of the first convolution; by default the version's.
        padding: Of the first convolution and of the pools.
    """
    filters, published_size, pooled = VERSIONS[version]
    # Version 1.0: 111 × 111 × 96, after the pool 55 × 55.
    # ReLU comes after the pool, where it has a quarter of the values to work on.
    x = conv(x, filters * width, kernel_size or published_size, "conv1", 2, padding, None)
    x = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    x = keras.layers.ReLU()(x)
    # 55 × 55 × 128, 128, 256, pool, 27 × 27 × 256, 384, 384, 512, pool, 13 × 13 × 512.
    for name, (squeeze, expand) in FIRE_MODULES.items():
        x = fire(x, squeeze * width, expand * width, name)
        if name in pooled:
            x = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    # No dense layer: one map for each class, 13 × 13 × 1000, and its mean.
    x = keras.layers.Dropout(0.5)(x)
    small = keras.initializers.RandomNormal(stddev=0.01)
    x = keras.layers.Conv2D(classes, 1, activation="relu", kernel_initializer=small, name="conv10")(
        x
    )
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.layers.Softmax()(x)


def vgg_like(x, classes=1000, width=1.0, version="1.0", kernel_size=None, padding="valid"):
    """As `squeezenet`, with a 3×3 convolution in place of each fire module, and dense layers."""
    filters, published_size, pooled = VERSIONS[version]
    x = conv(x, filters * width, kernel_size or published_size, "conv1", 2, padding, None)
    x = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    x = keras.layers.ReLU()(x)
    for name, (_, expand) in FIRE_MODULES.items():
        x = conv(x, 2 * expand * width, 3, name)
        if name in pooled:
            x = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    x = keras.layers.Flatten()(x)
    for name in ("dense10", "dense11"):
        x = keras.layers.Dense(
            int(4096 * width), activation="relu", kernel_initializer="he_normal", name=name
        )(x)
        x = keras.layers.Dropout(0.5)(x)
    return keras.layers.Dense(classes, activation="softmax", name="dense12")(x)


def build_model(
    network="squeezenet",
    version="1.0",
    width=0.75,
    learning_rate=0.001,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 412,090 parameters.

    The VGG-like network of about the same cost has 2,564,143.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    networks = {"squeezenet": squeezenet, "vgg_like": vgg_like}
    model = keras.Model(images, networks[network](x, classes, width, version, **SMALL))
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "version": hp.Choice("version", ["1.0", "1.1"], default="1.0"),
        "width": hp.Choice("width", [0.5, 0.75, 1.0], default=0.75),
        "learning_rate": hp.Float(
            "learning_rate", 0.00025, 0.004, step=2, sampling="log", default=0.001
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels of 12,800 images."""
    return cifar10.logistic_regression(train, test)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"squeezenet_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"squeezenet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

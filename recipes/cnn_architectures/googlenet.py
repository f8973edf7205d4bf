"""GoogLeNet (Inception v1): nine inception modules, 22 layers; what 1×1 bottlenecks save.

Slides: 000 «GoogLeNet», 001 «Inception layers», 002 «GoogLeNet» (22 capas, 6.8M, 1.5B flops),
        003 lists no. 10 and 20, 003 «Inception V1–V4».
Paper:  Szegedy et al. (2015), Going Deeper with Convolutions, https://arxiv.org/abs/1409.4842
Departs from the paper: for the 32×32 images of CIFAR-10 the stem begins with a 3×3 convolution and
lacks its second pooling layer, and the layers are narrower; data augmentation and optimizer are
those of all architectures here; weights are initialized as by He et al. (2015). The two auxiliary
classifiers, which the paper needs to train the lower layers and then discards, are left out.
The first ReLU comes after the pool, with the same outputs; in the paper it comes before.

At full width, for 224×224 images and 1000 classes, it is the network of the paper without them:
6,998,552 parameters. (The paper's table adds up to about 6.8 million.) Of its 58 layers with
weights, 22 lie on the longest path, the count of paper and slides. Without the 1×1 bottlenecks it
would have 97,526,008 parameters, and 12.6 instead of 1.58 billion multiply–accumulates.
"""

import keras
import tensorflow_datasets as tfds

from layers.local_response_normalization import LocalResponseNormalization
from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
# Without bottlenecks the network costs so much more that it has to be three times as narrow.
VARIANTS = {
    "bottlenecks": {"bottlenecks": True, "width": 0.25},
    "naive": {"bottlenecks": False, "width": 0.08},
}
# The stem, for small images.
SMALL = {"kernel_size": 3, "second_pool": False}
# Filters of each module's branches: 1×1; 1×1 before 3×3, 3×3; 1×1 before 5×5, 5×5; 1×1 after pool.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def conv(x, filters, size, name, strides=1, activation="relu"):
    """A convolution, its number of filters rounded down, with ReLU."""
    return keras.layers.Conv2D(
        int(filters),
        size,
        strides=strides,
        padding="same",
        activation=activation,
        kernel_initializer="he_normal",
        name=name,
    )(x)


def inception(x, name, width=1.0, bottlenecks=True):
    """An inception module: windows of several sizes side by side, their outputs concatenated.

    Args:
        x: A tensor (batch, height, width, channels).
        name: Of the module, such as "3a".
        width: Factor for the number of filters.
        bottlenecks: Whether 1×1 convolutions make the input narrower before the large windows, and
            the output of the pool. Without them it is the paper's "naïve version": module 3a has
            387,296 parameters instead of 163,696, and passes on all channels of its input.

    Returns:
        A tensor (batch, height, width, sum of the branches' filters).
    """
    one, reduce_3, three, reduce_5, five, pool_projection = (
        filters * width for filters in MODULES[name]
    )
    # Branch 1: each pixel by itself.
    branch_1 = conv(x, one, 1, f"{name}_1x1")
    # Branch 2: windows of 3 × 3.
    branch_2 = conv(x, reduce_3, 1, f"{name}_3x3_reduce") if bottlenecks else x
    branch_2 = conv(branch_2, three, 3, f"{name}_3x3")
    # Branch 3: windows of 5 × 5.
    branch_3 = conv(x, reduce_5, 1, f"{name}_5x5_reduce") if bottlenecks else x
    branch_3 = conv(branch_3, five, 5, f"{name}_5x5")
    # Branch 4: the largest value of 3 × 3 pixels.
    branch_4 = keras.layers.MaxPooling2D(3, strides=1, padding="same")(x)
    if bottlenecks:
        branch_4 = conv(branch_4, pool_projection, 1, f"{name}_pool_proj")
    return keras.layers.Concatenate(name=name)([branch_1, branch_2, branch_3, branch_4])


def halve(x):
    """A pooling layer that halves height and width."""
    return keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)


def googlenet(x, classes=1000, width=1.0, bottlenecks=True, kernel_size=7, second_pool=True):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        width: Factor for the number of channels of each layer.
        bottlenecks: See `inception`.
        kernel_size: Of the first convolution.
        second_pool: Whether a pooling layer follows the third convolution.
    """
    # Convolution 1: 112 × 112 × 64, after the pool 56 × 56.
    # ReLU comes after the pool, where it has a quarter of the values to work on.
    x = conv(x, 64 * width, kernel_size, "conv1", strides=2, activation=None)
    x = halve(x)
    x = keras.layers.ReLU()(x)
    x = LocalResponseNormalization()(x)
    # Convolutions 2 and 3: 56 × 56 × 192, after the pool 28 × 28.
    x = conv(x, 64 * width, 1, "conv2_reduce")
    x = conv(x, 192 * width, 3, "conv2")
    x = LocalResponseNormalization()(x)
    if second_pool:
        x = halve(x)
    # Modules 3a and 3b: 28 × 28 × 256 and 480.
    # After a pool, 4a to 4e: 14 × 14 × 512, 512, 512, 528 and 832.
    # After a pool, 5a and 5b: 7 × 7 × 832 and 1024.
    for name in MODULES:
        if name in ("4a", "5a"):
            x = halve(x)
        x = inception(x, name, width, bottlenecks)
    # The mean of each channel: 1024.
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.4)(x)
    return keras.layers.Dense(classes, activation="softmax", name="classifier")(x)


def build_model(
    bottlenecks=True,
    width=0.25,
    learning_rate=0.001,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 377,126 parameters.

    The naïve network of about the same cost has 559,584.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    model = keras.Model(images, googlenet(x, classes, width, bottlenecks, **SMALL))
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "width": hp.Choice("width", [0.125, 0.25, 0.375, 0.5], default=0.25),
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
            f"googlenet_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"googlenet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

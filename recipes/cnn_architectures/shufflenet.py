"""ShuffleNet: 1×1 convolutions in groups, and channels shuffled so that the groups meet.

Slides: 003 «ShuffleNet (2017)», 003 «Xception, MobileNet, ShuffleNet».
Paper:  Zhang et al. (2018), ShuffleNet: an extremely efficient convolutional neural network for
        mobile devices, https://arxiv.org/abs/1707.01083
Departs from the paper: for the 32×32 images of CIFAR-10 the stem has no pooling, the stages are
shorter, and the layers narrower; data augmentation and optimizer are those of all architectures
here.

In MobileNet, 1×1 convolutions account for nearly all multiplications. With three groups of channels
they cost a third, but no information passes between groups. Therefore the channels are shuffled
among the groups between two such convolutions, which costs no multiplication. `unshuffled` omits
the shuffle.

At full width, with three groups, for 224×224 images and 1000 classes, it is the network of the
paper: 1,865,728 parameters and 137,460,672 multiply–accumulates (the paper's table 1: 137 M).
"""

import keras
import tensorflow_datasets as tfds

from layers.channel_shuffle import ChannelShuffle
from layers.grouped_convolution import GroupedConv2D
from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
VARIANTS = {"shuffled": {"shuffle": True}, "unshuffled": {"shuffle": False}}
WIDTHS = (240, 480, 960)  # channels of the three stages, with three groups
UNITS = (4, 8, 4)  # in each stage
# Of batch normalization's moving averages: lower than the default, since the training is short.
MOMENTUM = 0.9
# For small images: no pooling, and shorter stages.
SMALL = {"pool": False, "units": (1, 3, 2)}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def shuffle_unit(x, filters, inner, strides, groups, first_groups, shuffle):
    """The unit of the paper's figure 2: with a shortcut, or with a pool for a stride of 2.

    Args:
        x: Tensor (batch, height, width, channels).
        filters: Output channels of the branch.
        inner: Channels of its 3×3 convolution.
        strides: 1 or 2.
        groups: Of the shuffle and of the second pointwise convolution.
        first_groups: Of the first pointwise convolution.
        shuffle: Whether channels are shuffled.
    """
    branch = GroupedConv2D(inner, 1, first_groups, use_bias=False)(x)
    branch = keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=1e-5)(branch)
    branch = keras.layers.ReLU()(branch)
    if shuffle:
        branch = ChannelShuffle(groups)(branch)
    branch = keras.layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(
        branch
    )
    branch = keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=1e-5)(branch)
    branch = GroupedConv2D(filters, 1, groups, use_bias=False)(branch)
    branch = keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=1e-5)(branch)
    if strides == 2:
        x = keras.layers.AveragePooling2D(3, strides=2, padding="same")(x)
        x = keras.layers.Concatenate()([branch, x])
    else:
        x = keras.layers.Add()([branch, x])
    return keras.layers.ReLU()(x)


def shufflenet(
    x,
    classes=1000,
    width=1.0,
    groups=3,
    widths=WIDTHS,
    units=UNITS,
    bottleneck=True,
    shuffle=True,
    pool=True,
):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        width: Factor for the number of channels of each layer, the paper's s: a multiple of 1/4.
        groups: Of channels, in the pointwise convolutions.
        widths: Channels of stages 2 to 4; in the paper they depend on the number of groups.
        units: Number of units in each of these stages.
        bottleneck: Whether the 3×3 convolutions have a quarter of their unit's channels, and the
            first pointwise convolution, which has few inputs, has no groups.
        shuffle: Whether channels are shuffled.
        pool: Whether a pool follows the first convolution.
    """
    # Stage 1: 112 × 112 × 24, after the pool 56 × 56.
    x = keras.layers.Conv2D(int(24 * width), 3, strides=2, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=1e-5)(x)
    x = keras.layers.ReLU()(x)
    if pool:
        x = keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)
    # Stages 2 to 4: 28 × 28 × 240, 14 × 14 × 480, 7 × 7 × 960.
    first_groups = 1 if bottleneck else groups
    for channels, count in zip(widths, units, strict=True):
        channels = int(channels * width)
        # The first unit halves the map, and concatenates its input with its output.
        filters = channels - x.shape[-1]
        inner = channels // 4 if bottleneck else filters
        x = shuffle_unit(x, filters, inner, 2, groups, first_groups, shuffle)
        first_groups = groups
        inner = channels // 4 if bottleneck else channels
        for _ in range(count - 1):
            x = shuffle_unit(x, channels, inner, 1, groups, groups, shuffle)
    # The mean of each channel, and the classes.
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.layers.Dense(classes, activation="softmax")(x)


def build_model(
    shuffle=True,
    width=0.5,
    learning_rate=0.01,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 101,584 parameters.

    96,904 of them are trainable.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    model = keras.Model(images, shufflenet(x, classes, width, shuffle=shuffle, **SMALL))
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "width": hp.Choice("width", [0.25, 0.5, 0.75], default=0.5),
        "learning_rate": hp.Float(
            "learning_rate", 0.0025, 0.04, step=2, sampling="log", default=0.01
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
            f"shufflenet_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"shufflenet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

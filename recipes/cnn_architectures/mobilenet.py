"""MobileNet: depthwise separable convolutions, and a width that trades accuracy for cost.

Slides: 003 «MobileNet (2017)», 003 «Xception, MobileNet, ShuffleNet».
Paper:  Howard et al. (2017), MobileNets: efficient convolutional neural networks for mobile vision
        applications, https://arxiv.org/abs/1704.04861
Departs from the paper: ReLU is capped at 6, and there is a dropout of 0.001 before the last layer,
as in the authors' own code. For the 32×32 images of CIFAR-10 the second block does not halve the
map, four of the five equal blocks in the middle are left out, and the layers are narrower; data
augmentation and optimizer are those of all architectures here.

A 3×3 convolution filters and mixes channels at once. Here a depthwise convolution filters each
channel separately, and a pointwise (1×1) convolution mixes them, with 1/9 + 1/filters of the
multiplications. `wide` takes as long to train as the other architectures here; `narrow` has half as
many channels in each layer, and little more than a quarter of the multiplications.

At full width, for 224×224 images and 1000 classes, it is the network of the paper: 4,253,864
parameters (4,231,976 trainable) and 0.57 G multiply–accumulates. `load_imagenet_weights` loads the
weights of `keras.applications.MobileNet` into it.
"""

import keras
import tensorflow_datasets as tfds

from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
VARIANTS = {"wide": {"width": 0.25}, "narrow": {"width": 0.125}}
# Of batch normalization's moving averages: lower than the default, since the training is short.
MOMENTUM = 0.9
# For small images: the second block does not halve the map, and of five equal blocks one is left.
SMALL = {"second_strides": 1, "repeats": 1}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def separable_block(x, filters, strides):
    """A depthwise and a pointwise convolution, each with batch normalization and ReLU."""
    x = keras.layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
    x = keras.layers.ReLU(max_value=6)(x)
    x = keras.layers.Conv2D(filters, 1, use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
    return keras.layers.ReLU(max_value=6)(x)


def mobilenet(x, classes=1000, width=1.0, second_strides=2, repeats=5):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        width: Factor for the number of channels of each layer, the paper's α.
        second_strides: Of the second block.
        repeats: Number of equal blocks in the middle.
    """
    # 224 × 224 to 112 × 112 × 32.
    x = keras.layers.Conv2D(int(32 * width), 3, strides=2, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
    x = keras.layers.ReLU(max_value=6)(x)
    # 112 × 112 × 64.
    x = separable_block(x, int(64 * width), strides=1)
    # 56 × 56 × 128.
    x = separable_block(x, int(128 * width), strides=second_strides)
    x = separable_block(x, int(128 * width), strides=1)
    # 28 × 28 × 256.
    x = separable_block(x, int(256 * width), strides=2)
    x = separable_block(x, int(256 * width), strides=1)
    # 14 × 14 × 512.
    x = separable_block(x, int(512 * width), strides=2)
    for _ in range(repeats):
        x = separable_block(x, int(512 * width), strides=1)
    # 7 × 7 × 1024.
    x = separable_block(x, int(1024 * width), strides=2)
    x = separable_block(x, int(1024 * width), strides=1)
    # The mean of each channel, 1 × 1 × 1024.
    x = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = keras.layers.Dropout(0.001)(x)
    # A dense layer, written as a 1×1 convolution as in the published weights.
    x = keras.layers.Conv2D(classes, 1)(x)
    x = keras.layers.Flatten()(x)
    return keras.layers.Softmax()(x)


def build_model(
    width=0.25,
    learning_rate=0.01,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 146,874 parameters.

    143,450 of them are trainable.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    model = keras.Model(images, mobilenet(x, classes, width, **SMALL))
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "width": hp.Choice("width", [0.125, 0.25, 0.5], default=0.25),
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
            f"mobilenet_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"mobilenet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

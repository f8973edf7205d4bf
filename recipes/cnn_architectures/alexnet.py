"""AlexNet and ZFNet: five convolutional, three dense layers, dropout, local response normalization.

Slides: 000 «AlexNet», 001 «Alexnet (2012)», 002 «ALEXNET», 003 «AlexNet»,
        003 lists A no. 8 and B no. 18 (multi-GPU convolutional network).
Paper:  Krizhevsky et al. (2012), ImageNet Classification with Deep Convolutional Neural Networks,
        https://papers.nips.cc/paper/4824;
        Zeiler & Fergus (2014), Visualizing and Understanding Convolutional Networks,
        https://arxiv.org/abs/1311.2901
Departs from the papers: for the 32×32 images of CIFAR-10 the first convolution is 5×5 with a stride
of 2 instead of 11×11 with a stride of 4 (in ZFNet 3×3 with a stride of 1 instead of 7×7 with a
stride of 2), and the layers are narrower; data augmentation and optimizer are those of all
architectures here. Weights and biases are initialized as Keras does (Glorot, 0): AlexNet's weights
were drawn from N(0, 0.01²), and its biases were 1 in the second, fourth and fifth convolution and
in the hidden dense layers. AlexNet's last pool comes before ReLU instead of after it, with the same
outputs. AlexNet's two halves were trained on two GPUs: two groups of channels
that meet in the third convolution and in the dense layers.

At full width, for 227×227 images and 1000 classes, it is the network of the paper: 60,965,224
parameters, or 62,378,344 without groups. (The paper says 224×224, for which 11×11 kernels with a
stride of 4 do not fit exactly.)

The authors of ZFNet visualized AlexNet's filters, and made the kernels and strides of the first
layers smaller. Clarifai, the company of one of them, won the next challenge with networks of this
kind. ZFNet is here as the ONNX model zoo has it, with 512 filters in each of the last three
convolutions and dense layers of 4096 and 1024: 87,250,536 parameters for 224×224 images.
"""

import keras
import tensorflow_datasets as tfds

from layers.grouped_convolution import GroupedConv2D
from layers.local_response_normalization import LocalResponseNormalization
from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
VARIANTS = {
    "two_groups": {"groups": 2},
    "one_group": {"groups": 1},
    "zfnet": {"network": "zfnet", "width": 0.3125},
}
# The first convolution, for small images.
SMALL = {"kernel_size": 5, "strides": 2, "padding": "same"}
SMALL_ZFNET = {"kernel_size": 3, "strides": 1, "padding": "same"}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def alexnet(
    x,
    classes=1000,
    width=1.0,
    groups=2,
    kernel_size=11,
    strides=4,
    padding="valid",
    pool_padding="valid",
):
    """AlexNet, from images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        width: Factor for the number of channels and units of each layer.
        groups: Of channels, in the second, fourth and fifth convolution.
        kernel_size, strides, padding: Of the first convolution.
        pool_padding: Of the three pools.
    """
    # Convolution 1: 55 × 55 × 96, after the pool 27 × 27.
    x = keras.layers.Conv2D(
        int(96 * width), kernel_size, strides=strides, padding=padding, activation="relu"
    )(x)
    x = LocalResponseNormalization()(x)
    x = keras.layers.MaxPooling2D(3, strides=2, padding=pool_padding)(x)
    # Convolution 2: 27 × 27 × 256, after the pool 13 × 13.
    x = GroupedConv2D(int(256 * width), 5, groups, padding="same", activation="relu")(x)
    x = LocalResponseNormalization()(x)
    x = keras.layers.MaxPooling2D(3, strides=2, padding=pool_padding)(x)
    # Convolutions 3 to 5: 13 × 13 × 384, 384, 256, after the pool 6 × 6.
    x = keras.layers.Conv2D(int(384 * width), 3, padding="same", activation="relu")(x)
    x = GroupedConv2D(int(384 * width), 3, groups, padding="same", activation="relu")(x)
    x = GroupedConv2D(int(256 * width), 3, groups, padding="same")(x)
    # ReLU comes after the pool, where it has a quarter of the values to work on.
    x = keras.layers.MaxPooling2D(3, strides=2, padding=pool_padding)(x)
    x = keras.layers.ReLU()(x)
    # Dense layers 6 to 8.
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(int(4096 * width), activation="relu")(x)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.Dense(int(4096 * width), activation="relu")(x)
    x = keras.layers.Dropout(0.5)(x)
    return keras.layers.Dense(classes, activation="softmax")(x)


def zfnet(x, classes=1000, width=1.0, kernel_size=7, strides=2, padding="valid"):
    """ZFNet, from images to class probabilities; arguments as those of `alexnet`."""
    # Convolution 1: 109 × 109 × 96, after the pool 54 × 54.
    x = keras.layers.Conv2D(
        int(96 * width), kernel_size, strides=strides, padding=padding, activation="relu"
    )(x)
    x = LocalResponseNormalization()(x)
    x = keras.layers.MaxPooling2D(3, strides=2)(x)
    # Convolution 2: 25 × 25 × 256, after the pool 12 × 12.
    x = keras.layers.Conv2D(int(256 * width), 5, strides=2, activation="relu")(x)
    x = LocalResponseNormalization()(x)
    x = keras.layers.MaxPooling2D(3, strides=2)(x)
    # Convolutions 3 to 5: 12 × 12 × 512, after the pool 6 × 6.
    for _ in range(3):
        x = keras.layers.Conv2D(int(512 * width), 3, padding="same", activation="relu")(x)
    x = keras.layers.MaxPooling2D(2)(x)
    # Dense layers 6 to 8.
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(int(4096 * width), activation="relu")(x)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.Dense(int(1024 * width), activation="relu")(x)
    x = keras.layers.Dropout(0.5)(x)
    return keras.layers.Dense(classes, activation="softmax")(x)


def pool_padding(input_shape):
    """Padding of AlexNet's pools: without it, the last one needs images of at least 29 pixels."""
    return "valid" if min(input_shape[:2]) >= 29 else "same"


def build_functional(groups=2, width=0.375, classes=10, input_shape=(32, 32, 3)):
    """The small AlexNet as a chain of function calls, from images to probabilities."""
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    padding = pool_padding(input_shape)
    return keras.Model(images, alexnet(x, classes, width, groups, **SMALL, pool_padding=padding))


def build_sequential(groups=2, width=0.375, classes=10, input_shape=(32, 32, 3)):
    """The same network as a list of layers."""
    images = keras.Input(input_shape)
    padding = pool_padding(input_shape)
    return keras.Sequential(
        [
            keras.Input(input_shape),
            # The augmentation is a chain of function calls, so it becomes one layer of the list.
            keras.Model(images, cifar10.augmented(images)),
            # Convolution 1: 16 × 16, after the pool 7 × 7.
            keras.layers.Conv2D(int(96 * width), **SMALL, activation="relu"),
            LocalResponseNormalization(),
            keras.layers.MaxPooling2D(3, strides=2, padding=padding),
            # Convolution 2: 7 × 7, after the pool 3 × 3.
            GroupedConv2D(int(256 * width), 5, groups, padding="same", activation="relu"),
            LocalResponseNormalization(),
            keras.layers.MaxPooling2D(3, strides=2, padding=padding),
            # Convolutions 3 to 5: 3 × 3, after the pool 1 × 1.
            keras.layers.Conv2D(int(384 * width), 3, padding="same", activation="relu"),
            GroupedConv2D(int(384 * width), 3, groups, padding="same", activation="relu"),
            GroupedConv2D(int(256 * width), 3, groups, padding="same"),
            keras.layers.MaxPooling2D(3, strides=2, padding=padding),
            keras.layers.ReLU(),
            # Dense layers 6 to 8.
            keras.layers.Flatten(),
            keras.layers.Dense(int(4096 * width), activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(int(4096 * width), activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )


def build_zfnet(width=0.3125, classes=10, input_shape=(32, 32, 3)):
    """The small ZFNet.

    Raises:
        ValueError: if the input of its last pool would be smaller than 2 × 2.
    """
    if min(input_shape[:2]) < 27:
        raise ValueError(f"ZFNet takes images from 27 × 27 on. Received: input_shape={input_shape}")
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    return keras.Model(images, zfnet(x, classes, width, **SMALL_ZFNET))


def build_model(
    groups=2,
    width=0.375,
    network="alexnet",
    api="functional",
    learning_rate=0.001,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 2,851,546 parameters.

    ZFNet of about the same cost has 1,256,610.

    Args:
        groups: See `alexnet`; ZFNet has none.
        width: Factor for the number of channels and units of each layer.
        network: "alexnet" or "zfnet".
        api: "functional" or "sequential"; ZFNet has only the former.
        learning_rate: Peak of the schedule, see `cifar10.compile_classifier`.
        steps: Number of training steps.
        classes: Number of classes.
        input_shape: Of the images; ZFNet needs at least 27 × 27 pixels.

    Raises:
        ValueError: for a sequential ZFNet, and for images too small for it.
    """
    if network == "zfnet":
        if api != "functional":
            raise ValueError(f'ZFNet is built by the functional API only. Received: api="{api}"')
        model = build_zfnet(width, classes, input_shape)
    else:
        builders = {"functional": build_functional, "sequential": build_sequential}
        model = builders[api](groups, width, classes, input_shape)
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "width": hp.Choice("width", [0.25, 0.375, 0.5, 0.75], default=0.375),
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
            f"alexnet_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"alexnet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

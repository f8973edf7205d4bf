"""SENet: squeeze-and-excitation gates weight the channels of each residual block.

Slides: 003 «ILSVRC 2017» (the network that won; the slide gives its error, 2.25 %, not its name).
Paper:  Hu et al. (2018), Squeeze-and-Excitation Networks, https://arxiv.org/abs/1709.01507
Departs from the paper: for the 32×32 images of CIFAR-10 two basic blocks in each of three stages, a
first convolution of 3×3 with a stride of 2, and gates whose hidden layer has a quarter as many
units as channels instead of a sixteenth, which would be one unit; data augmentation and optimizer
are those of all architectures here.

With its defaults, for 224×224 images, `senet` is SE-ResNet-50: 28,088,024 trainable parameters, of
which 2,530,992 are in the gates (9.9 % of the 25,557,032 that ResNet-50 has). Without gates
(`ratio=None`) it is ResNet-50.
"""

import keras
import tensorflow_datasets as tfds

from layers.squeeze_excitation import SqueezeExcitation
from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
VARIANTS = {"with_gates": {"ratio": 4}, "without_gates": {"ratio": None}}
# Basic blocks in three stages, and one convolution with a stride of 2 before them.
SMALL = {"depths": (2, 2, 2), "bottleneck": False, "large_images": False}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def senet(
    x,
    classes=1000,
    depths=(3, 4, 6, 3),
    filters=64,
    bottleneck=True,
    ratio=16,
    large_images=True,
):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        depths: Number of blocks in each stage.
        filters: Number of channels in the first stage; each further one has twice as many.
        bottleneck: Whether a block is a bottleneck (1×1, 3×3, 1×1) or two 3×3 convolutions.
        ratio: Of the gates, see `SqueezeExcitation`; None for no gates.
        large_images: Whether the network starts with a 7×7 convolution and a pool, which reduce
            height and width to a quarter, instead of a 3×3 convolution, which halves them.
    """
    if large_images:
        # 224 × 224 × 3 to 112 × 112 × 64, after the pool 56 × 56.
        x = keras.layers.ZeroPadding2D(3)(x)
        x = keras.layers.ReLU()(conv_bn(x, filters, 7, strides=2, padding="valid"))
        x = keras.layers.ZeroPadding2D(1)(x)
        x = keras.layers.MaxPooling2D(3, strides=2)(x)
    else:
        x = keras.layers.ReLU()(conv_bn(x, filters, 3, strides=2))
    # Stages: 56 × 56 × 256, 28 × 28 × 512, 14 × 14 × 1024, 7 × 7 × 2048.
    for stage, depth in enumerate(depths):
        for number in range(depth):
            strides = 2 if stage > 0 and number == 0 else 1
            x = block(x, filters * 2**stage, strides, bottleneck, ratio)
    x = keras.layers.GlobalAveragePooling2D()(x)  # 2048
    return keras.layers.Dense(classes, activation="softmax")(x)


def block(x, filters, strides, bottleneck, ratio):
    """A residual block; gates weight the channels of its branch before the addition."""
    channels = 4 * filters if bottleneck else filters
    shortcut = x
    if strides > 1 or x.shape[-1] != channels:
        shortcut = conv_bn(x, channels, 1, strides)
    if bottleneck:
        x = keras.layers.ReLU()(conv_bn(x, filters, 1, strides))
        x = keras.layers.ReLU()(conv_bn(x, filters, 3))
        x = conv_bn(x, channels, 1)
    else:
        x = keras.layers.ReLU()(conv_bn(x, filters, 3, strides))
        x = conv_bn(x, channels, 3)
    if ratio:
        x = SqueezeExcitation(ratio)(x)
    x = keras.layers.Add()([shortcut, x])
    return keras.layers.ReLU()(x)


def conv_bn(x, filters, kernel_size, strides=1, padding="same"):
    """A convolution and batch normalization."""
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    return keras.layers.BatchNormalization(epsilon=1e-5)(x)


def build_model(
    ratio=4,
    filters=16,
    learning_rate=0.01,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 182,034 parameters.

    180,914 of them are trainable.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    x = senet(x, classes=classes, filters=filters, ratio=ratio, **SMALL)
    model = keras.Model(images, x)
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "ratio": hp.Choice("ratio", [2, 4, 8, 16], default=4),
        "filters": hp.Int("filters", 8, 32, step=4, default=16),
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
            f"senet_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"senet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

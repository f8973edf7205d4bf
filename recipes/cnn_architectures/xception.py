"""Xception: 36 convolutional layers, 34 of them depthwise separable, with residual connections.

Slides: 003 «Xception (2017)», 003 «Xception, MobileNet, ShuffleNet».
Paper:  Chollet (2017), Xception: deep learning with depthwise separable convolutions,
        https://arxiv.org/abs/1610.02357
Departs from the paper: for the 32×32 images of CIFAR-10 the middle flow has two blocks instead of
eight, the first two convolutions pad their input, and the layers are narrower; data augmentation
and optimizer are those of all architectures here. The dropout of 0.5 before the classifier, with
which the paper trains on ImageNet, is left out.

The windows of an Inception module see few channels at a time. In the extreme case each channel is
filtered separately, and a 1×1 convolution mixes them, so that spatial and cross-channel
correlations are treated separately. `full` has full convolutions instead, with about as many
parameters and therefore fewer channels.

At full width, for 299×299 images and 1000 classes, it is the network of the paper: 22,910,480
parameters (22,855,952 trainable). `load_imagenet_weights` loads the weights of
`keras.applications.Xception` into it.
"""

import keras
import tensorflow_datasets as tfds

from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
# Equal numbers of parameters, to within 0.4 %.
VARIANTS = {
    "separable": {"separable": True, "width": 0.18},
    "full": {"separable": False, "width": 0.065},
}
# Of batch normalization's moving averages: lower than the default, since the training is short.
MOMENTUM = 0.9
# For small images.
SMALL = {"padding": "same", "middle_blocks": 2}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def convolution(x, filters, separable):
    """A 3×3 convolution, separable or full, with batch normalization."""
    if separable:
        x = keras.layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
    else:
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return keras.layers.BatchNormalization(momentum=MOMENTUM)(x)


def projection(x, filters):
    """The shortcut of a block that halves the map: a 1×1 convolution with a stride of 2."""
    x = keras.layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(x)
    return keras.layers.BatchNormalization(momentum=MOMENTUM)(x)


def halving_block(x, filters, last_filters, separable, first=False):
    """ReLU and convolution twice, then a pool, with a projection shortcut.

    Args:
        x: Tensor (batch, height, width, channels).
        filters, last_filters: Of the two convolutions.
        separable: Whether they are separable.
        first: Whether the block is the first one, whose input has already passed a ReLU.
    """
    shortcut = projection(x, last_filters)
    if not first:
        x = keras.layers.ReLU()(x)
    x = convolution(x, filters, separable)
    x = keras.layers.ReLU()(x)
    x = convolution(x, last_filters, separable)
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)
    return keras.layers.Add()([x, shortcut])


def middle_block(x, filters, separable):
    """ReLU and convolution three times, with an identity shortcut."""
    shortcut = x
    for _ in range(3):
        x = keras.layers.ReLU()(x)
        x = convolution(x, filters, separable)
    return keras.layers.Add()([x, shortcut])


def xception(
    x,
    classes=1000,
    width=1.0,
    separable=True,
    padding="valid",
    middle_blocks=8,
):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        width: Factor for the number of channels of each layer.
        separable: Whether convolutions other than the first two are separable.
        padding: Of the first two convolutions.
        middle_blocks: Number of blocks of the middle flow.
    """
    # Entry flow: 299 × 299 to 149 × 149 × 32 and 147 × 147 × 64.
    for filters, strides in [(32, 2), (64, 1)]:
        filters = int(filters * width)
        x = keras.layers.Conv2D(filters, 3, strides=strides, padding=padding, use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
        x = keras.layers.ReLU()(x)
    # 74 × 74 × 128, 37 × 37 × 256, 19 × 19 × 728.
    x = halving_block(x, int(128 * width), int(128 * width), separable, first=True)
    x = halving_block(x, int(256 * width), int(256 * width), separable)
    x = halving_block(x, int(728 * width), int(728 * width), separable)
    # Middle flow: 19 × 19 × 728.
    for _ in range(middle_blocks):
        x = middle_block(x, int(728 * width), separable)
    # Exit flow: 10 × 10 × 1024, 1536, 2048.
    x = halving_block(x, int(728 * width), int(1024 * width), separable)
    for filters in (1536, 2048):
        x = convolution(x, int(filters * width), separable)
        x = keras.layers.ReLU()(x)
    # The mean of each channel, and the classes.
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.layers.Dense(classes, activation="softmax")(x)


def build_model(
    separable=True,
    width=0.18,
    learning_rate=0.01,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 385,759 parameters.

    380,669 of them are trainable.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    model = keras.Model(images, xception(x, classes, width, separable, **SMALL))
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "width": hp.Choice("width", [0.09, 0.18, 0.36], default=0.18),
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
            f"xception_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"xception_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

"""Inception-v2 (BN-Inception): GoogLeNet with batch normalization, 3×3 twice instead of 5×5.

Slides: 003 «Inception V1–V4».
Paper:  Ioffe & Szegedy (2015), Batch Normalization: Accelerating Deep Network Training by Reducing
        Internal Covariate Shift, https://arxiv.org/abs/1502.03167
Departs from the paper: for the 32×32 images of CIFAR-10 the stem begins with a 3×3 convolution and
lacks its second pooling layer, and the layers are narrower; data augmentation and optimizer are
those of all architectures here. The auxiliary classifiers, which exist in training only, are left
out. At any size, the first convolution is a full one instead of a separable one (with a depth
multiplier of 8), and modules 4c and 4d have 96 filters after the pool instead of the 128 of the
paper's table.

At full width, for 224×224 images and 1000 classes, it has 11,194,984 trainable parameters, and
19,904 statistics of batch normalization.
"""

import keras
import tensorflow_datasets as tfds

from recipes.common import cifar10

EPOCHS = 6  # of more work than the other networks', of which 8 take as long
CLASSES = cifar10.CLASSES
# The stem, for small images.
SMALL = {"kernel_size": 3, "second_pool": False}
# Filters per branch: 1×1 | 3×3 reduce, 3×3 | double 3×3 reduce, double 3×3 | pool projection.
# None: branch absent (stride-2 modules).
MODULES = {
    "3a": (64, 64, 64, 64, 96, 32),
    "3b": (64, 64, 96, 64, 96, 64),
    "3c": (None, 128, 160, 64, 96, None),
    "4a": (224, 64, 96, 96, 128, 128),
    "4b": (192, 96, 128, 96, 128, 128),
    "4c": (160, 128, 160, 128, 160, 96),
    "4d": (96, 128, 192, 160, 192, 96),
    "4e": (None, 128, 192, 192, 256, None),
    "5a": (352, 192, 320, 160, 224, 128),
    "5b": (352, 192, 320, 192, 224, 128),
}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def conv(x, filters, size, name, strides=1):
    """Convolution (filters rounded down), batch normalization in place of a bias, and ReLU."""
    x = keras.layers.Conv2D(
        int(filters), size, strides=strides, padding="same", use_bias=False, name=name
    )(x)
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    return keras.layers.ReLU()(x)


def inception(x, name, width=1.0):
    """An inception module: windows of several sizes side by side, their outputs concatenated.

    Modules 3c and 4e halve height and width, by strides of 2 and a pool without projection.

    Args:
        x: A tensor (batch, height, width, channels).
        name: Of the module, such as "3a".
        width: Factor for the number of filters.

    Returns:
        A tensor (batch, height, width, sum of the branches' filters).
    """
    one, reduce_3, three, reduce_double, double, pool_projection = MODULES[name]
    strides = 1 if one else 2
    branches = []
    # Windows of 1 × 1.
    if one:
        branches.append(conv(x, one * width, 1, f"{name}_1x1"))
    # Windows of 3 × 3.
    y = conv(x, reduce_3 * width, 1, f"{name}_3x3_reduce")
    branches.append(conv(y, three * width, 3, f"{name}_3x3", strides))
    # Windows of 5 × 5, in two steps.
    y = conv(x, reduce_double * width, 1, f"{name}_double3x3_reduce")
    y = conv(y, double * width, 3, f"{name}_double3x3a")
    branches.append(conv(y, double * width, 3, f"{name}_double3x3b", strides))
    # Mean pooling over 3 × 3 pixels; max pooling in modules that halve, and in the last.
    if one and name != "5b":
        y = keras.layers.AveragePooling2D(3, strides=1, padding="same")(x)
    else:
        y = keras.layers.MaxPooling2D(3, strides=strides, padding="same")(x)
    if pool_projection:
        y = conv(y, pool_projection * width, 1, f"{name}_pool_proj")
    branches.append(y)
    return keras.layers.Concatenate(name=name)(branches)


def inception_v2(x, classes=1000, width=1.0, kernel_size=7, second_pool=True):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        width: Factor for the number of channels of each layer.
        kernel_size: Of the first convolution.
        second_pool: Whether a pooling layer follows the third convolution.
    """
    # Stem: 112 × 112 × 64, after the pool 56 × 56.
    x = conv(x, 64 * width, kernel_size, "conv1", strides=2)
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)
    # 56 × 56 × 64 and 192, after the pool 28 × 28.
    x = conv(x, 64 * width, 1, "conv2_reduce")
    x = conv(x, 192 * width, 3, "conv2")
    if second_pool:
        x = keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)
    # 28 × 28 × 256, 320; 14 × 14 × 576, five times; 7 × 7 × 1024, three times.
    for name in MODULES:
        x = inception(x, name, width)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.layers.Dense(classes, activation="softmax", name="classifier")(x)


def build_model(
    width=0.1875,
    learning_rate=0.01,
    steps=EPOCHS * 372,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 366,226 parameters.

    362,494 of them are trainable.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    model = keras.Model(images, inception_v2(x, classes, width, **SMALL))
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "width": hp.Choice("width", [0.125, 0.1875, 0.25, 0.375], default=0.1875),
        "learning_rate": hp.Float(
            "learning_rate", 0.0025, 0.04, step=2, sampling="log", default=0.01
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels of 12,800 images."""
    return cifar10.logistic_regression(train, test)


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "inception_v2.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("inception_v2.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

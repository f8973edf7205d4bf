"""Inception-v3: factorized convolutions, 1×7 and 7×1 instead of 7×7.

Slides: 001 «Inception-v3 (2015)», 002 «Inception v3» 2015, 003 «Inception V1–V4».
Paper:  Szegedy et al. (2016), Rethinking the Inception Architecture for Computer Vision,
        https://arxiv.org/abs/1512.00567
Departs from the paper: the stem follows the network that the authors released; the paper's table
has other convolutions there. For the 32×32 images of CIFAR-10 convolutions and pools keep the
border, the stem has one pooling layer instead of two, there are fewer modules of each kind, and the
layers are narrower; data augmentation and optimizer are those of all architectures here, and labels
are not smoothed. The auxiliary classifier, which exists in training only, is left out.

At full width, for 299×299 images and 1000 classes, it has 23,851,784 parameters, of which
34,432 are statistics of batch normalization. `load_imagenet_weights(network, path)` of
`recipes.common.imagenet` gives it the trained weights of `keras.applications.InceptionV3`.
"""

import keras
import tensorflow_datasets as tfds

from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
# Padding, pooling layers in the stem and modules of each kind, for small images.
SMALL = {"padding": "same", "stem_pools": 1, "modules": (1, 2, 1)}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def conv(x, filters, size, strides=1, padding="same"):
    """A convolution (filters rounded down), batch normalization without a scale, and ReLU."""
    x = keras.layers.Conv2D(int(filters), size, strides=strides, padding=padding, use_bias=False)(x)
    x = keras.layers.BatchNormalization(scale=False)(x)
    return keras.layers.ReLU()(x)


def pooled(x, filters):
    """The mean of 3 × 3 pixels, then a 1×1 convolution."""
    x = keras.layers.AveragePooling2D(3, strides=1, padding="same")(x)
    return conv(x, filters, 1)


def module_a(x, pool_filters, width):
    """Large maps: two 3×3 convolutions instead of one of 5×5 in branch 3 (the paper's figure 5).

    Returns:
        A tensor (batch, height, width, 224 + pool_filters), times the factor `width`.
    """
    branch_1 = conv(x, 64 * width, 1)
    branch_2 = conv(x, 48 * width, 1)
    branch_2 = conv(branch_2, 64 * width, 5)
    branch_3 = conv(x, 64 * width, 1)
    branch_3 = conv(branch_3, 96 * width, 3)
    branch_3 = conv(branch_3, 96 * width, 3)
    branch_4 = pooled(x, pool_filters * width)
    return keras.layers.Concatenate()([branch_1, branch_2, branch_3, branch_4])


def module_b(x, filters, width):
    """Middle maps: 1×7 and 7×1 instead of 7×7, for 14/49 of the cost (figure 6).

    Args:
        x: A tensor (batch, height, width, channels).
        filters: Of the layers inside the branches.
        width: Factor for the number of filters.

    Returns:
        A tensor (batch, height, width, 768), times the factor `width`.
    """
    inner = filters * width
    outer = 192 * width
    branch_1 = conv(x, outer, 1)
    # One window of 7 × 7, in two steps.
    branch_2 = conv(x, inner, 1)
    branch_2 = conv(branch_2, inner, (1, 7))
    branch_2 = conv(branch_2, outer, (7, 1))
    # Two of these in sequence.
    branch_3 = conv(x, inner, 1)
    branch_3 = conv(branch_3, inner, (7, 1))
    branch_3 = conv(branch_3, inner, (1, 7))
    branch_3 = conv(branch_3, inner, (7, 1))
    branch_3 = conv(branch_3, outer, (1, 7))
    branch_4 = pooled(x, outer)
    return keras.layers.Concatenate()([branch_1, branch_2, branch_3, branch_4])


def module_c(x, width):
    """Small maps: 1×3 and 3×1 side by side, for a wide output (figure 7).

    Returns:
        A tensor (batch, height, width, 2048), times the factor `width`.
    """
    filters = 384 * width
    branch_1 = conv(x, 320 * width, 1)
    branch_2 = conv(x, filters, 1)
    across = conv(branch_2, filters, (1, 3))
    down = conv(branch_2, filters, (3, 1))
    branch_2 = keras.layers.Concatenate()([across, down])
    branch_3 = conv(x, 448 * width, 1)
    branch_3 = conv(branch_3, filters, 3)
    across = conv(branch_3, filters, (1, 3))
    down = conv(branch_3, filters, (3, 1))
    branch_3 = keras.layers.Concatenate()([across, down])
    branch_4 = pooled(x, 192 * width)
    return keras.layers.Concatenate()([branch_1, branch_2, branch_3, branch_4])


def reduction_a(x, width, padding):
    """Half the height and width: convolutions with a stride of 2 beside a pool (figure 10)."""
    branch_1 = conv(x, 384 * width, 3, 2, padding)
    branch_2 = conv(x, 64 * width, 1)
    branch_2 = conv(branch_2, 96 * width, 3)
    branch_2 = conv(branch_2, 96 * width, 3, 2, padding)
    branch_3 = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    return keras.layers.Concatenate()([branch_1, branch_2, branch_3])


def reduction_b(x, width, padding):
    """As `reduction_a`, with windows of 9 × 9 in one branch: 1×7, 7×1, 3×3."""
    filters = 192 * width
    branch_1 = conv(x, filters, 1)
    branch_1 = conv(branch_1, 320 * width, 3, 2, padding)
    branch_2 = conv(x, filters, 1)
    branch_2 = conv(branch_2, filters, (1, 7))
    branch_2 = conv(branch_2, filters, (7, 1))
    branch_2 = conv(branch_2, filters, 3, 2, padding)
    branch_3 = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    return keras.layers.Concatenate()([branch_1, branch_2, branch_3])


def inception_v3(x, classes=1000, width=1.0, padding="valid", stem_pools=2, modules=(3, 4, 2)):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        width: Factor for the number of channels of each layer.
        padding: In the stem, and where height and width are halved.
        stem_pools: Number of pooling layers in the stem, 1 or 2.
        modules: Number of modules of each kind, at most 3, 4 and 2.
    """
    # Stem: 149 × 149 × 32, 147 × 147 × 32, 147 × 147 × 64, after the pool 73 × 73.
    x = conv(x, 32 * width, 3, 2, padding)
    x = conv(x, 32 * width, 3, 1, padding)
    x = conv(x, 64 * width, 3)
    x = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    # 73 × 73 × 80, 71 × 71 × 192, after the pool 35 × 35.
    x = conv(x, 80 * width, 1, 1, padding)
    x = conv(x, 192 * width, 3, 1, padding)
    if stem_pools == 2:
        x = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    # Three modules: 35 × 35 × 256, 288, 288; then 17 × 17 × 768.
    for pool_filters in (32, 64, 64)[: modules[0]]:
        x = module_a(x, pool_filters, width)
    x = reduction_a(x, width, padding)
    # Four modules: 17 × 17 × 768; then 8 × 8 × 1280.
    for filters in (128, 160, 160, 192)[: modules[1]]:
        x = module_b(x, filters, width)
    x = reduction_b(x, width, padding)
    # Two modules: 8 × 8 × 2048; then the mean of each channel.
    for _ in range(modules[2]):
        x = module_c(x, width)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.layers.Dense(classes, activation="softmax")(x)


def build_model(
    width=0.1875,
    learning_rate=0.01,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 401,614 parameters.

    398,122 of them are trainable.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    model = keras.Model(images, inception_v3(x, classes, width, **SMALL))
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
        "inception_v3.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("inception_v3.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

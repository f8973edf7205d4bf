"""Inception-ResNet-v2: inception modules with scaled residual connections.

Slides: 003 «Inception V1–V4» (V4, 2016), 002 «Bibliografía» (Szegedy 2017).
Paper:  Szegedy et al. (2017), Inception-v4, Inception-ResNet and the Impact of Residual Connections
        on Learning, https://arxiv.org/abs/1602.07261
Departs from the paper: stem, widths and numbers of blocks follow the network that the authors
released, which differs from the paper. For the 32×32 images of CIFAR-10 convolutions and pools keep
the border, the stem has one pooling layer instead of two, there are fewer blocks, and the layers
are narrower; data augmentation and optimizer are those of all architectures here. The auxiliary
classifier, which exists in training only, is left out, and so is the dropout before the classifier
(figure 15: 0.8 of the values are kept).

At full width, for 299×299 images and 1000 classes, it has 55,873,736 parameters, of which
60,544 are statistics of batch normalization. `load_imagenet_weights(network, path)` of
`recipes.common.imagenet` gives it the trained weights of `keras.applications.InceptionResNetV2`.
"""

import keras
import tensorflow_datasets as tfds

from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
# Factors of the residuals in each kind of block.
SCALES = (0.17, 0.1, 0.2)
VARIANTS = {
    "scaled": {"scales": SCALES},
    "unscaled": {"scales": (1.0, 1.0, 1.0)},
}
# Padding, pooling layers in the stem and blocks of each kind, for small images.
SMALL = {"padding": "same", "stem_pools": 1, "blocks": (1, 3, 2)}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def conv(x, filters, size, strides=1, padding="same"):
    """A convolution (filters rounded down), batch normalization without a scale, and ReLU."""
    x = keras.layers.Conv2D(int(filters), size, strides=strides, padding=padding, use_bias=False)(x)
    x = keras.layers.BatchNormalization(scale=False)(x)
    return keras.layers.ReLU()(x)


def residual(x, branches, scale, activation="relu"):
    """Add the concatenated and scaled outputs of branches to a tensor.

    Args:
        x: A tensor (batch, height, width, channels).
        branches: Tensors (batch, height, width, any number of channels).
        scale: Factor of the residual. The paper found that networks with many filters die early in
            training without it, and that a lower learning rate does not help.
        activation: Of the sum.
    """
    correction = keras.layers.Concatenate()(branches)
    correction = keras.layers.Conv2D(x.shape[-1], 1)(correction)
    # A Rescaling layer would also add an offset to each value.
    x = keras.layers.Add()([x, scale * correction])
    return keras.layers.Activation(activation)(x)


def block_a(x, width, scale):
    """Large maps: windows of 1 × 1, 3 × 3 and 5 × 5 (the paper's figure 16)."""
    branch_1 = conv(x, 32 * width, 1)
    branch_2 = conv(x, 32 * width, 1)
    branch_2 = conv(branch_2, 32 * width, 3)
    branch_3 = conv(x, 32 * width, 1)
    branch_3 = conv(branch_3, 48 * width, 3)
    branch_3 = conv(branch_3, 64 * width, 3)
    return residual(x, [branch_1, branch_2, branch_3], scale)


def block_b(x, width, scale):
    """Middle maps: windows of 1 × 1, and of 7 × 7 in two steps (figure 17)."""
    branch_1 = conv(x, 192 * width, 1)
    branch_2 = conv(x, 128 * width, 1)
    branch_2 = conv(branch_2, 160 * width, (1, 7))
    branch_2 = conv(branch_2, 192 * width, (7, 1))
    return residual(x, [branch_1, branch_2], scale)


def block_c(x, width, scale, activation="relu"):
    """Small maps: windows of 1 × 1, and of 3 × 3 in two steps (figure 19)."""
    branch_1 = conv(x, 192 * width, 1)
    branch_2 = conv(x, 192 * width, 1)
    branch_2 = conv(branch_2, 224 * width, (1, 3))
    branch_2 = conv(branch_2, 256 * width, (3, 1))
    return residual(x, [branch_1, branch_2], scale, activation)


def inception(x, width):
    """The one inception module that is not residual: 35 × 35 × 320."""
    branch_1 = conv(x, 96 * width, 1)
    branch_2 = conv(x, 48 * width, 1)
    branch_2 = conv(branch_2, 64 * width, 5)
    branch_3 = conv(x, 64 * width, 1)
    branch_3 = conv(branch_3, 96 * width, 3)
    branch_3 = conv(branch_3, 96 * width, 3)
    branch_4 = keras.layers.AveragePooling2D(3, strides=1, padding="same")(x)
    branch_4 = conv(branch_4, 64 * width, 1)
    return keras.layers.Concatenate()([branch_1, branch_2, branch_3, branch_4])


def reduction_a(x, width, padding):
    """Half the height and width: convolutions with a stride of 2 beside a pool (figure 7)."""
    branch_1 = conv(x, 384 * width, 3, 2, padding)
    branch_2 = conv(x, 256 * width, 1)
    branch_2 = conv(branch_2, 256 * width, 3)
    branch_2 = conv(branch_2, 384 * width, 3, 2, padding)
    branch_3 = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    return keras.layers.Concatenate()([branch_1, branch_2, branch_3])


def reduction_b(x, width, padding):
    """As `reduction_a`, with three branches of convolutions (figure 18)."""
    branch_1 = conv(x, 256 * width, 1)
    branch_1 = conv(branch_1, 384 * width, 3, 2, padding)
    branch_2 = conv(x, 256 * width, 1)
    branch_2 = conv(branch_2, 288 * width, 3, 2, padding)
    branch_3 = conv(x, 256 * width, 1)
    branch_3 = conv(branch_3, 288 * width, 3)
    branch_3 = conv(branch_3, 320 * width, 3, 2, padding)
    branch_4 = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    return keras.layers.Concatenate()([branch_1, branch_2, branch_3, branch_4])


def inception_resnet_v2(
    x,
    classes=1000,
    width=1.0,
    scales=SCALES,
    padding="valid",
    stem_pools=2,
    blocks=(10, 20, 10),
):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        width: Factor for the number of channels of each layer.
        scales: Factor of the residuals in each kind of block.
        padding: In the stem, and where height and width are halved.
        stem_pools: Number of pooling layers in the stem, 1 or 2.
        blocks: Number of blocks of each kind, the last one at least 1.
    """
    # Stem: 149 × 149 × 32, 147 × 147 × 32, 147 × 147 × 64, after the pool 73 × 73.
    x = conv(x, 32 * width, 3, 2, padding)
    x = conv(x, 32 * width, 3, 1, padding)
    x = conv(x, 64 * width, 3)
    x = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    # 73 × 73 × 80, 71 × 71 × 192, after the pool 35 × 35; then 35 × 35 × 320.
    x = conv(x, 80 * width, 1, 1, padding)
    x = conv(x, 192 * width, 3, 1, padding)
    if stem_pools == 2:
        x = keras.layers.MaxPooling2D(3, strides=2, padding=padding)(x)
    x = inception(x, width)
    # Ten blocks: 35 × 35 × 320; then 17 × 17 × 1088.
    for _ in range(blocks[0]):
        x = block_a(x, width, scales[0])
    x = reduction_a(x, width, padding)
    # Twenty blocks: 17 × 17 × 1088; then 8 × 8 × 2080.
    for _ in range(blocks[1]):
        x = block_b(x, width, scales[1])
    x = reduction_b(x, width, padding)
    # Ten blocks: 8 × 8 × 2080, the last neither scaled nor with ReLU; then 8 × 8 × 1536.
    for _ in range(blocks[2] - 1):
        x = block_c(x, width, scales[2])
    x = block_c(x, width, 1.0, "linear")
    x = conv(x, 1536 * width, 1)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.layers.Dense(classes, activation="softmax")(x)


def build_model(
    width=0.125,
    scales=SCALES,
    learning_rate=0.01,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 283,720 parameters.

    281,276 of them are trainable.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    model = keras.Model(images, inception_resnet_v2(x, classes, width, scales, **SMALL))
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "width": hp.Choice("width", [0.0625, 0.125, 0.1875, 0.25], default=0.125),
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
            f"inception_resnet_v2_{name}.keras",
            monitor="val_accuracy",
            mode="max",
            save_best_only=True,
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"inception_resnet_v2_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

"""DenseNet: within a dense block, each layer sees the outputs of all layers before it.

Slides: 003 «DenseNet (2017)».
Paper:  Huang et al. (2017), Densely Connected Convolutional Networks,
        https://arxiv.org/abs/1608.06993
Departs from the paper: for the 32×32 images of CIFAR-10 the first convolution is 3×3 with a stride
of 2, and three dense blocks have 2, 4 and 8 layers that add 8 channels each; data augmentation and
optimizer are those of all architectures here.

With its defaults, for 224×224 images, `densenet` is DenseNet-121: 7,978,856 trainable parameters.
`keras.applications` counts 8,062,504, since it includes the moving means and variances of
normalization. Its weights can be loaded (`recipes.common.imagenet`).

Its layers have bottlenecks and its transitions halve the channels: it is the paper's DenseNet-BC.
In transitions the pool comes before the convolution, and before the first block it comes before
ReLU, with the same outputs; in the paper it is the other way around. DenseNet-121 thus has 2.60 G
multiply–accumulates instead of 2.83 G.

`build_model(depths=(16, 16, 16), growth_rate=12, strides=1)` is the paper's network of 100 layers
for CIFAR, with 0.8 million parameters: 769,162. The paper's form without both, with 40 layers and
1.0 million parameters, is not here.
"""

import keras
import tensorflow_datasets as tfds

from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
# One 3×3 convolution before the dense blocks.
SMALL = {"large_images": False}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def densenet(
    x,
    classes=1000,
    depths=(6, 12, 24, 16),
    growth_rate=32,
    reduction=0.5,
    large_images=True,
    strides=2,
):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        depths: Number of dense layers in each block.
        growth_rate: Number of channels that each dense layer adds.
        reduction: The share of the channels that a transition keeps.
        large_images: Whether the network starts with a 7×7 convolution and a pool, which reduce
            height and width to a quarter, instead of a 3×3 convolution.
        strides: Of that 3×3 convolution for small images; 1 in the paper.
    """
    if large_images:
        # 224 × 224 × 3 to 112 × 112 × 64, after the pool 56 × 56.
        x = keras.layers.ZeroPadding2D(3)(x)
        x = keras.layers.Conv2D(2 * growth_rate, 7, strides=2, use_bias=False)(x)
        x = keras.layers.BatchNormalization(epsilon=1e-5)(x)
        x = keras.layers.ZeroPadding2D(1)(x)
        x = keras.layers.MaxPooling2D(3, strides=2)(x)
        # ReLU comes after the pool, where it has a quarter of the values to work on.
        x = keras.layers.ReLU()(x)
    else:
        x = keras.layers.Conv2D(
            2 * growth_rate, 3, strides=strides, padding="same", use_bias=False
        )(x)
    for number, depth in enumerate(depths):
        if number > 0:
            x = transition(x, reduction)
        # Channels after each block: 256, 512, 1024, 1024.
        for _ in range(depth):
            x = dense_layer(x, growth_rate)
    x = bn_relu(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.layers.Dense(classes, activation="softmax")(x)


def dense_layer(x, growth_rate):
    """Append `growth_rate` channels, computed from all existing ones."""
    # The bottleneck: the 3×3 convolution always has 4 · growth_rate input channels.
    new = bn_relu(x)
    new = keras.layers.Conv2D(4 * growth_rate, 1, use_bias=False)(new)
    new = bn_relu(new)
    new = keras.layers.Conv2D(growth_rate, 3, padding="same", use_bias=False)(new)
    return keras.layers.Concatenate()([x, new])


def transition(x, reduction):
    """The transition between two blocks: half the height and width, fewer channels."""
    x = bn_relu(x)
    # Both are linear: in this order, the convolution has a quarter of the pixels to work on.
    x = keras.layers.AveragePooling2D(2)(x)
    return keras.layers.Conv2D(int(reduction * x.shape[-1]), 1, use_bias=False)(x)


def bn_relu(x):
    """Batch normalization and ReLU."""
    x = keras.layers.BatchNormalization(epsilon=1e-5)(x)
    return keras.layers.ReLU()(x)


def build_model(
    depths=(2, 4, 8),
    growth_rate=8,
    strides=2,
    learning_rate=0.01,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 58,154 parameters.

    55,786 of them are trainable.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    x = densenet(x, classes, depths, growth_rate, strides=strides, **SMALL)
    model = keras.Model(images, x)
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "growth_rate": hp.Int("growth_rate", 4, 24, step=4, default=8),
        "strides": hp.Choice("strides", [1, 2], default=2),
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
        "densenet.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("densenet.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

"""ResNet: residual blocks, whose shortcut (skip connection) adds the input to the output.

Slides: 000 «ResNets», 001 «Capas residuales», «Resnet (2015)», 002 «ResNet», 003 «ResNet»,
        001 zoo of networks (DRN, deep residual network).
Papers: He et al. (2015), Deep Residual Learning for Image Recognition,
        https://arxiv.org/abs/1512.03385
        He et al. (2016), Identity Mappings in Deep Residual Networks, which puts normalization and
        ReLU before each convolution (pre-activation), https://arxiv.org/abs/1603.05027
Departs from the papers: of ResNet-20, their network for CIFAR-10, the first convolution has a
stride of 2 and all layers have three quarters of the channels; data augmentation and optimizer are
those of all architectures here. `build_model(filters=16, strides=1, shortcut="padded")` is the
network of the paper: 20 layers, 269,722 parameters (the paper says 0.27 million).

With its defaults, for 224×224 images, `resnet` is ResNet-50: 25,557,032 trainable parameters.
`keras.applications` counts 25,636,712, because its convolutions have biases (26,560) and it
includes moving means and variances (53,120); with `use_bias=True` its weights can be loaded
(`recipes.common.imagenet`). With depths of (3, 8, 36, 3) it is ResNet-152: 60,192,808 trainable
parameters, 60,419,944 by Keras' count, and 11.3 G multiply–accumulates, as on the slide, whose 2.3
million parameters are a mistake. Where the shape changes, one slide draws a dense layer in the
shortcut: the projection, a 1×1 convolution. Another draws an identity matrix: the padded shortcut.
The first ReLU comes after the pool, with the same outputs; in the paper it comes before.
"""

import keras
import tensorflow_datasets as tfds

from layers.residual_block import ResidualBlock
from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
VARIANTS = {
    "padded": {"shortcut": "padded"},  # option A of the paper
    "projection": {"shortcut": None},  # option B: projections only where the shape changes
    "preactivation": {"shortcut": None, "preactivation": True},
}
# ResNet-20: basic blocks, three stages, and one convolution before them.
SMALL = {"depths": (3, 3, 3), "bottleneck": False, "large_images": False}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def resnet(
    x,
    classes=1000,
    depths=(3, 4, 6, 3),
    filters=64,
    bottleneck=True,
    shortcut=None,
    preactivation=False,
    use_bias=False,
    large_images=True,
    strides=1,
):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        depths: Number of blocks in each stage.
        filters: Number of channels in the first stage; each further one has twice as many.
        bottleneck, shortcut, preactivation, use_bias: As in `ResidualBlock`.
        large_images: Whether the network starts with a 7×7 convolution and a pool, which reduce
            height and width to a quarter, instead of a 3×3 convolution.
        strides: Of that 3×3 convolution for small images.
    """
    if large_images:
        # 224 × 224 × 3 to 112 × 112 × 64.
        x = keras.layers.ZeroPadding2D(3)(x)
        x = keras.layers.Conv2D(filters, 7, strides=2, use_bias=use_bias)(x)
    else:
        x = keras.layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=use_bias)(x)
    if not preactivation:
        x = keras.layers.BatchNormalization(epsilon=1e-5)(x)
    if large_images:
        # To 56 × 56 × 64.
        x = keras.layers.ZeroPadding2D(1)(x)
        x = keras.layers.MaxPooling2D(3, strides=2)(x)
    if not preactivation:
        # ReLU comes after the pool, where it has a quarter of the values to work on.
        x = keras.layers.ReLU()(x)
    # Stages: 56 × 56 × 256, 28 × 28 × 512, 14 × 14 × 1024, 7 × 7 × 2048.
    for stage, depth in enumerate(depths):
        for block in range(depth):
            x = ResidualBlock(
                filters * 2**stage,
                # The first block of a stage halves height and width, but not in the first stage.
                strides=2 if stage > 0 and block == 0 else 1,
                bottleneck=bottleneck,
                shortcut=shortcut,
                preactivation=preactivation,
                use_bias=use_bias,
            )(x)
    if preactivation:
        # Normalize the last sum.
        x = keras.layers.BatchNormalization(epsilon=1e-5)(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)  # 2048
    return keras.layers.Dense(classes, activation="softmax")(x)


def build_model(
    shortcut="padded",
    preactivation=False,
    filters=12,
    strides=2,
    learning_rate=0.01,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 153,214 parameters.

    152,182 of them are trainable.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    x = resnet(
        x,
        classes=classes,
        filters=filters,
        shortcut=shortcut,
        preactivation=preactivation,
        strides=strides,
        **SMALL,
    )
    model = keras.Model(images, x)
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Int("filters", 8, 32, step=4, default=12),
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
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"resnet_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"resnet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

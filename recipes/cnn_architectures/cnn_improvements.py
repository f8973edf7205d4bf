"""Improvements of convolutional networks one by one: LRN, BN, 1×1, inception, residual connections.

Slides: 001 «Conceptos avanzados» (LRN/BN, 1×1, inception, residual).
Paper:  Krizhevsky et al. (2012), https://papers.nips.cc/paper/4824 (local response normalization);
        Ioffe & Szegedy (2015), https://arxiv.org/abs/1502.03167 (batch normalization);
        Lin et al. (2014), https://arxiv.org/abs/1312.4400 (1×1 convolutions);
        Szegedy et al. (2015), https://arxiv.org/abs/1409.4842 (inception);
        He et al. (2016), https://arxiv.org/abs/1512.03385 (residual connections)
Departs from the papers: each improvement is added to one small network by itself; then batch
normalization, inception and residual connections together (`all`). There batch normalization
replaces local response normalization, and the only 1×1 convolutions are those of the inception
modules. All variants have about the same number of parameters and multiply–accumulates: an
improvement that saves some gets wider layers.

The network has six stages instead of LeNet's two convolutions. In the plain network a stage is a
3×3 convolution. As a bottleneck it is 1×1 – 3×3 – 1×1; as an inception module it has four parallel
branches; as a residual block its output is added to its input.
"""

import keras
import tensorflow_datasets as tfds

from layers.local_response_normalization import LocalResponseNormalization
from recipes.common import cifar10

EPOCHS = 5
DEPTH = 6  # stages
CLASSES = cifar10.CLASSES
PLAIN = {"stage": "plain", "normalization": "none", "residual": False, "filters": 36}
VARIANTS = {
    "plain": PLAIN,
    "local_response": {**PLAIN, "normalization": "local_response"},
    "batch": {**PLAIN, "normalization": "batch"},
    "bottleneck": {**PLAIN, "stage": "bottleneck", "filters": 60},
    "inception": {**PLAIN, "stage": "inception", "filters": 72},
    "residual": {**PLAIN, "residual": True},
    "all": {"stage": "inception", "normalization": "batch", "residual": True, "filters": 72},
}


def load_data(batch_size=64):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9.

    20,000 of CIFAR-10's images to train on.
    """
    splits = ["train[:40%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("cifar10", split=splits, as_supervised=True)
    return cifar10.batches(train, validation, test, batch_size)


def convolution(x, filters, size, normalization):
    """Convolution and ReLU, batch normalization before or local response normalization after."""
    x = keras.layers.Conv2D(filters, size, padding="same", kernel_initializer="he_normal")(x)
    if normalization == "batch":
        x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    if normalization == "local_response":
        x = LocalResponseNormalization()(x)
    return x


def plain(x, filters, normalization):
    """One 3×3 convolution."""
    return convolution(x, filters, 3, normalization)


def bottleneck(x, filters, normalization):
    """A 3×3 convolution between two 1×1, on half of the channels."""
    x = convolution(x, filters // 2, 1, normalization)
    x = convolution(x, filters // 2, 3, normalization)
    return convolution(x, filters, 1, normalization)


def inception(x, filters, normalization):
    """Four branches side by side: 1×1, 3×3, 5×5 and pooling, each a quarter of the channels."""
    quarter = filters // 4
    one = convolution(x, quarter, 1, normalization)
    # 1×1 convolutions before the large ones, as in GoogLeNet.
    three = convolution(x, quarter, 1, normalization)
    three = convolution(three, quarter, 3, normalization)
    five = convolution(x, quarter // 2, 1, normalization)
    five = convolution(five, quarter, 5, normalization)
    pooled = keras.layers.AveragePooling2D(3, strides=1, padding="same")(x)
    pooled = convolution(pooled, quarter, 1, normalization)
    return keras.layers.Concatenate()([one, three, five, pooled])


STAGES = {"plain": plain, "bottleneck": bottleneck, "inception": inception}


def build_model(
    stage="inception",
    normalization="batch",
    residual=True,
    filters=72,
    learning_rate=0.002,
    steps=EPOCHS * 313,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 76,240 parameters.

    75,052 of them are trainable.

    Args:
        stage: "plain", "bottleneck" or "inception".
        normalization: After each convolution: "none", "local_response" or "batch".
        residual: Whether each stage is added to its input.
        filters: Channels of all stages.
        learning_rate: The highest one.
        steps: Number of training steps.
        classes: Number of classes.
        input_shape: Height, width and channels of the images.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    # 32 × 32 to 16 × 16.
    x = keras.layers.Conv2D(filters, 4, strides=2, padding="same", activation="relu")(x)
    for index in range(DEPTH):
        if index in (2, 4):
            # 16 × 16 to 8 × 8 to 4 × 4.
            x = keras.layers.AveragePooling2D(2)(x)
        y = STAGES[stage](x, filters, normalization)
        x = keras.layers.Add()([x, y]) if residual else y
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    model = keras.Model(images, outputs)
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "stage": hp.Choice("stage", ["plain", "bottleneck", "inception"], default="inception"),
        "normalization": hp.Choice(
            "normalization", ["none", "local_response", "batch"], default="batch"
        ),
        "residual": hp.Boolean("residual", default=True),
        "filters": hp.Int("filters", 24, 96, step=12, default=72),
        "learning_rate": hp.Float(
            "learning_rate", 0.0005, 0.016, step=2, sampling="log", default=0.002
        ),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """Logistic regression on the pixels of 6,400 images."""
    return cifar10.logistic_regression(train, test, count=6_400)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"cnn_improvements_{name}.keras",
            monitor="val_accuracy",
            mode="max",
            save_best_only=True,
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"cnn_improvements_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 6,400 images:", baseline(train, test))


if __name__ == "__main__":
    main()

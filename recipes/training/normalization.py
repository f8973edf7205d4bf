"""Normalization of layers: none, local response, batch and layer normalization in a deep network.

Slides: 001 «Normalización» (LRN, BN), 001 «Tipos de capas auxiliares» (LayerNormalization,
        BatchNormalization), 001 «Conceptos avanzados».
Paper:  Ioffe & Szegedy (2015), Batch Normalization, https://arxiv.org/abs/1502.03167;
        Ba et al. (2016), Layer Normalization, https://arxiv.org/abs/1607.06450;
        Krizhevsky et al. (2012), section 3.3 (local response normalization),
        https://papers.nips.cc/paper/4824
Departs from the slide, which divides by the variance: the papers divide by the standard deviation,
√(variance + ε), and then scale by γ and shift by β, which are learned.

All variants are the same network of ten layers on images of clothing, with the same data, learning
rate and initial weights, whose standard deviation is too small for this depth. Batch normalization
uses the mean and variance of each channel over the batch, so an output depends on the other images
of the batch; at inference it uses running averages. Layer normalization uses the mean and variance
of each image over all its channels and pixels: it is the same in training and inference, for any
batch size. Local response normalization divides by the activity of neighboring channels only: it
makes strong values stand out, but does not correct the scale.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.local_response_normalization import LocalResponseNormalization
from recipes.common.arrays import to_numpy

EPOCHS = 6
DEPTH = 9  # convolutions
VARIANTS = {
    "none": {"normalization": "none"},
    "local_response": {"normalization": "local_response"},
    "batch": {"normalization": "batch"},
    "layer": {"normalization": "layer"},
}


def load_data(batch_size=64):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9.

    The training set is a fifth of Fashion-MNIST.
    """
    splits = ["train[:20%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("fashion_mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(12_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def normalize(x, normalization):
    """Feature maps (batch, height, width, channels), normalized in one of four ways."""
    if normalization == "local_response":
        return LocalResponseNormalization()(x)
    if normalization == "batch":
        return keras.layers.BatchNormalization(momentum=0.9)(x)
    if normalization == "layer":
        return keras.layers.LayerNormalization(axis=(1, 2, 3))(x)
    return x


def build_model(normalization="batch", deviation=0.02, learning_rate=0.003):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 49,978 parameters.

    49,530 of them are trainable. Without batch normalization it has 49,082, with layer
    normalization 89,850: a γ and a β for each pixel of each channel.

    Args:
        normalization: "none", "local_response", "batch" or "layer".
        deviation: Standard deviation of the initial weights of the convolutions.
        learning_rate: Learning rate of Adam.
    """
    images = keras.Input((28, 28, 1))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    for index in range(DEPTH):
        # The first convolution reduces 28 × 28 to 14 × 14, the fifth to 7 × 7.
        strides = 2 if index in (0, 4) else 1
        filters = 16 if index < 4 else 32
        initializer = keras.initializers.RandomNormal(stddev=deviation)
        x = keras.layers.Conv2D(
            filters, 3, strides=strides, padding="same", kernel_initializer=initializer
        )(x)
        x = normalize(x, normalization)
        x = keras.layers.ReLU(name=f"relu_{index + 1}")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(10, activation="softmax")(x)
    model = keras.Model(images, outputs)
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "normalization": hp.Choice(
            "normalization", ["none", "local_response", "batch", "layer"], default="batch"
        ),
        "deviation": hp.Choice("deviation", [0.01, 0.02, 0.05, 0.1], default=0.02),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01, 0.03], default=0.003),
        "batch_size": hp.Choice("batch_size", [16, 32, 64, 128], default=64),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        best = keras.callbacks.ModelCheckpoint(
            f"normalization_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"normalization_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()

"""Convolutional network on MNIST: [conv – relu – pool] three times and a softmax layer, 29,466 parameters.

Slides: 001 «Arquitecturas», 001 «MNIST», 001 «Pooling Layer», 002 «Capa de agrupamiento (pooling)».
Paper:  LeCun et al. (1998), Gradient-based learning applied to document recognition, https://doi.org/10.1109/5.726791
Departs from both: the first layer takes steps of two pixels instead of being pooled, blocks are averaged instead of
reduced to their maximum, and batch normalisation follows the convolutions: all three make it learn faster on a CPU.
The slide says that max pooling is better and faster than average pooling; that is not so in general: on CPUs the
gradient of max pooling is the slowest part of a training step.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from layers.random_affine import RandomAffine

EPOCHS = 5


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_sequential(filters=16, augment=1.0):
    """The network as a list of layers. `augment` scales how far training images are turned, stretched and moved."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            RandomAffine(
                rotation=10 * augment,
                scale=0.1 * augment,
                shear=0.1 * augment,
                translation=2 * augment,
            ),
            keras.layers.Conv2D(filters, 4, strides=2, padding="same", activation="relu"),
            keras.layers.Conv2D(2 * filters, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(4 * filters, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.AveragePooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def build_functional(filters=16, augment=1.0):
    """The same network as a chain of function calls, from input to output."""
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = RandomAffine(
        rotation=10 * augment, scale=0.1 * augment, shear=0.1 * augment, translation=2 * augment
    )(x)
    x = keras.layers.Conv2D(filters, 4, strides=2, padding="same", activation="relu")(x)
    for width in (2 * filters, 4 * filters):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.AveragePooling2D(2)(x)
    outputs = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(x))
    return keras.Model(inputs, outputs)


def build_model(api="sequential", filters=16, augment=1.0, learning_rate=0.02, steps=EPOCHS * 446):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 29,466 parameters.

    The learning rate climbs for the first quarter of the training `steps`, then falls to zero along a cosine.
    """
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(filters, augment)
    warmup = steps // 4
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def deployed(model):
    """The network for a picture of one digit, of any size, dark on light or light on dark.

    Beside the probabilities it says how `unlike` MNIST's digits the picture is, from 0 to 1.
    """
    picture = keras.Input((None, None, 1))
    digit = CenterDigit()(picture)
    answers = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(picture, answers)


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "augment": hp.Float("augment", 0.0, 2.0, step=0.5, default=1.0),
        "learning_rate": hp.Float(
            "learning_rate", 0.005, 0.08, step=2, sampling="log", default=0.02
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = (
        np.concatenate(parts) for parts in zip(*train.as_numpy_iterator(), strict=True)
    )
    classifier = LogisticRegression(solver="saga", tol=0.1).fit(
        images.reshape(-1, 784) / np.float32(255), labels
    )
    images, labels = (
        np.concatenate(parts) for parts in zip(*test.as_numpy_iterator(), strict=True)
    )
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def main():
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True))
    model.save("cnn_mnist.keras")
    deployed(model).save("cnn_mnist_deployed.keras")


if __name__ == "__main__":
    main()

"""Convolutional network on MNIST: [conv – relu – pool] × 3 and a softmax layer, 29,466 parameters.

Slides: 001 «Arquitecturas», 001 «MNIST», 001 «Pooling Layer», 002 «Capa de agrupamiento (pooling)».
Paper:  LeCun et al. (1998), Gradient-based learning applied to document recognition,
        https://doi.org/10.1109/5.726791
Departs from both: a stride of 2 in the first convolution replaces its pooling layer, the
other two are average pooling, and batch normalization follows the convolutions. The slide says that
max pooling is better and faster than average pooling; in general it is neither (see `pooling`).
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from layers.random_affine import RandomAffine
from recipes.common.arrays import to_numpy

EPOCHS = 5


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_sequential(filters=16, augment=1.0, classes=10, input_shape=(28, 28, 1)):
    """The network as a list of layers; `augment` is the strength of the data augmentation."""
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Rescaling(1 / 255),
            # Data augmentation, in training only.
            RandomAffine(
                rotation=10 * augment,
                scale=0.1 * augment,
                shear=0.1 * augment,
                translation=2 * augment,
            ),
            # 28 × 28 to 14 × 14: a stride of 2 instead of a pooling layer.
            keras.layers.Conv2D(filters, 4, strides=2, padding="same", activation="relu"),
            # 14 × 14 to 7 × 7.
            keras.layers.Conv2D(2 * filters, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.AveragePooling2D(2),
            # 7 × 7 to 3 × 3.
            keras.layers.Conv2D(4 * filters, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.AveragePooling2D(2),
            # Class probabilities.
            keras.layers.Flatten(),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )


def build_functional(filters=16, augment=1.0, classes=10, input_shape=(28, 28, 1)):
    """The same network as a chain of function calls, from input to output."""
    inputs = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 255)(inputs)
    # Data augmentation, in training only.
    x = RandomAffine(
        rotation=10 * augment,
        scale=0.1 * augment,
        shear=0.1 * augment,
        translation=2 * augment,
    )(x)
    # (batch, 28, 28, 1)
    x = keras.layers.Conv2D(filters, 4, strides=2, padding="same", activation="relu")(x)
    # (batch, 14, 14, filters)
    x = keras.layers.Conv2D(2 * filters, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.AveragePooling2D(2)(x)
    # (batch, 7, 7, 2 * filters)
    x = keras.layers.Conv2D(4 * filters, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.AveragePooling2D(2)(x)
    # (batch, 3, 3, 4 * filters)
    x = keras.layers.Flatten()(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def build_model(
    api="sequential",
    filters=16,
    augment=1.0,
    learning_rate=0.02,
    steps=EPOCHS * 446,
    classes=10,
    input_shape=(28, 28, 1),
):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 29,466 parameters.

    29,274 of them are trainable. Learning-rate schedule: linear warmup for the first quarter of the
    training `steps`, then cosine decay to zero.
    """
    builders = {"sequential": build_sequential, "functional": build_functional}
    model = builders[api](filters, augment, classes, input_shape)
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
    """The network for images of one digit, of any size, dark on light or light on dark.

    Besides class probabilities, it returns how `unlike` MNIST's digits the image is, from 0 to 1.
    """
    image = keras.Input((None, None, 1))
    digit = CenterDigit()(image)  # (batch, 28, 28, 1), white on black as in MNIST
    outputs = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(image, outputs)


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
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
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(pixels(images), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(pixels(images), labels)}


def pixels(images):
    """Pixels from 0 to 1, one row for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "cnn_mnist.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("cnn_mnist.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels:", baseline(train, test))
    deployed(model).save("cnn_mnist_deployed.keras")


if __name__ == "__main__":
    main()

"""Cat or dog: a small convolutional network with one sigmoid unit on the cats and dogs of CIFAR-10.

Slides: 001 «Capas de salida dependiendo de la tarea».
Data:   Krizhevsky (2009), https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf
Departs from the slides: a strided first layer, average pooling and batch normalization, which make
training faster on CPUs.

One unit outputs the probability of "dog"; the probability of "cat" is one minus that. The loss,
binary cross-entropy, is ln 2 = 0.693 for a network that always outputs 0.5, and about as large
before training.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 20
CLASSES = ["cat", "dog"]
CAT = 3  # among CIFAR-10's ten classes
DOG = 5


def is_cat_or_dog(image, label):
    return (label == CAT) | (label == DOG)


def with_binary_label(image, label):
    return image, tf.cast(label[None] == DOG, "float32")


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and labels.

    Labels are (1,) float32: 0 for cats, 1 for dogs.
    """
    splits = ["train[:90%]", "train[90%:]", "test"]
    cats_and_dogs = []
    for data in tfds.load("cifar10", split=splits, as_supervised=True):
        cats_and_dogs.append(data.filter(is_cat_or_dog).map(with_binary_label).cache())
    train, validation, test = cats_and_dogs
    train = train.shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500), test.batch(500)


def build_sequential(filters=32, dropout=0.4, input_shape=(32, 32, 3)):
    """The network as a list of layers."""
    return keras.Sequential(
        [
            keras.Input(input_shape, dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.RandomFlip("horizontal"),
            keras.layers.Conv2D(filters, 4, strides=2, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Conv2D(2 * filters, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(4 * filters, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.AveragePooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def build_functional(filters=32, dropout=0.4, input_shape=(32, 32, 3)):
    """The same network as a chain of function calls."""
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.RandomFlip("horizontal")(x)
    x = keras.layers.Conv2D(filters, 4, strides=2, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.Conv2D(2 * filters, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Conv2D(4 * filters, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(dropout)(x)
    outputs = keras.layers.Dense(1, activation="sigmoid")(x)
    return keras.Model(inputs, outputs)


def build_model(
    api="sequential",
    filters=32,
    dropout=0.4,
    learning_rate=0.01,
    steps=EPOCHS * 71,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to the probability of "dog". 96,641 parameters.

    96,193 of them are trainable. Learning-rate schedule: linear warmup for the first fifth of the
    training `steps`, then cosine decay to zero.
    """
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(filters, dropout, input_shape)
    warmup = steps // 5
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(keras.optimizers.Adam(schedule), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "filters": hp.Int("filters", 16, 64, step=16, default=32),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.4),
        "learning_rate": hp.Choice("learning_rate", [0.002, 0.005, 0.01, 0.02], default=0.01),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def oriented_gradients(images, bins=8, cell=4):
    """Histograms of oriented gradients (HOG): (n, 32, 32, 3) images to (n, 1568) features.

    The number of features depends on the image size.
    """
    # Magnitude of the gradient at each pixel, and its direction from 0 to π.
    down, right = np.gradient(images.mean(axis=-1), axis=(1, 2))  # (n, 32, 32)
    strength = np.hypot(down, right)
    direction = np.arctan2(down, right) % np.pi
    bin_of = (direction * bins / np.pi).astype(int) % bins

    # Histogram of directions, weighted by magnitude, in each cell of 4 × 4 pixels.
    in_bin = bin_of[..., None] == np.arange(bins)  # (n, 32, 32, bins)
    edges = strength[..., None] * in_bin
    rows = images.shape[1] // cell
    columns = images.shape[2] // cell
    edges = edges[:, : rows * cell, : columns * cell]
    edges = edges.reshape(len(images), rows, cell, columns, cell, bins)
    cells = edges.sum(axis=(2, 4))  # (n, 8, 8, bins)

    # Blocks of 2 × 2 cells, each normalized to norm 1.
    corners = [cells[:, :-1, :-1], cells[:, 1:, :-1], cells[:, :-1, 1:], cells[:, 1:, 1:]]
    blocks = np.concatenate(corners, axis=-1)  # (n, 7, 7, 4 · bins)
    blocks /= np.linalg.norm(blocks, axis=-1, keepdims=True) + 1  # 1: flat blocks stay at 0
    return blocks.reshape(len(images), -1)


def baseline(train, test):
    """Logistic regression on histograms of oriented gradients."""
    images, labels = to_numpy(train)
    model = LogisticRegression(C=0.1, max_iter=200)
    model.fit(oriented_gradients(images), labels.ravel())
    images, labels = to_numpy(test)
    return {"accuracy": model.score(oriented_gradients(images), labels.ravel())}


def deployed(model):
    """The network for photographs of any size: their central square, resized to 32 × 32 pixels."""
    shrink = keras.layers.Resizing(32, 32, crop_to_aspect_ratio=True, antialias=True)
    return keras.Sequential([keras.Input((None, None, 3)), shrink, model])


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    batches = sum(1 for _ in train)  # `len` is unknown after a filter
    model = build_model(steps=EPOCHS * batches)
    best = keras.callbacks.ModelCheckpoint(
        "head_binary_images.keras", monitor="val_accuracy", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("head_binary_images.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True))
    print("baseline:", baseline(train, test))
    deployed(model).save("head_binary_images_deployed.keras")


if __name__ == "__main__":
    main()

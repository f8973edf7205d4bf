"""Convolutional networks on CIFAR-10: [conv – conv – pool] × 3, and one made for two CPU cores.

Slides: 001 «Arquitecturas» (pattern 4), 001 «CIFAR-10/100»,
        001 zoo of networks (DCN, deep convolutional network).
Paper:  Simonyan & Zisserman (2015), https://arxiv.org/abs/1409.1556
        (pairs of 3×3 convolutions before each pool)
Departs from them: `slide` is the printed pattern, trained without data augmentation. `strided`, at
about the same cost, starts with a stride of 2, and has average instead of max pooling, batch
normalization after every convolution, and data augmentation. The slide's 97.28 % for CIFAR-10
belongs to networks a hundred times larger.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.random_affine import RandomAffine
from recipes.common.arrays import to_numpy

EPOCHS = 12
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
VARIANTS = {
    "strided": {"pattern": "strided", "filters": 64, "learning_rate": 0.01},
    "slide": {"pattern": "slide", "filters": 24, "learning_rate": 0.001},
}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("cifar10", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def conv_bn_relu(filters, size=3, strides=1):
    """Three layers: convolution, batch normalization and ReLU."""
    return [
        keras.layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
    ]


def build_strided(filters=64, classes=10, input_shape=(32, 32, 3)):
    """INPUT → CONV/2 → [CONV → CONV → POOL] × 2 → FC, with random flips and translations."""
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Rescaling(1 / 255),
            RandomAffine(
                translation=4,
                horizontal_flip=True,
                fill_mode="reflect",
                interpolation="nearest",
            ),
            # 32 × 32 to 16 × 16: a stride of 2 instead of a pooling layer.
            *conv_bn_relu(filters // 2, size=4, strides=2),
            # 16 × 16 to 8 × 8.
            *conv_bn_relu(filters),
            *conv_bn_relu(filters),
            keras.layers.AveragePooling2D(2),
            # 8 × 8 to 4 × 4.
            *conv_bn_relu(2 * filters),
            *conv_bn_relu(2 * filters),
            keras.layers.AveragePooling2D(2),
            # Class probabilities.
            keras.layers.Flatten(),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )


def build_slide(filters=24, classes=10, input_shape=(32, 32, 3)):
    """INPUT → [CONV → RELU → CONV → RELU → POOL] × 3 → [FC → RELU] × 2 → FC."""
    model = keras.Sequential()
    model.add(keras.Input(input_shape))
    model.add(keras.layers.Rescaling(1 / 255))
    for width in (filters, 2 * filters, 4 * filters):
        model.add(keras.layers.Conv2D(width, 3, padding="same", activation="relu"))
        model.add(keras.layers.Conv2D(width, 3, padding="same", activation="relu"))
        model.add(keras.layers.MaxPooling2D(2))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(128, activation="relu"))
    model.add(keras.layers.Dense(128, activation="relu"))
    model.add(keras.layers.Dense(classes, activation="softmax"))
    return model


def build_model(
    pattern="strided",
    filters=64,
    learning_rate=0.01,
    steps=EPOCHS * 372,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 300,170 parameters.

    299,338 of them are trainable. The variant `slide` has 376,226. Learning-rate schedule: linear
    warmup for the first quarter of the training `steps`, then cosine decay to zero.
    """
    builders = {"strided": build_strided, "slide": build_slide}
    model = builders[pattern](filters, classes, input_shape)
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


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Int("filters", 32, 128, step=16, default=64),
        "learning_rate": hp.Float(
            "learning_rate", 0.0025, 0.04, step=2, sampling="log", default=0.01
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels of 12,800 images."""
    images, labels = to_numpy(train.unbatch().take(12_800).batch(500))
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(pixels(images), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(pixels(images), labels)}


def pixels(images):
    """Pixels from 0 to 1, one row for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"cnn_cifar10_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"cnn_cifar10_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

"""Pooling: the maximum against the mean of each block, by hand and in a network on MNIST.

Slides: 001 «Pooling Layer», 002 «Capa de agrupamiento (pooling)», 003 «Capas POOLING»,
        001 «UpSampling2D», 001 «Conv2DTranspose».
Paper:  Scherer, Müller & Behnke (2010), Evaluation of pooling operations in convolutional
        architectures for object recognition, https://doi.org/10.1007/978-3-642-15825-4_10
Departs from the slide, which says that max pooling gives better results than average pooling and is
faster: neither holds in general. On validation images max pooling is better with a low learning
rate, average pooling with a high one: each variant has its own best learning rate. A training step
takes the same time with oneDNN's kernels; without them, max pooling is slower in TensorFlow.

The slides call UpSampling2D the inverse of pooling and Conv2DTranspose that of Conv2D: they restore
shapes, not values.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 3
VARIANTS = {
    "max": {"pooling": "max", "learning_rate": 0.005},
    "average": {"pooling": "average", "learning_rate": 0.02},
}
SAMPLE = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], "float32")


def pool(maps, size=2, stride=2, how=np.max):
    """Pooling by hand: maps (H, W, C) to (H', W', C), each channel separately, no padding.

    Args:
        maps: Array (H, W, C).
        size: Height and width of a block.
        stride: Pixels from one block to the next.
        how: `np.max` or `np.mean`.
    """
    windows = np.lib.stride_tricks.sliding_window_view(maps, (size, size), axis=(0, 1))
    blocks = windows[::stride, ::stride]  # (H', W', C, size, size)
    return how(blocks, axis=(-2, -1))


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_model(pooling="max", filters=16, learning_rate=0.005, steps=EPOCHS * 446):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 20,490 parameters.

    [Convolution – ReLU – pooling] twice and a softmax layer. The pooling layers have no
    parameters.
    """
    if pooling not in VARIANTS:
        raise ValueError(f"pooling must be one of {', '.join(VARIANTS)}. Received: {pooling}")
    if pooling == "max":
        pooling_layer = keras.layers.MaxPooling2D
    else:
        pooling_layer = keras.layers.AveragePooling2D
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(filters, 3, padding="same", activation="relu"),
            pooling_layer(2),
            keras.layers.Conv2D(2 * filters, 3, padding="same", activation="relu"),
            pooling_layer(2),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def deployed(model):
    """The network for a picture of one digit, of any size, dark on light or light on dark.

    Besides the probabilities, it returns how `unlike` MNIST's digits the picture is, 0 to 1.
    """
    picture = keras.Input((None, None, 1))
    digit = CenterDigit()(picture)
    answers = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(picture, answers)


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "pooling": hp.Choice("pooling", list(VARIANTS), default="max"),
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "learning_rate": hp.Float("learning_rate", 0.0005, 0.05, sampling="log", default=0.005),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def main():
    sample = SAMPLE[:, :, None]
    print("Maximum of each block of the sample:", pool(sample)[:, :, 0].tolist())
    print("Mean of each block of the sample:", pool(sample, how=np.mean)[:, :, 0].tolist())

    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"pooling_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"pooling_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        deployed(model).save(f"pooling_{name}_deployed.keras")
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

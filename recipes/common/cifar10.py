"""CIFAR-10 at equal cost: the protocol for comparing the architectures.

All networks see the same images with the same augmentation and learning-rate schedule. They differ
in architecture and width: each network is narrowed until its training takes about 5 CPU minutes,
in 8 epochs; in 10 of VGG, whose epochs take less, and in 6 of Inception-v2. Side by side the
trainings take from 4.6 to 6.2 minutes (`make bench-equal-cost`). The multiply–accumulates per image
range from 1.1 to 11 million, since some kinds of convolution take more time for each. Each recipe
documents its departures from the protocol, such as another optimizer.
"""

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression

from layers.random_affine import RandomAffine
from recipes.common.arrays import to_numpy

EPOCHS = 8
IMAGES = 47_500  # to train on
STEPS = EPOCHS * 372  # training steps, with batches of 128
SPLITS = ["train[:95%]", "train[95%:]", "test"]
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def batches(train, validation, test, batch_size):
    """Batches of the three splits; the training set is reshuffled in each epoch.

    Args:
        train, validation, test: `tf.data.Dataset` of (image, label).
        batch_size: Batch size of the training set; the others have batches of 500.

    Returns:
        Three `tf.data.Dataset` of batches.
    """
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def augmented(images):
    """Scales images to −1…1; in training, shifts each by up to 4 pixels and flips it at random.

    Args:
        images: A tensor (batch, height, width, 3) of values from 0 to 255.

    Returns:
        A tensor of the same shape.
    """
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    return RandomAffine(
        translation=4,
        horizontal_flip=True,
        fill_mode="reflect",
        interpolation="nearest",
    )(x)


def compile_classifier(model, learning_rate, steps):
    """Compile with Adam, linear warmup over a quarter of the steps, and cosine decay to zero.

    Args:
        model: A network that outputs class probabilities.
        learning_rate: The highest one, at the end of the warmup.
        steps: Number of training steps.
    """
    warmup = steps // 4
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )


def logistic_regression(train, test, count=12_800):
    """Test accuracy of logistic regression on the pixels of training images.

    Args:
        train, test: Batches of (images, labels).
        count: Number of training images; all, if there are fewer.

    Returns:
        `{"accuracy": …}`.
    """
    images, labels = to_numpy(train.unbatch().take(count).batch(500))
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(pixels(images), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(pixels(images), labels)}


def pixels(images):
    """One row of values from 0 to 1 for each image."""
    return images.reshape(len(images), -1) / np.float32(255)

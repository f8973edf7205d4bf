"""Fast training on CIFAR-10: what speed records do, on CPUs; whitening, alternating flips.

Slides: 001 «CIFAR-10/100».
Paper:  Jordan (2024), 94% on CIFAR-10 in 3.29 Seconds on a Single GPU,
        https://arxiv.org/abs/2404.00498
Departs from the paper: half as many filters, ReLU instead of GELU and smaller batches, for CPUs;
biases have the learning rate of the other weights, weights are not averaged over the last steps,
and there is no test-time augmentation (the paper evaluates six flipped and shifted views).

There is no new kind of layer here. The first convolution is not trained: its filters are the
principal components of patches of 2 × 2 pixels, divided by their standard deviations, so that the
network's inputs are whitened. Images are flipped alternately instead of at random: in two passes
over the data, each image is seen once unflipped and once flipped. Pooling precedes normalization
and activation, which then cost a quarter; convolutions are initialized as the identity; labels are
smoothed; and the learning rate of SGD with Nesterov momentum rises to a high value and falls.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from layers.random_affine import RandomAffine
from recipes.common import cifar10
from recipes.common.arrays import to_numpy

EPOCHS = 5  # each of two passes over the images
CLASSES = cifar10.CLASSES
PATCH = 2  # pixels along each side of a filter of the first convolution


def one_hot(image, label):
    """The image and its one-hot label, as label smoothing requires."""
    return image, tf.one_hot(label, 10)


def mirror_odd(number, example):
    """An image and its label; if its index is odd, the image is flipped."""
    image, label = example
    return tf.cond(number % 2 == 1, lambda: image[:, ::-1], lambda: image), label


def load_data(batch_size=512):
    """Train, validation and test batches of (32, 32, 3) uint8 images and one-hot labels (10,).

    An epoch contains every training image twice: unflipped and flipped.
    """
    train, validation, test = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    train = train.map(one_hot).cache()
    # The first pass flips the second, fourth, … image; the second pass flips the others.
    first = train.enumerate(start=0).map(mirror_odd).shuffle(10_000)
    second = train.enumerate(start=1).map(mirror_odd).shuffle(10_000)
    train = first.concatenate(second).batch(batch_size).prefetch(2)
    validation = validation.map(one_hot).batch(500).cache()
    return train, validation, test.map(one_hot).batch(500).cache()


def rescaled(images):
    """Pixels from 0 to 255, rescaled to the range −2 to 2."""
    return keras.layers.Rescaling(1 / 64, offset=-2)(images)


def whitening_filters(images, size=PATCH):
    """Filters whose outputs for patches of these images are uncorrelated with variance 1.

    Args:
        images: Array (count, height, width, channels) of pixels from 0 to 255.
        size: Pixels along each side of a patch.

    Returns:
        Array (size, size, channels, 2 · size² · channels): all principal components of the patches,
        divided by their standard deviations, the smallest first; then their negatives, because ReLU
        passes only one sign.
    """
    patches = keras.ops.image.extract_patches(rescaled(images), size, strides=1)
    patches = keras.ops.convert_to_numpy(patches)
    covariance = np.cov(patches.reshape(-1, patches.shape[-1]), rowvar=False)
    variances, components = np.linalg.eigh(covariance)  # components are columns
    # The constant limits the amplification of components with small variance.
    filters = components / np.sqrt(variances + 0.0005)
    filters = np.concatenate([filters, -filters], axis=1)
    return filters.reshape(size, size, images.shape[-1], -1)


@keras.saving.register_keras_serializable(package="cifar10_fast")
class IdentityConvolution(keras.initializers.Initializer):
    """The first filters of a 3 × 3 convolution copy one channel each; the others are random."""

    def __init__(self):
        self.random = keras.initializers.HeUniform()

    def __call__(self, shape, dtype=None):
        kernel = np.array(self.random(shape, dtype))  # (3, 3, channels, filters)
        handed_on = min(shape[2:])
        kernel[..., :handed_on] = 0
        for channel in range(handed_on):
            kernel[1, 1, channel, channel] = 1
        return keras.ops.convert_to_tensor(kernel)


def convolution(x, filters, pool=False):
    """3 × 3 convolution, optional pooling, then batch normalization and ReLU."""
    x = keras.layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer=IdentityConvolution()
    )(x)
    if pool:
        x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.BatchNormalization(momentum=0.6, scale=False)(x)
    return keras.layers.ReLU()(x)


def build_model(
    filters=32,
    smoothing=0.2,
    learning_rate=1.5,
    steps=EPOCHS * 186,
    train=None,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 498,656 parameters.

    497,216 of them are trainable. The filters of the first convolution are those of the images in
    `train`, or random if it is None. Learning-rate schedule: linear warmup for the first quarter of
    the training `steps`, then cosine decay to zero. `smoothing` is the share of each label that is
    spread over all classes.
    """
    images = keras.Input(input_shape)
    # Data augmentation, in training only.
    x = RandomAffine(translation=2, fill_mode="reflect", interpolation="nearest")(rescaled(images))
    # 32 × 32 to 31 × 31: whitening, which is not trained.
    components = PATCH * PATCH * input_shape[-1]
    whitening = keras.layers.Conv2D(2 * components, PATCH, use_bias=False, trainable=False)
    x = keras.layers.ReLU()(whitening(x))
    # 31 × 31 to 15 × 15, 7 × 7 and 3 × 3.
    for width in (filters, 4 * filters, 4 * filters):
        x = convolution(x, width, pool=True)
        x = convolution(x, width)
    # The maximum of each map; logits are divided by 9, so that softmax is nearly uniform at first.
    x = keras.layers.GlobalMaxPooling2D()(x)
    x = keras.layers.Dense(classes, use_bias=False)(x)
    x = keras.layers.Rescaling(1 / 9)(x)
    model = keras.Model(images, keras.layers.Softmax()(x))
    if train is not None:
        seen, _ = to_numpy(train.unbatch().take(5_120).batch(512))
        whitening.set_weights([whitening_filters(seen)])
    warmup = steps // 4
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.SGD(schedule, momentum=0.85, nesterov=True, weight_decay=0.001),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=smoothing),
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Int("filters", 16, 64, step=16, default=32),
        "smoothing": hp.Choice("smoothing", [0.0, 0.1, 0.2, 0.3], default=0.2),
        "learning_rate": hp.Float("learning_rate", 0.375, 6.0, step=2, sampling="log", default=1.5),
        "batch_size": hp.Choice("batch_size", [256, 512, 1024], default=512),
    }


def labeled(dataset):
    """The same batches with class numbers instead of one-hot labels."""
    return dataset.map(lambda images, labels: (images, tf.argmax(labels, axis=-1)))


def baseline(train, test):
    """Logistic regression on the pixels of 12,800 images."""
    return cifar10.logistic_regression(labeled(train), labeled(test))


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(train=train, steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "cifar10_fast.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("cifar10_fast.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()

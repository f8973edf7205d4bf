"""Unsupervised convolutional network: one stage of filters, rectification, normalization, pooling.

Slides: 003 «Unsupervised convolutional network» (list B no. 14).
Paper:  Jarrett, Kavukcuoglu, Ranzato & LeCun (2009), What is the best multi-stage architecture for
        object recognition?, https://doi.org/10.1109/ICCV.2009.5459469
Departs from the paper: a tenth of CIFAR-10's color images instead of Caltech-101; filters learned
without labels are clusters of whitened patches (k-means) instead of sparse codes.

How much does each step of a convolutional network contribute, with filters learned without labels?
`full` has k-means filters, hyperbolic tangent, absolute value (rectification), local contrast
normalization and mean pooling; only its linear classifier is trained with labels. Each other
variant omits a step, draws the filters at random, or trains them with labels, too.
"""

import math

import keras
import numpy as np
import tensorflow_datasets as tfds
from keras import ops
from sklearn.cluster import MiniBatchKMeans

from recipes.common import cifar10
from recipes.common.arrays import to_numpy

EPOCHS = 6
CLASSES = cifar10.CLASSES
VARIANTS = {
    "full": {},
    "no_rectification": {"rectify": False},
    "no_normalization": {"normalize": False},
    "random": {"filters": "random"},
    "random_no_rectification": {"filters": "random", "rectify": False},
    "supervised": {"filters": "supervised"},
}
FILTERS = 32
SIZE = 6  # pixels along each side of a filter
PATCHES = 20_000  # to learn the filters from


def load_data(batch_size=100):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9.

    5,000 images to train on, 2,500 to validate, 5,000 to test.
    """
    splits = ["train[:10%]", "train[95%:]", "test[:50%]"]
    splits = tfds.load("cifar10", split=splits, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


@keras.saving.register_keras_serializable(package="unsupervised_convnet")
class LocalContrastNormalization(keras.layers.Layer):
    """Subtracts the mean of a window over all channels, and divides by its standard deviation.

    v = x − Σ w x, y = v / max(σ, c), with σ² = Σ w v², where the sums run over the window and the
    channels, the weights w decrease from the center, and c is the image's mean σ. Computed in
    float32 whatever the precision.

    Args:
        size: Pixels along each side of the window, odd.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        As the input.

    Raises:
        ValueError: if `size` is even or below 1, or the input does not have four dimensions.
    """

    def __init__(self, size=7, **kwargs):
        super().__init__(**kwargs)
        if size < 1 or size % 2 == 0:
            raise ValueError(f"`size` must be odd and positive. Received: size={size}")
        self.size = size
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def gaussian_window(self, length):
        """Weights (length, length): row i has those of the pixels around pixel i, with sum 1."""
        pixels = ops.arange(length, dtype="float32")
        distance = pixels[:, None] - pixels
        weights = ops.exp(-ops.square(distance) / (2 * (self.size / 4) ** 2))
        weights = ops.where(ops.abs(distance) > self.size // 2, 0.0, weights)
        return weights / ops.sum(weights, axis=1, keepdims=True)

    def local_mean(self, x):
        """Weighted mean over window and channels, (batch, height, width, 1)."""
        _, height, width, _ = ops.shape(x)
        x = ops.mean(x, axis=-1)
        # The window is the product of a vertical and a horizontal Gaussian. On a CPU, two matrix
        # products are many times as fast as a convolution of one channel with the whole window.
        x = ops.matmul(self.gaussian_window(height), x)
        x = ops.matmul(x, ops.transpose(self.gaussian_window(width)))
        return x[..., None]

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        v = x - self.local_mean(x)
        deviation = ops.sqrt(self.local_mean(ops.square(v)) + 1e-6)
        floor = ops.mean(deviation, axis=(1, 2), keepdims=True)
        return ops.cast(v / ops.maximum(deviation, floor), inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "size": self.size}


def unit_norm(filters):
    """Filters (count, values), normalized to mean 0 and norm 1."""
    filters = filters - filters.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(filters, axis=1, keepdims=True)
    return filters / np.maximum(lengths, 1e-6)


def patch_clusters(train, rng):
    """Filters (6, 6, channels, 32) for clusters of image patches, learned without labels."""
    images, _ = to_numpy(train.unbatch().take(2_000).batch(500))
    images = ops.convert_to_numpy(LocalContrastNormalization(9)(images.astype("float32")))
    channels = images.shape[-1]
    # All patches, as a view (count, 27, 27, channels, 6, 6), and some of them at random.
    windows = np.lib.stride_tricks.sliding_window_view(images, (SIZE, SIZE), axis=(1, 2))
    which = rng.integers(0, windows.shape[:3], (PATCHES, 3))
    patches = windows[tuple(which.T)].transpose(0, 2, 3, 1)  # (count, 6, 6, channels)
    patches = patches.reshape(PATCHES, -1)
    # Cluster whitened patches, in which all directions have equal variance.
    variances, eigenvectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    whitening = (eigenvectors / np.sqrt(variances + 0.1)) @ eigenvectors.T
    whitened = unit_norm(patches @ whitening)
    seed = int(rng.integers(2**31))
    clusters = MiniBatchKMeans(FILTERS, batch_size=1000, n_init=1, random_state=seed).fit(whitened)
    filters = unit_norm(clusters.cluster_centers_ @ whitening)
    return filters.reshape(FILTERS, SIZE, SIZE, channels).transpose(1, 2, 3, 0)


def random_filters(channels, rng):
    """Filters (6, 6, channels, 32) of random numbers."""
    values = rng.normal(size=(FILTERS, SIZE * SIZE * channels))
    return unit_norm(values).reshape(FILTERS, SIZE, SIZE, channels).transpose(1, 2, 3, 0)


def build_model(
    filters="kmeans",
    rectify=True,
    normalize=True,
    learning_rate=0.003,
    steps=EPOCHS * 50,
    train=None,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 5,034 parameters.

    1,290 of them are trainable; 4,778 where the filters are, too.

    Args:
        filters: "kmeans" (from the images of `train`; without them random), "random", or
            "supervised": random at first, then trained together with the classifier.
        rectify: Whether the absolute value is taken.
        normalize: Whether local contrast is normalized.
        learning_rate, steps: Of the training.
        train: Batches of (images, labels).
        classes: Number of classes.
        input_shape: Height, width and channels of the images.
    """
    images = keras.Input(input_shape)
    x = LocalContrastNormalization(9)(images)
    convolution = keras.layers.Conv2D(
        FILTERS, SIZE, strides=2, activation="tanh", trainable=filters == "supervised"
    )
    x = convolution(x)  # (batch, 14, 14, 32)
    if rectify:
        x = ops.abs(x)
    if normalize:
        x = LocalContrastNormalization()(x)
    # The mean of each quarter of the image: (batch, 2, 2, 32).
    quarter = [math.ceil(side / 2) for side in x.shape[1:3]]
    x = keras.layers.AveragePooling2D(quarter, padding="same")(x)
    x = keras.layers.Flatten()(x)
    # Features of mean 0 and variance 1.
    x = keras.layers.BatchNormalization(momentum=0.9, center=False, scale=False)(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    model = keras.Model(images, outputs)
    # Random numbers that follow the seed of the run.
    rng = np.random.default_rng(int(keras.random.randint((), 0, 2**31 - 1)))
    kernel = random_filters(input_shape[-1], rng)
    if filters == "kmeans" and train is not None:
        kernel = patch_clusters(train, rng)
    convolution.set_weights([kernel, np.zeros(FILTERS)])
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Choice("filters", ["kmeans", "random", "supervised"], default="kmeans"),
        "rectify": hp.Boolean("rectify", default=True),
        "normalize": hp.Boolean("normalize", default=True),
        "learning_rate": hp.Float(
            "learning_rate", 0.00075, 0.012, step=2, sampling="log", default=0.003
        ),
    }


def baseline(train, test):
    """Logistic regression on the pixels of the same images."""
    return cifar10.logistic_regression(train, test)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train), train=train)
        best = keras.callbacks.ModelCheckpoint(
            f"unsupervised_convnet_{name}.keras",
            monitor="val_accuracy",
            mode="max",
            save_best_only=True,
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"unsupervised_convnet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()

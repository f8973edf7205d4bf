"""OMP-1 features: a dictionary of image patches learned without labels, and a linear classifier.

Slides: 003 «OMP-1 network» (list B, no. 16), 003 «COTS HPC unsupervised convolutional network»
        (no. 19).
Paper:  Coates & Ng (2011), The importance of encoding versus training with sparse coding and vector
        quantization, https://icml.cc/2011/papers/485_icmlpaper.pdf;
        Coates et al. (2013), Deep learning with COTS HPC systems,
        https://proceedings.mlr.press/v28/coates13.html
Departs from the papers: a fifth of CIFAR-10, every second patch in each direction, and softmax
regression in place of a support vector machine. The first paper goes up to 6,000 features, the
second to networks of 11 billion weights, on a cluster of off-the-shelf machines.

Each patch of 6 × 6 pixels is normalized to zero mean and unit contrast, and whitened. Orthogonal
matching pursuit with one coefficient represents it as a multiple of one atom of the dictionary; the
atoms are then updated to fit their patches best. For classification, the encoding differs: patches
are encoded as the positive and the negative parts of their products with all atoms, both
soft-thresholded. Codes are averaged over each quarter of the image. Only the linear classifier on
top is trained with labels.
"""

import math

import keras
import numpy as np
import tensorflow_datasets as tfds
from keras import ops

from recipes.common import cifar10
from recipes.common.arrays import to_numpy

EPOCHS = 5
CLASSES = cifar10.CLASSES
VARIANTS = {
    "features_25": {"features": 25},
    "features_50": {"features": 50},
    "features_100": {"features": 100},
    "features_200": {"features": 200},
}
SIZE = 6  # pixels along each side of a patch
PATCHES = 30_000  # to learn the dictionary from
ROUNDS = 10  # of assigning patches to atoms and updating the atoms


def load_data(batch_size=100):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9.

    10,000 images to train on, 2,500 to validate, and all 10,000 test images.
    """
    splits = ["train[:20%]", "train[95%:]", "test"]
    splits = tfds.load("cifar10", split=splits, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def normalized(patches):
    """Patches (…, values from 0 to 255), each normalized to mean 0 and about unit variance.

    Computed in float32 whatever the precision.
    """
    x = ops.cast(patches, "float32")
    centered = x - ops.mean(x, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
    return ops.cast(centered / ops.sqrt(variance + 10), patches.dtype)


def sample_patches(train, rng):
    """Patches (count, 108) from random positions in random training images."""
    images, _ = to_numpy(train)
    # All patches, as a view: (count, 27, 27, 3, 6, 6).
    windows = np.lib.stride_tricks.sliding_window_view(images, (SIZE, SIZE), axis=(1, 2))
    which = rng.integers(0, windows.shape[:3], (PATCHES, 3))
    patches = windows[tuple(which.T)].transpose(0, 2, 3, 1)  # (count, 6, 6, 3)
    return ops.convert_to_numpy(normalized(patches.reshape(PATCHES, -1).astype("float32")))


def whitening(patches):
    """The matrix (values, values) of zero-phase whitening (ZCA), which decorrelates the values.

    Patches remain recognizable, and directions of small variance are not amplified much.
    """
    covariance = np.cov(patches, rowvar=False)
    variances, eigenvectors = np.linalg.eigh(covariance)
    return (eigenvectors / np.sqrt(variances + 0.1)) @ eigenvectors.T


def omp1_dictionary(patches, atoms, rng):
    """Atoms of norm 1, as columns (values, atoms), learned from patches (count, values)."""
    dictionary = rng.normal(size=(patches.shape[1], atoms)).astype("float32")
    dictionary /= np.linalg.norm(dictionary, axis=0)
    for _ in range(ROUNDS):
        # One coefficient for each patch: the largest product with an atom, of either sign.
        products = patches @ dictionary  # (count, atoms)
        chosen = np.abs(products).argmax(axis=1)
        codes = np.zeros_like(products)
        rows = np.arange(len(patches))
        codes[rows, chosen] = products[rows, chosen]
        # Each atom becomes the weighted mean of its patches; unused ones are reset to a patch.
        dictionary = patches.T @ codes
        lengths = np.linalg.norm(dictionary, axis=0)
        unused = lengths < 1e-6
        dictionary[:, unused] = patches[rng.integers(0, len(patches), unused.sum())].T
        # If all images are alike, the patches are zero after subtracting their mean.
        dictionary /= np.maximum(np.linalg.norm(dictionary, axis=0), 1e-6)
    return dictionary


def learn_encoder(train, features):
    """Learn the encoder: whitening and atoms in one (108, features), and the mean patch (108,)."""
    # Random numbers that follow the seed of the run.
    rng = np.random.default_rng(int(keras.random.randint((), 0, 2**31 - 1)))
    patches = sample_patches(train, rng)
    mean = patches.mean(axis=0)
    matrix = whitening(patches).astype("float32")
    atoms = omp1_dictionary((patches - mean) @ matrix, features, rng)
    return [matrix @ atoms, mean]


@keras.saving.register_keras_serializable(package="omp1")
class PatchEncoder(keras.layers.Layer):
    """From images to codes: soft-thresholded products of each patch with each atom.

    Args:
        features: Number of atoms; each has two codes, one for either sign.
        threshold: Products below it become 0; at least 0.
        strides: Pixels from one patch to the next.

    Input shape:
        `(batch, height, width, channels)`, images of at least 6 × 6 pixels.

    Output shape:
        `(batch, rows, columns, 2 * features)`, of the patches that lie wholly inside the image.

    Raises:
        ValueError: if `features` or `strides` is below 1 or `threshold` is negative; on an input
            that does not have four dimensions, or images smaller than a patch.
    """

    def __init__(self, features, threshold=0.25, strides=2, trainable=False, **kwargs):
        super().__init__(trainable=trainable, **kwargs)
        if features < 1:
            raise ValueError(f"`features` must be positive. Received: features={features}")
        if threshold < 0:
            raise ValueError(f"`threshold` must not be negative. Received: threshold={threshold}")
        if strides < 1:
            raise ValueError(f"`strides` must be positive. Received: strides={strides}")
        self.features = features
        self.threshold = threshold
        self.strides = strides
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        for side in input_shape[1:3]:
            if side is not None and side < SIZE:
                raise ValueError(
                    f"Images must have at least {SIZE} × {SIZE} pixels. "
                    f"Received: input_shape={input_shape}"
                )
        values = SIZE * SIZE * input_shape[-1]
        # Whitening and dictionary in one.
        self.kernel = self.add_weight(name="kernel", shape=(values, self.features))
        self.mean = self.add_weight(name="mean", shape=(values,))
        self.built = True

    def call(self, images):
        # (batch, 14, 14, 108)
        patches = ops.image.extract_patches(images, SIZE, strides=self.strides, padding="valid")
        products = ops.matmul(normalized(patches) - self.mean, self.kernel)
        positive = ops.relu(products - self.threshold)
        negative = ops.relu(-products - self.threshold)
        return ops.concatenate([positive, negative], axis=-1)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        height = None if height is None else (height - SIZE) // self.strides + 1
        width = None if width is None else (width - SIZE) // self.strides + 1
        return (batch, height, width, 2 * self.features)

    def get_config(self):
        return {
            **super().get_config(),
            "features": self.features,
            "threshold": self.threshold,
            "strides": self.strides,
        }


def build_model(
    features=200,
    threshold=0.25,
    learning_rate=0.003,
    steps=EPOCHS * 100,
    train=None,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 40,918 parameters.

    16,010 of them are trainable: 10 weights for each of 8 · `features` codes, and 10 biases. The
    dictionary is learned here, from the images of `train`; without them it is random.
    """
    encoder = PatchEncoder(features, threshold)
    images = keras.Input(input_shape)
    x = encoder(images)  # (batch, 14, 14, 2 · features)
    # The mean of each quarter of the image.
    quarter = [math.ceil(side / 2) for side in x.shape[1:3]]
    x = keras.layers.AveragePooling2D(quarter, padding="same")(x)
    x = keras.layers.Flatten()(x)
    # Codes of mean 0 and variance 1.
    x = keras.layers.BatchNormalization(momentum=0.9, center=False, scale=False)(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    model = keras.Model(images, outputs)
    if train is not None:
        encoder.set_weights(learn_encoder(train, features))
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; their defaults are the recipe's."""
    return {
        "features": hp.Int("features", 50, 400, step=50, default=200),
        "threshold": hp.Choice("threshold", [0.0, 0.125, 0.25, 0.5, 1.0], default=0.25),
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
            f"omp1_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"omp1_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()

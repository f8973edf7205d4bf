"""Denoising autoencoder on MNIST: noisy images as inputs and clean ones as targets.

Slides: 001 zoo of networks (DAE, noisy input cells), 000 «Ruido».
Paper:  Vincent et al. (2008), https://doi.org/10.1145/1390156.1390294;
        Vincent et al. (2010), https://jmlr.org/papers/v11/vincent10a.html (three kinds of noise,
        and the filters learned from them)
Departs from them: ReLU, untied weights, Adam; the goal here is the clean image, not a first layer
for a classifier.

Three kinds of noise: added to each pixel (`gaussian`), pixels set to 0 (`masking`), pixels set to 0
or 1 (`salt_and_pepper`). The variant `without` is trained on clean images and tested on images with
Gaussian noise. Metric: `psnr`, the peak signal-to-noise ratio in decibels, −10 log₁₀ of an image's
mean squared error.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from recipes.common.arrays import to_numpy

EPOCHS = 8
OBJECTIVE = ("val_psnr", "max")
VARIANTS = {
    "without": {"noisy_training": False},
    "gaussian": {"noise": "gaussian"},
    "masking": {"noise": "masking"},
    "salt_and_pepper": {"noise": "salt_and_pepper"},
}


def add_noise(images, noise, level, seed):
    """Images with noise, which is the same for the same seed."""
    if noise == "gaussian":
        return images + level * tf.random.stateless_normal(tf.shape(images), seed)
    uniform = tf.random.stateless_uniform(tf.shape(images), seed)
    if noise == "masking":
        return tf.where(uniform < level, 0.0, images)
    salted = tf.where(uniform < level, 1.0, images)
    return tf.where(uniform < level / 2, 0.0, salted)


def load_data(batch_size=128, noise="gaussian", level=0.5, noisy_training=True):
    """Train, validation and test batches of noisy (28, 28, 1) images and clean ones, from 0 to 1.

    The training noise is sampled anew in each epoch; validation and test noise is always the same.
    """

    def clean_pair(images, labels):
        clean = tf.cast(images, "float32") / 255
        return clean, clean

    def noisy_pair(seed, examples):
        images, _ = examples
        clean = tf.cast(images, "float32") / 255
        return add_noise(clean, noise, level, seed), clean

    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size)
    seeds = tf.data.Dataset.random(rerandomize_each_iteration=True).batch(2)
    if noisy_training:
        train = tf.data.Dataset.zip(seeds, train).map(noisy_pair)
    else:
        train = train.map(clean_pair)

    # Seeds of batch i: (0, i) for validation, (1, i) for test.
    def noisy_validation(index, examples):
        return noisy_pair((0, index), examples)

    def noisy_test(index, examples):
        return noisy_pair((1, index), examples)

    validation = validation.batch(1000).enumerate().map(noisy_validation)
    test = test.batch(1000).enumerate().map(noisy_test)
    return train.prefetch(2), validation.prefetch(2), test.prefetch(2)


@keras.saving.register_keras_serializable(package="denoising_autoencoder")
def psnr(clean, images):
    """Peak signal-to-noise ratio in dB of images (batch, 28, 28, 1) from 0 to 1: (batch,)."""
    squares = keras.ops.square(clean - images)
    return -10 * keras.ops.log10(keras.ops.mean(squares, axis=(1, 2, 3)))


def build_model(units=500, activation="relu", learning_rate=0.003, steps=EPOCHS * 422):
    """The compiled network: 784 pixels to `units` and back. 785,284 parameters."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation=activation, name="filters"),
            keras.layers.Dense(784, activation="sigmoid", dtype="float32"),
            keras.layers.Reshape((28, 28, 1), dtype="float32"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), "binary_crossentropy", metrics=[psnr, "mse"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning, by default the recipe's own."""
    return {
        "units": hp.Int("units", 100, 1500, step=100, default=500),
        "activation": hp.Choice("activation", ["relu", "sigmoid", "gelu"], default="relu"),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01], default=0.003),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


class LinearFilter:
    """The affine map from noisy to clean images with the least squared error.

    Args:
        noisy, clean: images (n, height, width, 1) to fit it on.
    """

    def __init__(self, noisy, clean):
        x = noisy.reshape(len(noisy), -1)
        y = clean.reshape(len(clean), -1)
        self.noisy_mean = x.mean(0)
        self.clean_mean = y.mean(0)
        x = x - self.noisy_mean
        y = y - self.clean_mean
        # Without it, pixels that are always 0 would make the matrix singular.
        ridge = 1e-5 * len(x) * np.eye(x.shape[1])
        self.matrix = np.linalg.solve(x.T @ x + ridge, x.T @ y)

    def __call__(self, images):
        x = images.reshape(len(images), -1)
        return np.reshape((x - self.noisy_mean) @ self.matrix + self.clean_mean, images.shape)


def baseline(train, test):
    """The best linear filter."""
    restore = LinearFilter(*to_numpy(train))
    noisy, clean = to_numpy(test)
    restored = np.clip(restore(noisy), 0, 1)
    return {
        "psnr": float(np.mean(psnr(clean, restored))),
        "mse": np.mean((restored - clean) ** 2),
    }


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data(**arguments)
        model = build_model(steps=EPOCHS * len(train))
        path = f"denoising_autoencoder_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_psnr", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

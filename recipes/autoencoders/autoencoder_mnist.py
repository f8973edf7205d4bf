"""Autoencoders on MNIST: 784 pixels through 32 numbers or 2; the linear one is a PCA.

Slides: 001 «Auto-encoders», 001 «Deep Auto-encoders», 001 «Latent space», 001 «Usos» (principal
        components), 001 zoo of networks (AE).
Paper:  Baldi & Hornik (1989), https://doi.org/10.1016/0893-6080(89)90014-2 (linear autoencoders and
        principal components);
        Hinton & Salakhutdinov (2006), https://doi.org/10.1126/science.1127647 (deep ones)
Departs from Hinton & Salakhutdinov: a smaller network, squared error, and no layer-wise
pre-training, which ReLU networks trained with Adam do not need.

An autoencoder without hidden layers and activations can do no better than PCA, the projection onto
the subspace of the first principal components. It finds that subspace, but not the components
themselves: the axes of its latent space can be any basis of the subspace (tested). On MNIST, the
last of the first 32 components have hardly more variance than the next ones, so the training takes
long to separate them.
"""

import math

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from recipes.common.arrays import to_numpy

EPOCHS = 8
OBJECTIVE = ("val_mse", "min")
VARIANTS = {"linear": {"depth": 0}, "deep": {}, "map": {"latent_dim": 2}}


def image_pair(images, labels):
    """Pixels from 0 to 1, as input and as target."""
    pixels = tf.cast(images, "float32") / 255
    return pixels, pixels


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) images from 0 to 1, each its own target."""
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).map(image_pair).prefetch(2)
    validation = validation.batch(1000).map(image_pair).prefetch(2)
    test = test.batch(1000).map(image_pair).prefetch(2)
    return train, validation, test


def build_model(
    latent_dim=32,
    depth=2,
    width=256,
    learning_rate=0.003,
    steps=EPOCHS * 422,
    shape=(28, 28, 1),
):
    """The compiled network: images to `latent_dim` numbers and back.

    476,720 parameters; 50,992 without hidden layers. Encoder and decoder have `depth` hidden layers
    each: the outermost has `width` neurons, and each further one half as many.
    """
    widths = [width // 2**layer for layer in range(depth)]

    # From the image down to the code, and back through the same widths in reverse.
    encoder = keras.Sequential([keras.Input(shape), keras.layers.Flatten()], name="encoder")
    decoder = keras.Sequential([keras.Input((latent_dim,))], name="decoder")
    for units in widths:
        encoder.add(keras.layers.Dense(units, activation="relu"))
    for units in reversed(widths):
        decoder.add(keras.layers.Dense(units, activation="relu"))
    encoder.add(keras.layers.Dense(latent_dim))
    decoder.add(keras.layers.Dense(math.prod(shape), activation="sigmoid" if depth else "linear"))
    decoder.add(keras.layers.Reshape(shape))

    model = keras.Sequential([encoder, decoder])
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), "mse", metrics=["mse"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning, by default the recipe's own."""
    return {
        "depth": hp.Int("depth", 0, 4, default=2),
        "width": hp.Int("width", 128, 512, step=128, default=256),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01], default=0.003),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def principal_components(images):
    """Principal component analysis of images (n, height, width, 1).

    Returns:
        The mean image (pixels,); the directions (pixels, pixels), one column per component, by
        decreasing variance; and the variances (pixels,).
    """
    flat = images.reshape(len(images), -1)
    mean = flat.mean(0)
    # `eigh` sorts by increasing variance.
    covariance = (flat - mean).T @ (flat - mean) / len(flat)
    variances, directions = np.linalg.eigh(covariance)
    return mean, directions[:, ::-1], variances[::-1]


def project(images, mean, directions):
    """Images projected onto the affine subspace through `mean` that `directions` span."""
    flat = images.reshape(len(images), -1) - mean
    return (mean + flat @ directions @ directions.T).reshape(images.shape)


def baseline(train, test):
    """PCA with 32 components."""
    images, _ = to_numpy(train)
    mean, directions, _ = principal_components(images)
    images, _ = to_numpy(test)
    return {"mse": np.mean((project(images, mean, directions[:, :32]) - images) ** 2)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        path = f"autoencoder_mnist_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_mse", mode="min", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

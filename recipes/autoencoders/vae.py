"""Variational autoencoder on MNIST: codes with mean and variance, a latent space to sample from.

Slides: 001 «Variational Autoencoders», 001 «VAE», 001 «Latent space», 001 zoo of networks (VAE).
Paper:  Kingma & Welling (2014), Auto-encoding variational Bayes, https://arxiv.org/abs/1312.6114
Departs from the paper: gray values of pixels are used as probabilities, instead of being binarized
at random. The slides give no formula; the Kullback–Leibler divergence is −½ Σ (1 + log σ² − μ² −
σ²), 0 where μ = 0 and σ = 1 (tested against sampling).

The encoder maps an image to the distribution N(μ, σ²) of its code z, the decoder a code to an
image. The objective, and the metric, is the `elbo`, the evidence lower bound: log p(image | z) of
one sampled z, minus the divergence (`kl`) of N(μ, σ²) from N(0, 1), in nats per image. On average
it never exceeds log p(image). The first term alone would make σ vanish and scatter the codes; the
second pulls them together, so that the decoder is trained on codes from all over N(0, 1).
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from layers.sampling import Sampling
from recipes.common.arrays import to_numpy

EPOCHS = 20
OBJECTIVE = ("val_elbo", "max")
VARIANTS = {"latent_20": {"latent_dim": 20}, "latent_2": {"latent_dim": 2}}


def scale(images, labels):
    """Pixels from 0 to 1."""
    return tf.cast(images, "float32") / 255, labels


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) images from 0 to 1, and digits.

    The digits are not used for training, only in figures.
    """
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).map(scale).prefetch(2)
    validation = validation.batch(1000).map(scale).prefetch(2)
    test = test.batch(1000).map(scale).prefetch(2)
    return train, validation, test


def kl_divergence(mean, log_variance):
    """Kullback–Leibler divergence of N(μ, σ²) from N(0, 1), in nats, summed over the last axis.

    `KL = −½ Σ (1 + log σ² − μ² − σ²)`

    Args:
        mean: μ, (…, latent_dim).
        log_variance: log σ², of the same shape.

    Returns:
        (…); 0 where μ = 0 and log σ² = 0.
    """
    variance = keras.ops.exp(log_variance)
    return -0.5 * keras.ops.sum(1 + log_variance - mean**2 - variance, axis=-1)


@keras.saving.register_keras_serializable(package="vae")
class VariationalAutoencoder(keras.Model):
    """Images (batch, 28, 28, 1) to mean and log σ² of their codes, (batch, latent_dim) each.

    `decoder` maps codes to the logits of pixels.
    """

    def __init__(self, latent_dim=20, width=500, **kwargs):
        super().__init__(**kwargs)
        self.latent_dim = latent_dim
        self.width = width
        self.encoder = keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                keras.layers.Flatten(),
                keras.layers.Dense(width, activation="relu"),
                keras.layers.Dense(2 * latent_dim, dtype="float32"),
            ]
        )
        self.sampling = Sampling(dtype="float32")
        self.decoder = keras.Sequential(
            [
                keras.Input((latent_dim,)),
                keras.layers.Dense(width, activation="relu"),
                keras.layers.Dense(784, dtype="float32"),
                keras.layers.Reshape((28, 28, 1), dtype="float32"),
            ]
        )
        self.elbo_metric = keras.metrics.Mean(name="elbo")
        self.kl_metric = keras.metrics.Mean(name="kl")

    def build(self, input_shape):
        self.built = True

    def call(self, images):
        mean, log_variance = keras.ops.split(self.encoder(images), 2, axis=-1)
        return {"mean": mean, "log_variance": log_variance}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        mean, log_variance = y_pred["mean"], y_pred["log_variance"]
        # Sampled in evaluation, too: with z = μ the result would not be a lower bound.
        z = self.sampling([mean, log_variance], training=True)  # (batch, latent_dim)
        pixels = keras.ops.binary_crossentropy(x, self.decoder(z), from_logits=True)
        cross_entropy = keras.ops.sum(pixels, axis=(1, 2, 3))  # −log p(image | z), (batch,)
        kl = kl_divergence(mean, log_variance)  # (batch,)
        self.elbo_metric.update_state(-cross_entropy - kl)
        self.kl_metric.update_state(kl)
        return keras.ops.mean(cross_entropy + kl)

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim, "width": self.width}


def build_model(latent_dim=20, width=500, learning_rate=0.002, steps=EPOCHS * 422):
    """The compiled network. 815,824 parameters; 788,788 with a latent space of 2 dimensions."""
    model = VariationalAutoencoder(latent_dim, width)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule))
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning, by default the recipe's own."""
    return {
        "latent_dim": hp.Int("latent_dim", 2, 50, default=20),
        "width": hp.Int("width", 100, 1000, step=100, default=500),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.002),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Independent pixels, each with its mean."""
    images, _ = to_numpy(train)
    mean = np.clip(images.mean(0), 1e-3, 1 - 1e-3)
    images, _ = to_numpy(test)
    # The log-likelihood is linear in the pixels, so its mean is that of the mean image.
    pixels = images.mean(0)
    return {"elbo": np.sum(pixels * np.log(mean) + (1 - pixels) * np.log(1 - mean))}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"vae_{name}.keras", monitor="val_elbo", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        # Weights of the best epoch; a model loaded from the file would sample other random numbers.
        model.load_weights(f"vae_{name}.keras")
        print(name, model.evaluate(test, return_dict=True))
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

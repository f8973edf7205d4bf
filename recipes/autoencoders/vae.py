"""Variational autoencoder on MNIST: codes with a mean and a variance, so that every point between them means something.

Slides: 001 «Variational Autoencoders», 001 «VAE», 001 «Latent space», 001 zoo of networks (VAE).
Paper:  Kingma & Welling (2014), Auto-encoding variational Bayes, https://arxiv.org/abs/1312.6114
Departs from the paper: grey pixels are taken for probabilities as they are, instead of being made black or white at
random. The slides give no formula; the divergence is −½ Σ (1 + log σ² − μ² − σ²), nothing where μ = 0 and σ = 1 (tested
against sampling).

The encoder says for each image where its code z may lie, N(μ, σ²); the decoder what z looks like. Trained, tested and
chosen by is the `elbo`: log p(image | z) of one random z, less the divergence (`kl`) of N(μ, σ²) from N(0, 1), in nats
an image; on average never more than log p(image). The first term alone would make σ vanish and scatter the codes; the
second pulls them all together, so that no gap is left that means nothing.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from scipy.stats import norm
from sklearn.neighbors import KNeighborsClassifier

from layers.sampling import Sampling, kl_divergence

EPOCHS = 20
OBJECTIVE = ("val_elbo", "max")
VARIANTS = {"twenty": {"units": 20}, "two": {"units": 2}}


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) images from 0 to 1, and digits, which only the pictures use."""
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size)
    scaled = lambda images, labels: (tf.cast(images, "float32") / 255, labels)  # noqa: E731
    return [
        data.map(scaled).prefetch(2) for data in (train, validation.batch(1000), test.batch(1000))
    ]


@keras.saving.register_keras_serializable(package="vae")
class VariationalAutoencoder(keras.Model):
    """Images (28, 28, 1) to the means and log σ² of their codes; `decoder` makes codes the logits of pixels."""

    def __init__(self, units=20, width=500, **kwargs):
        super().__init__(**kwargs)
        self.units, self.width = units, width
        self.encoder = keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                keras.layers.Flatten(),
                keras.layers.Dense(width, activation="relu"),
                keras.layers.Dense(2 * units, dtype="float32"),
            ]
        )
        self.sampling = Sampling(dtype="float32")
        self.decoder = keras.Sequential(
            [
                keras.Input((units,)),
                keras.layers.Dense(width, activation="relu"),
                keras.layers.Dense(784, dtype="float32"),
                keras.layers.Reshape((28, 28, 1), dtype="float32"),
            ]
        )
        self.elbo, self.kl = keras.metrics.Mean(name="elbo"), keras.metrics.Mean(name="kl")

    def build(self, input_shape):
        self.built = True

    def call(self, images):
        mean, log_variance = keras.ops.split(self.encoder(images), 2, axis=-1)
        return {"mean": mean, "log_variance": log_variance}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        z = self.sampling(
            [y_pred["mean"], y_pred["log_variance"]], training=True
        )  # in tests, too: else no bound
        cross_entropy = keras.ops.binary_crossentropy(x, self.decoder(z), from_logits=True)
        cross_entropy = keras.ops.sum(cross_entropy, axis=(1, 2, 3))  # −log p(image | z)
        kl = kl_divergence(y_pred["mean"], y_pred["log_variance"])
        self.elbo.update_state(-cross_entropy - kl)
        self.kl.update_state(kl)
        return keras.ops.mean(cross_entropy + kl)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "width": self.width}


def build_model(units=20, width=500, learning_rate=0.002, steps=EPOCHS * 422):
    """The compiled network. 815,824 parameters; 788,788 with two units."""
    model = VariationalAutoencoder(units, width)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps))
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 2, 50, default=20),
        "width": hp.Int("width", 100, 1000, step=100, default=500),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.002),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Each pixel by itself, at its mean."""
    images, new = (
        np.concatenate([images for images, _ in data.as_numpy_iterator()]) for data in (train, test)
    )
    mean, new = np.clip(images.mean(0), 1e-3, 1 - 1e-3), new.mean(0)
    return {"elbo": np.sum(new * np.log(mean) + (1 - new) * np.log(1 - mean))}


def encoded(model, images):
    """Mean and log σ² of the codes of images, (images, units) each."""
    return np.split(model.encoder.predict(images, batch_size=1000, verbose=0), 2, axis=1)


def decoded(model, z):
    """The images (…, 28, 28) that codes (…, units) stand for."""
    logits = model.decoder.predict(z.reshape(-1, z.shape[-1]), batch_size=1000, verbose=0)
    return (1 / (1 + np.exp(-logits))).reshape(*z.shape[:-1], 28, 28)


def mosaic(images):
    """Images (rows, columns, height, width) as a single one."""
    rows, columns, height, width = images.shape
    return images.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)


def show(axis, images, title):
    axis.imshow(mosaic(images), cmap="gray_r", vmin=0, vmax=1)
    axis.set(title=title, xticks=[], yticks=[], frame_on=False)


def figures(models, test, histories):
    """Two units as a map of digits; from one digit to another; new digits; what each unit says."""
    images, labels = (np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True))
    images, rng = images[..., 0], np.random.default_rng(0)
    real = KNeighborsClassifier(10).fit(images.reshape(len(images), -1), labels)

    def digits(pictures):
        """Share of each digit among the ten test images nearest to each picture."""
        return real.predict_proba(pictures.reshape(len(pictures), -1))

    latent, axes = plt.subplots(1, 2, figsize=(12, 5.8), layout="constrained")
    code = encoded(models["two"], images[..., None])[0]
    dots = axes[0].scatter(*code.T, s=3, c=labels, cmap="tab10", vmin=-0.5, vmax=9.5)
    axes[0].set(
        title="Where the two units put the test digits", xlim=(-4, 4), ylim=(-4, 4), aspect="equal"
    )
    latent.colorbar(dots, ticks=range(10), label="digit", shrink=0.8)
    quantiles = norm.ppf(np.linspace(0.02, 0.98, 18))
    grid = np.stack(np.meshgrid(quantiles, quantiles[::-1]), axis=-1).astype("float32")
    show(axes[1], decoded(models["two"], grid), "What the decoder draws at each of their places")

    model = models["twenty"]
    mean, log_variance = encoded(model, images[..., None])
    start, end = rng.integers(0, len(images), (2, 300))
    different = labels[start] != labels[end]
    start, end = start[different], end[different]
    way = np.linspace(0, 1, 11, dtype="float32")[:, None]
    rows = []
    for a, b in zip(start[:5], end[:5], strict=True):
        rows.append(decoded(model, (1 - way) * mean[a] + way * mean[b]))
        rows.append((1 - way[..., None]) * images[a] + way[..., None] * images[b])
    codes, pixels = decoded(model, (mean[start] + mean[end]) / 2), (images[start] + images[end]) / 2
    codes, pixels = digits(codes).max(1).mean(), digits(pixels).max(1).mean()
    path, axis = plt.subplots(figsize=(8, 8.2), layout="constrained")
    show(
        axis,
        np.array(rows),
        "From digit to digit: through the codes, and below it through the pixels",
    )
    axis.set_xlabel(
        f"half-way, {codes:.0%} (pixels: {pixels:.0%}) of the ten nearest test digits are the same"
    )

    samples = decoded(model, rng.normal(size=(1000, model.units)).astype("float32"))
    nearest = digits(samples)
    share = nearest.mean(0)
    entropy = -np.sum(share * np.log(np.maximum(share, 1e-9)))
    new, axes = plt.subplots(1, 2, figsize=(12, 5.8), layout="constrained")
    show(
        axes[0],
        samples[:120].reshape(10, 12, 28, 28),
        "Codes drawn from N(0, 1) give digits that nobody wrote",
    )
    axes[0].set_xlabel(
        f"{nearest.max(1).mean():.0%} of the ten nearest test digits are the same;\n"
        f"entropy of the digits {entropy:.2f} of {np.log(10):.2f} nats"
    )
    back = np.stack(
        [images[:60].reshape(5, 12, 28, 28), decoded(model, mean[:60]).reshape(5, 12, 28, 28)],
        axis=1,
    )
    show(
        axes[1],
        back.reshape(10, 12, 28, 28),
        "Test digits, and below them what their codes give back",
    )

    said = np.sort(0.5 * np.mean(mean**2 + np.exp(log_variance) - log_variance - 1, axis=0))[::-1]
    units, axis = plt.subplots(layout="constrained")
    axis.bar(range(1, len(said) + 1), said)
    axis.set(xlabel="unit, by what it says", ylabel="nats an image", xticks=range(1, len(said) + 1))
    axis.set_title(
        f"{np.sum(said > 0.1)} of {len(said)} units say something, {said.sum():.1f} nats in all"
    )
    return {"latent_map": latent, "interpolation": path, "samples": new, "units": units}


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"vae_{name}.keras")


if __name__ == "__main__":
    main()

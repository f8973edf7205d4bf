"""Generative adversarial network on MNIST: the slide's generator, measured by its FID.

Slides: 000 «GANs», 001 «GAN», 001 «Ejemplo (API funcional)», 001 zoo of networks (GAN),
        002 «[Goodfellow et al. 2014]».
Paper:  Goodfellow et al. (2014), Generative adversarial nets, https://arxiv.org/abs/1406.2661
Departs from the paper: both networks are updated in the same step, and the generator has the
non-saturating loss −log D(G(z)).
The slide's `Input(shape=(100))` raises an error in Keras 3, where shapes are tuples; its argument
`alpha` of `LeakyReLU` is now called `negative_slope`; its variable `input` hides a built-in
function of Python; and it has neither discriminator nor training.

The losses of a GAN do not indicate the quality of its samples. An evaluation classifier does: a
small convolutional network, trained on the digits beforehand, which takes no part in the training
of the GAN. `frechet_distance` compares its 64 features of test digits with those of generated
digits, as the Fréchet inception distance (FID) does with features of Inception: 0 for equal
distributions, 1 if all generated digits had the mean features of the real ones.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from recipes.common.arrays import to_numpy
from recipes.common.gan_losses import discriminator_loss, frozen_call, generator_loss
from recipes.common.generative_metrics import (
    GenerativeMetrics,
    build_classifier,
    compare_samples,
    train_classifier,
)
from recipes.common.snapshots import SnapshotCallback

EPOCHS = 18
OBJECTIVE = ("val_frechet_distance", "min")
LATENT_DIM = 100
# Fixed noise for the snapshots.
NOISE = np.random.default_rng(0).normal(size=(12, LATENT_DIM)).astype("float32")


def scale(images, digits):
    """Pixels from −1 to 1, the range of tanh."""
    return tf.cast(images, "float32") / 127.5 - 1, digits


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) images from −1 to 1, and digits.

    Only the evaluation classifier uses the digits.
    """
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).map(scale).prefetch(2)
    validation = validation.batch(1000).map(scale).prefetch(2)
    test = test.batch(1000).map(scale).prefetch(2)
    return train, validation, test


def create_generator():
    """The slide's: noise (100,) to a (28, 28, 1) image from −1 to 1. 1,493,520 parameters."""
    noise = keras.Input((LATENT_DIM,))
    x = noise
    for units in (256, 512, 1024):
        x = keras.layers.Dense(units)(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
        x = keras.layers.BatchNormalization(momentum=0.8)(x)
    x = keras.layers.Dense(28 * 28, activation="tanh", dtype="float32")(x)
    image = keras.layers.Reshape((28, 28, 1), dtype="float32")(x)
    return keras.Model(noise, image, name="generator")


def create_discriminator(dropout=0.3):
    """An image (28, 28, 1) to the logit (1,) of its being real. 533,505 parameters."""
    image = keras.Input((28, 28, 1))
    x = keras.layers.Flatten()(image)
    for units in (512, 256):
        x = keras.layers.Dense(units)(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
        x = keras.layers.Dropout(dropout)(x)
    logit = keras.layers.Dense(1, dtype="float32")(x)
    return keras.Model(image, logit, name="discriminator")


@keras.saving.register_keras_serializable(package="gan_mnist")
class GAN(keras.Model):
    """Images (batch, 28, 28, 1) to logits of being real; `generate` samples the generator."""

    def __init__(self, dropout=0.3, **kwargs):
        super().__init__(**kwargs)
        self.dropout = dropout
        self.generator = create_generator()
        self.discriminator = create_discriminator(dropout)
        self.classifier = build_classifier(trainable=False)
        self.seeds = keras.random.SeedGenerator()
        self.d_loss_metric = keras.metrics.Mean(name="discriminator_loss")
        self.g_loss_metric = keras.metrics.Mean(name="generator_loss")
        self.sample_metrics = GenerativeMetrics(features=64, classes=10)

    def build(self, input_shape):
        self.built = True

    def call(self, images, training=False):
        return self.discriminator(images, training=training)

    def generate(self, count, training=False):
        noise = keras.random.normal((count, LATENT_DIM), seed=self.seeds)
        return self.generator(noise, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        generated = self.generate(keras.ops.shape(x)[0], training=True)
        # Each loss has gradients only for the weights of its own network, so their sum trains both.
        logits = self.discriminator(keras.ops.stop_gradient(generated), training=True)
        d_loss = discriminator_loss(y_pred, logits)
        g_loss = generator_loss(frozen_call(self.discriminator, generated))
        self.d_loss_metric.update_state(d_loss)
        self.g_loss_metric.update_state(g_loss)
        return d_loss + g_loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {
            "discriminator_loss": self.d_loss_metric.result(),
            "generator_loss": self.g_loss_metric.result(),
        }

    def test_step(self, data):
        images, _ = data
        real_features, _ = self.classifier(images)
        features, probabilities = self.classifier(self.generate(keras.ops.shape(images)[0]))
        self.sample_metrics.update_state(real_features, features, probabilities)
        return self.sample_metrics.result()

    def get_config(self):
        return {**super().get_config(), "dropout": self.dropout}


def build_model(dropout=0.3, learning_rate=0.0005, beta_1=0.5, steps=EPOCHS * 422, train=None):
    """The compiled pair with its evaluation classifier. 2,073,755 parameters.

    2,023,441 of them are trainable: the classifier, trained on `train` beforehand, is frozen.
    Without `train` it stays untrained, and the scores are meaningless.
    """
    model = GAN(dropout)
    if train is not None:
        classifier = train_classifier(build_classifier(), train)
        model.classifier.set_weights(classifier.get_weights())
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule, beta_1=beta_1))
    return model


def snapshot(model):
    """Images (12, 28, 28), generated from the fixed noise."""
    return np.asarray(model.generator(NOISE))[..., 0]


def callbacks():
    return [SnapshotCallback(snapshot, epochs=(0, 1, 2, 4, 8, 12))]


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning, by default the recipe's own."""
    return {
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.3),
        "learning_rate": hp.Choice("learning_rate", [0.0002, 0.0005, 0.001], default=0.0005),
        "beta_1": hp.Choice("beta_1", [0.0, 0.5, 0.9], default=0.5),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def sample_noise(count):
    """Images (count, 28, 28, 1) of uniform noise from −1 to 1."""
    return np.random.default_rng(0).uniform(-1, 1, (count, 28, 28, 1)).astype("float32")


def baseline(train, test):
    """Uniform noise."""
    images, _ = to_numpy(test)
    classifier = train_classifier(build_classifier(), train)
    return compare_samples(classifier, images, sample_noise(len(images)))


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train), train=train)
    best = keras.callbacks.ModelCheckpoint(
        "gan_mnist.keras", monitor="val_frechet_distance", mode="min", save_best_only=True
    )
    model.fit(
        train,
        validation_data=validation,
        epochs=EPOCHS,
        shuffle=False,
        callbacks=[best, *callbacks()],
    )
    # Weights of the best epoch; a model loaded from the file would sample other random numbers.
    model.load_weights("gan_mnist.keras")
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

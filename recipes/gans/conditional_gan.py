"""Conditional generative adversarial network on MNIST: generates the digit that is asked for.

Slides: 001 «Conditional GAN», 001 «Usos» (creación de ejemplos artificiales).
Paper:  Mirza & Osindero (2014), Conditional generative adversarial nets,
        https://arxiv.org/abs/1411.1784;
        Miyato & Koyama (2018), https://arxiv.org/abs/1802.05637 (projection discriminator);
        Odena et al. (2017), https://arxiv.org/abs/1610.09585 (auxiliary classifier)
Departs from the first: its discriminator takes the class as an input, and hardly uses it. Here the
discriminator has one logit for each class, and only the logit of the given class counts (as in the
second). It also classifies the digits, and this loss is part of the generator's (as in the third).

An evaluation classifier is a small convolutional network trained on the digits beforehand. It
measures the `conditional_accuracy`, the share of generated digits that it classifies as the
requested ones, and the Fréchet distance of generated and test digits (as in gan_mnist).
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
OBJECTIVE = ("val_conditional_accuracy", "max")
LATENT_DIM = 100
# Fixed noise for the snapshots.
NOISE = np.random.default_rng(0).normal(size=(10, LATENT_DIM)).astype("float32")


def scale(images, digits):
    """Pixels from −1 to 1, the range of tanh."""
    return tf.cast(images, "float32") / 127.5 - 1, digits


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) images from −1 to 1 and their digits."""
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).map(scale).prefetch(2)
    validation = validation.batch(1000).map(scale).prefetch(2)
    test = test.batch(1000).map(scale).prefetch(2)
    return train, validation, test


def create_generator():
    """Noise (100,) and a digit to a (28, 28, 1) image from −1 to 1. 1,496,080 parameters."""
    noise = keras.Input((LATENT_DIM,))
    digit = keras.Input((), dtype="int64")
    one_hot = keras.layers.CategoryEncoding(10, output_mode="one_hot")(digit)
    x = keras.layers.Concatenate()([noise, one_hot])
    for units in (256, 512, 1024):
        x = keras.layers.Dense(units)(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
        x = keras.layers.BatchNormalization(momentum=0.8)(x)
    x = keras.layers.Dense(28 * 28, activation="tanh", dtype="float32")(x)
    image = keras.layers.Reshape((28, 28, 1), dtype="float32")(x)
    return keras.Model([noise, digit], image, name="generator")


def create_discriminator(dropout=0.3):
    """An image to ten logits of being a real 0, a real 1 …, and ten of a classifier.

    538,388 parameters.
    """
    image = keras.Input((28, 28, 1))
    x = keras.layers.Flatten()(image)
    for units in (512, 256):
        x = keras.layers.Dense(units)(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
        x = keras.layers.Dropout(dropout)(x)
    real_logits = keras.layers.Dense(10, dtype="float32")(x)
    class_logits = keras.layers.Dense(10, dtype="float32")(x)
    return keras.Model(image, [real_logits, class_logits], name="discriminator")


def select_logit(logits, digits):
    """Select the logits of the given digits, (batch, 1), from logits (batch, 10)."""
    return keras.ops.take_along_axis(logits, keras.ops.expand_dims(digits, 1), axis=1)


def classification_loss(digits, logits):
    """Cross-entropy, the mean over a batch."""
    losses = keras.losses.sparse_categorical_crossentropy(digits, logits, from_logits=True)
    return keras.ops.mean(losses)


@keras.saving.register_keras_serializable(package="conditional_gan")
class ConditionalGAN(keras.Model):
    """Images to logits of being real, by class, and class logits; `generate` samples digits."""

    def __init__(self, dropout=0.3, **kwargs):
        super().__init__(**kwargs)
        self.dropout = dropout
        self.generator = create_generator()
        self.discriminator = create_discriminator(dropout)
        self.classifier = build_classifier(trainable=False)
        self.seeds = keras.random.SeedGenerator()
        self.d_loss_metric = keras.metrics.Mean(name="discriminator_loss")
        self.g_loss_metric = keras.metrics.Mean(name="generator_loss")
        self.accuracy = keras.metrics.SparseCategoricalAccuracy(name="conditional_accuracy")
        self.sample_metrics = GenerativeMetrics(features=64, classes=10)

    def build(self, input_shape):
        self.built = True

    def call(self, images, training=False):
        return self.discriminator(images, training=training)

    def generate(self, digits, training=False):
        digits = keras.ops.convert_to_tensor(digits)
        shape = (keras.ops.shape(digits)[0], LATENT_DIM)
        noise = keras.random.normal(shape, seed=self.seeds)
        return self.generator([noise, digits], training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        generated = self.generate(y, training=True)

        # The discriminator tells real from generated images, and classifies the real ones.
        real_logits, class_logits = y_pred
        logits, _ = self.discriminator(keras.ops.stop_gradient(generated), training=True)
        d_loss = discriminator_loss(select_logit(real_logits, y), select_logit(logits, y))
        d_loss += classification_loss(y, class_logits)

        # The generator's loss has no gradients for the weights of the frozen discriminator.
        logits, class_logits = frozen_call(self.discriminator, generated)
        g_loss = generator_loss(select_logit(logits, y)) + classification_loss(y, class_logits)

        self.d_loss_metric.update_state(d_loss)
        self.g_loss_metric.update_state(g_loss)
        return d_loss + g_loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {
            "discriminator_loss": self.d_loss_metric.result(),
            "generator_loss": self.g_loss_metric.result(),
        }

    def test_step(self, data):
        images, digits = data
        real_features, _ = self.classifier(images)
        features, probabilities = self.classifier(self.generate(digits))
        self.accuracy.update_state(digits, probabilities)
        self.sample_metrics.update_state(real_features, features, probabilities)
        return {"conditional_accuracy": self.accuracy.result(), **self.sample_metrics.result()}

    def get_config(self):
        return {**super().get_config(), "dropout": self.dropout}


def build_model(dropout=0.3, learning_rate=0.0005, beta_1=0.5, steps=EPOCHS * 422, train=None):
    """The compiled pair with its evaluation classifier. 2,081,198 parameters.

    2,030,884 of them are trainable: the classifier, trained on `train` beforehand, is frozen.
    Without `train` it stays untrained, and the scores are meaningless.
    """
    model = ConditionalGAN(dropout)
    if train is not None:
        classifier = train_classifier(build_classifier(), train)
        model.classifier.set_weights(classifier.get_weights())
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule, beta_1=beta_1))
    return model


def snapshot(model):
    """All digits from the same ten noise vectors, (100, 28, 28): ten images of 0, ten of 1 …"""
    digits = np.repeat(np.arange(10), 10)
    return np.asarray(model.generator([np.tile(NOISE, (10, 1)), digits]))[..., 0]


def callbacks():
    return [SnapshotCallback(snapshot, epochs=(0, 1, 3, 8))]


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning, by default the recipe's own."""
    return {
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.3),
        "learning_rate": hp.Choice("learning_rate", [0.0002, 0.0005, 0.001], default=0.0005),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Uniform noise."""
    images, digits = to_numpy(test)
    noise = np.random.default_rng(0).uniform(-1, 1, images.shape).astype("float32")
    classifier = train_classifier(build_classifier(), train)
    _, probabilities = classifier.predict(noise, verbose=0)
    accuracy = np.mean(probabilities.argmax(1) == digits)
    return {"conditional_accuracy": accuracy, **compare_samples(classifier, images, noise)}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train), train=train)
    best = keras.callbacks.ModelCheckpoint(
        "conditional_gan.keras",
        monitor="val_conditional_accuracy",
        mode="max",
        save_best_only=True,
    )
    model.fit(
        train,
        validation_data=validation,
        epochs=EPOCHS,
        shuffle=False,
        callbacks=[best, *callbacks()],
    )
    # Weights of the best epoch; a model loaded from the file would sample other random numbers.
    model.load_weights("conditional_gan.keras")
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

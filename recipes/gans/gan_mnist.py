"""Generative adversarial network on MNIST: the slide's generator learns to write from a discriminator that judges it.

Slides: 000 «GANs», 001 «GAN», 001 «Ejemplo (API funcional)», 001 zoo of networks (GAN), 002 «[Goodfellow et al. 2014]».
Paper:  Goodfellow et al. (2014), Generative adversarial nets, https://arxiv.org/abs/1406.2661
Departs from the paper: both networks take each step at the same time, and the generator maximises log D(G(z)).
The slide's `Input(shape=(100))` raises an error in Keras 3, where shapes are tuples, `LeakyReLU(alpha=…)` is called
`negative_slope` now, its `input` hides a function of Python's, and it has neither discriminator nor training.

Losses of a GAN say who is winning, not how good the pictures are. A judge does: a small convolutional network, which
learns the digits first and then takes no part. It says of test digits and of generated ones what it sees, and the
`frechet_distance` of its 64 features compares the two crowds: 0 if they are alike, 1 for always the average digit.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from layers.adversarial import discriminator_loss, generator_loss, hold_still
from layers.album import Album
from layers.sample_scores import SampleScores, build_judge, compare, teach_judge

EPOCHS = 18
OBJECTIVE = ("val_frechet_distance", "min")
LATENT = 100
CODES = (
    np.random.default_rng(0).normal(size=(12, LATENT)).astype("float32")
)  # drawn again and again, to compare


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) images from −1 to 1, and digits, which only the judge uses."""
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size)
    scaled = lambda images, digits: (tf.cast(images, "float32") / 127.5 - 1, digits)  # noqa: E731
    return [
        data.map(scaled).prefetch(2) for data in (train, validation.batch(1000), test.batch(1000))
    ]


def create_generator():
    """The slide's: 100 random numbers to a (28, 28, 1) image from −1 to 1. 1,493,520 parameters."""
    noise = keras.Input((LATENT,))
    x = noise
    for units in (256, 512, 1024):
        x = keras.layers.Dense(units)(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
        x = keras.layers.BatchNormalization(momentum=0.8)(x)
    x = keras.layers.Dense(28 * 28, activation="tanh", dtype="float32")(x)
    return keras.Model(
        noise, keras.layers.Reshape((28, 28, 1), dtype="float32")(x), name="generator"
    )


def create_discriminator(dropout):
    """An image to the logit of its being real."""
    image = keras.Input((28, 28, 1))
    x = keras.layers.Flatten()(image)
    for units in (512, 256):
        x = keras.layers.Dense(units)(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
        x = keras.layers.Dropout(dropout)(x)
    return keras.Model(image, keras.layers.Dense(1, dtype="float32")(x), name="discriminator")


@keras.saving.register_keras_serializable(package="gan_mnist")
class GAN(keras.Model):
    """Called with images, it says how real they are; `generator` makes images of random numbers."""

    def __init__(self, dropout=0.3, **kwargs):
        super().__init__(**kwargs)
        self.dropout = dropout
        self.generator, self.discriminator = create_generator(), create_discriminator(dropout)
        self.judge = build_judge(trainable=False)
        self.seeds = keras.random.SeedGenerator()
        self.losses_ = [
            keras.metrics.Mean(name=f"{who}_loss") for who in ("discriminator", "generator")
        ]
        self.scores = SampleScores(features=64, classes=10)

    def build(self, input_shape):
        self.built = True

    def call(self, images, training=False):
        return self.discriminator(images, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        fake = self.generate(keras.ops.shape(x)[0], training=True)
        judged = self.discriminator(keras.ops.stop_gradient(fake), training=True)
        losses = [
            discriminator_loss(y_pred, judged),
            generator_loss(hold_still(self.discriminator, fake)),
        ]
        for metric, loss in zip(self.losses_, losses, strict=True):
            metric.update_state(loss)
        return sum(losses)  # no weight of one network stands in the other's loss

    def generate(self, count, training=False):
        return self.generator(
            keras.random.normal((count, LATENT), seed=self.seeds), training=training
        )

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {metric.name: metric.result() for metric in self.losses_}

    def test_step(self, data):
        images, _ = data
        seen, (features, probabilities) = (
            self.judge(images),
            self.judge(self.generate(keras.ops.shape(images)[0])),
        )
        self.scores.update_state(seen[0], features, probabilities)
        return self.scores.result()

    def get_config(self):
        return {**super().get_config(), "dropout": self.dropout}


def build_model(train, dropout=0.3, learning_rate=0.0005, beta_1=0.5, steps=EPOCHS * 422):
    """The compiled pair, with a judge that has learned from the training set."""
    model = GAN(dropout)
    model.judge.set_weights(teach_judge(build_judge(), train).get_weights())
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule, beta_1=beta_1))
    return model


def draw(model):
    """What the generator makes of the same codes, (12, 28, 28)."""
    return np.asarray(model.generator(CODES))[..., 0]


def callbacks():
    return [Album(draw, epochs=(0, 1, 2, 4, 8, 12))]


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.3),
        "learning_rate": hp.Choice("learning_rate", [0.0002, 0.0005, 0.001], default=0.0005),
        "beta_1": hp.Choice("beta_1", [0.0, 0.5, 0.9], default=0.5),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def noise(count):
    return np.random.default_rng(0).uniform(-1, 1, (count, 28, 28, 1)).astype("float32")


def baseline(train, test):
    """Pixels at random."""
    images = np.concatenate([images for images, _ in test.as_numpy_iterator()])
    return compare(teach_judge(build_judge(), train), images, noise(len(images)))


def show(axis, images, title):
    """Images (rows, columns, 28, 28) as one picture."""
    axis.imshow(
        np.concatenate(np.concatenate(images, axis=1), axis=1), cmap="gray_r", vmin=-1, vmax=1
    )
    axis.set(title=title, xticks=[], yticks=[], frame_on=False)


def figures(model, test, history):
    """New digits and real ones; how they came to be; from one to another; what the judge says."""
    images = np.concatenate([images for images, _ in test.as_numpy_iterator()])
    new = np.concatenate([model.generate(len(part)) for part in np.array_split(images, 10)])
    half = len(images) // 2
    crowds = {"real": images[half:], "generated": new, "noise": noise(len(images))}
    scores = {
        name: compare(model.judge, images[:half], crowd[:half]) for name, crowd in crowds.items()
    }

    samples, axes = plt.subplots(1, 2, figsize=(12, 5.4), layout="constrained")
    for axis, name, title in zip(
        axes, crowds, ("People wrote these", "Nobody wrote these"), strict=False
    ):
        show(axis, np.resize(crowds[name][:120], (10, 12, 28, 28)), title)

    pages = [*model.album, ("chosen", draw(model))]
    progress, axis = plt.subplots(figsize=(8, 0.66 * len(pages) + 0.6), layout="constrained")
    show(
        axis,
        np.array([page for _, page in pages]),
        "Twelve codes, and what is made of them as the training goes on",
    )
    axis.set_yticks(28 * np.arange(len(pages)) + 14, [epoch for epoch, _ in pages])
    axis.set_ylabel("after epoch")

    way = np.linspace(0, 1, 12, dtype="float32")[None, :, None]
    codes = (1 - way) * CODES[:6, None] + way * CODES[6:, None]
    between, axis = plt.subplots(figsize=(8, 4.3), layout="constrained")
    drawn = np.asarray(model.generator(codes.reshape(-1, LATENT))).reshape(6, 12, 28, 28)
    show(axis, drawn, "From the code of one digit straight to that of another")

    figure, axis = plt.subplots(layout="constrained")
    for place, (name, crowd) in enumerate(crowds.items()):
        taken = np.bincount(model.judge.predict(crowd, verbose=0)[1].argmax(1), minlength=10) / len(
            crowd
        )
        label = f"{name}: Fréchet distance {scores[name]['frechet_distance']:.3f}, entropy {{:.2f}} nats"
        axis.bar(
            np.arange(10) + 0.27 * (place - 1),
            100 * taken,
            0.27,
            label=label.format(scores[name]["class_entropy"]),
        )
    axis.set(xticks=range(10), xlabel="digit that the judge sees", ylabel="% of the pictures")
    axis.set_title(
        f"{scores['generated']['classes']:.0f} digits are written, some more often than others"
    )
    figure.legend(loc="outside lower center")
    return {"samples": samples, "progress": progress, "between": between, "judge": figure}


def main():
    train, validation, test = load_data()
    model = build_model(train, steps=EPOCHS * len(train))
    model.fit(
        train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=callbacks()
    )
    print(model.evaluate(test, return_dict=True))
    model.save("gan_mnist.keras")


if __name__ == "__main__":
    main()

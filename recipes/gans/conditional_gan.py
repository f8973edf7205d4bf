"""Conditional generative adversarial network on MNIST: the digit that is asked for, in ever new handwriting.

Slides: 001 «Conditional GAN», 001 «Usos» (creación de ejemplos artificiales).
Paper:  Mirza & Osindero (2014), Conditional generative adversarial nets, https://arxiv.org/abs/1411.1784; Miyato &
        Koyama (2018), https://arxiv.org/abs/1802.05637; Odena et al. (2017), https://arxiv.org/abs/1610.09585
Departs from the first: its discriminator takes the digit as an input, and hardly looks at it. Here it answers for each
digit whether the image is a real one of it, and only the answer for the digit asked for counts (as in the second); it
learns to read real digits, too, and the generator to make readable ones (as in the third).

A judge, a small convolutional network that learned the digits before, says how many of the generated are the `right`
ones, those asked for, and how alike they and the test digits are (as in gan_mnist).
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.svm import SVC

from layers.adversarial import discriminator_loss, generator_loss, hold_still
from layers.album import Album
from layers.gan_monitor import variety
from layers.sample_scores import SampleScores, build_judge, compare, teach_judge

EPOCHS = 18
OBJECTIVE = ("val_right", "max")
LATENT = 100
MISREAD = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
CODES = np.random.default_rng(0).normal(size=(10, LATENT)).astype("float32")


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) images from −1 to 1 and their digits."""
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size)
    scaled = lambda images, digits: (tf.cast(images, "float32") / 127.5 - 1, digits)  # noqa: E731
    return [
        data.map(scaled).prefetch(2) for data in (train, validation.batch(1000), test.batch(1000))
    ]


def create_generator():
    """100 random numbers and a digit to a (28, 28, 1) image from −1 to 1. 1,496,080 parameters."""
    noise, digit = keras.Input((LATENT,)), keras.Input((), dtype="int64")
    x = keras.layers.Concatenate()(
        [noise, keras.layers.CategoryEncoding(10, output_mode="one_hot")(digit)]
    )
    for units in (256, 512, 1024):
        x = keras.layers.Dense(units)(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
        x = keras.layers.BatchNormalization(momentum=0.8)(x)
    x = keras.layers.Dense(28 * 28, activation="tanh", dtype="float32")(x)
    return keras.Model(
        [noise, digit], keras.layers.Reshape((28, 28, 1), dtype="float32")(x), name="generator"
    )


def create_discriminator(dropout):
    """An image to the logits of its being a real 0, a real 1 …, and to those of a classifier. 538,388 parameters."""
    image = keras.Input((28, 28, 1))
    x = keras.layers.Flatten()(image)
    for units in (512, 256):
        x = keras.layers.Dense(units)(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
        x = keras.layers.Dropout(dropout)(x)
    return keras.Model(
        image, [keras.layers.Dense(10, dtype="float32")(x) for _ in range(2)], name="discriminator"
    )


def for_digit(logits, digits):
    return keras.ops.take_along_axis(logits, keras.ops.expand_dims(digits, 1), axis=1)


@keras.saving.register_keras_serializable(package="conditional_gan")
class ConditionalGAN(keras.Model):
    """Called with images, it says how real they are and which digits; `generate` makes images of digits."""

    def __init__(self, dropout=0.3, **kwargs):
        super().__init__(**kwargs)
        self.dropout = dropout
        self.generator, self.discriminator = create_generator(), create_discriminator(dropout)
        self.judge = build_judge(trainable=False)
        self.seeds = keras.random.SeedGenerator()
        self.losses_ = [
            keras.metrics.Mean(name=name) for name in ("discriminator_loss", "generator_loss")
        ]
        self.right, self.scores = (
            keras.metrics.SparseCategoricalAccuracy(name="right"),
            SampleScores(64, 10),
        )

    def build(self, input_shape):
        self.built = True

    def call(self, images, training=False):
        return self.discriminator(images, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        fake = self.generate(y, training=True)
        (real, read), (made, _) = (
            y_pred,
            self.discriminator(keras.ops.stop_gradient(fake), training=True),
        )
        hoped, reread = hold_still(self.discriminator, fake)
        d_loss = discriminator_loss(for_digit(real, y), for_digit(made, y)) + MISREAD(y, read)
        g_loss = generator_loss(for_digit(hoped, y)) + MISREAD(y, reread)
        for metric, loss in zip(self.losses_, (d_loss, g_loss), strict=True):
            metric.update_state(loss)
        return d_loss + g_loss  # no weight of one network stands in the other's loss

    def generate(self, digits, training=False):
        digits = keras.ops.convert_to_tensor(digits)
        noise = keras.random.normal((keras.ops.shape(digits)[0], LATENT), seed=self.seeds)
        return self.generator([noise, digits], training=training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {metric.name: metric.result() for metric in self.losses_}

    def test_step(self, data):
        images, digits = data
        seen, (features, probabilities) = self.judge(images), self.judge(self.generate(digits))
        self.scores.update_state(seen[0], features, probabilities)
        self.right.update_state(digits, probabilities)
        return {"right": self.right.result(), **self.scores.result()}

    def get_config(self):
        return {**super().get_config(), "dropout": self.dropout}


def build_model(train, dropout=0.3, learning_rate=0.0005, beta_1=0.5, steps=EPOCHS * 422):
    """The compiled pair, with a judge that has learned from the training set."""
    model = ConditionalGAN(dropout)
    model.judge.set_weights(teach_judge(build_judge(), train).get_weights())
    model.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(learning_rate, steps), beta_1=beta_1
        )
    )
    return model


def draw(model):
    """All digits from the same ten codes, (10, 10, 28, 28): a row for each digit, a column for each code."""
    digits = np.repeat(np.arange(10), 10)
    return np.asarray(model.generator([np.tile(CODES, (10, 1)), digits])).reshape(10, 10, 28, 28)


def callbacks():
    return [Album(draw, epochs=(0, 1, 3, 8))]


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.3),
        "learning_rate": hp.Choice("learning_rate", [0.0002, 0.0005, 0.001], default=0.0005),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Pixels at random."""
    images, digits = (
        np.concatenate(parts) for parts in zip(*test.as_numpy_iterator(), strict=True)
    )
    noise = np.random.default_rng(0).uniform(-1, 1, images.shape).astype("float32")
    judge = teach_judge(build_judge(), train)
    right = np.mean(judge.predict(noise, verbose=0)[1].argmax(1) == digits)
    return {"right": right, **compare(judge, images, noise)}


def show(axis, images, title):
    axis.imshow(
        np.concatenate(np.concatenate(images, axis=1), axis=1), cmap="gray_r", vmin=-1, vmax=1
    )
    axis.set(title=title, xticks=[], yticks=[], frame_on=False)


def figures(model, test, history):
    """Digits on demand, how they came to be, how much they differ, and what they are worth as examples."""
    images, digits = (
        np.concatenate(parts) for parts in zip(*test.as_numpy_iterator(), strict=True)
    )
    new = np.concatenate([model.generate(part) for part in np.array_split(digits, 10)])
    features, probabilities = model.judge.predict(new, verbose=0)
    asked, axes = plt.subplots(1, 2, figsize=(12, 6.2), layout="constrained")
    show(
        axes[0],
        draw(model),
        f"A row for each digit asked for, {np.mean(probabilities.argmax(1) == digits):.1%} right",
    )
    rows = [np.resize(images[digits == digit][:10], (10, 28, 28)) for digit in range(10)]
    show(axes[1], rows, "Digits that people wrote")
    progress, axes = plt.subplots(
        1, len(model.album), figsize=(12, 3.4), layout="constrained", squeeze=False
    )
    for axis, (epoch, page) in zip(axes[0], model.album, strict=True):
        show(axis, page, f"epoch {epoch}")

    real, kinds = model.judge.predict(images, verbose=0)[0], np.unique(digits)
    different = [
        float(variety(real[digits == digit], features[digits == digit])) for digit in kinds
    ]
    value, (left, axis) = plt.subplots(1, 2, figsize=(12, 3.8), layout="constrained")
    left.bar(kinds, different)
    title = f"Equal digits differ {np.mean(different):.2f} times as much as people's"
    left.set(
        xticks=range(10),
        xlabel="digit",
        ylabel="distance to another such digit, real = 1",
        title=title,
    )

    half, few = (
        len(images) // 2,
        len(images) // 20,
    )  # nothing is chosen by this: the first half may teach
    for people, machine in ((few, 0), (few, 4 * few), (0, 5 * few), (5 * few, 0)):
        x = np.concatenate([images[:people], new[half : half + machine]]).reshape(
            people + machine, -1
        )
        reader = SVC(C=10).fit(x, np.concatenate([digits[:people], digits[half : half + machine]]))
        score = 100 * reader.score(images[half:].reshape(-1, 784), digits[half:])
        bar = axis.barh(
            f"{people:,} real,\n{machine:,} generated", score, color="C1" if machine else "C0"
        )
        axis.bar_label(bar, fmt="%.1f", padding=3)
    axis.set(
        xlim=(60, 102),
        ylim=(3.6, -0.6),
        xlabel="% of new digits read",
        title="As examples for a vector machine",
    )
    return {"asked": asked, "progress": progress, "value": value}


def main():
    train, validation, test = load_data()
    model = build_model(train, steps=EPOCHS * len(train))
    model.fit(
        train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=callbacks()
    )
    print(model.evaluate(test, return_dict=True))
    model.save("conditional_gan.keras")


if __name__ == "__main__":
    main()

"""Seven generative adversarial networks on a ring of points: how they fail, and a monitor that names it.

Slides: 001 «Problemas de las GAN» (loss y accuracy, loss que sube, colapso modal, el discriminador no aprende, el
        generador no aprende, copias de baja calidad).
Paper:  Goodfellow et al. (2014), Generative adversarial nets, https://arxiv.org/abs/1406.2661; Kynkäänniemi et al.
        (2019), https://arxiv.org/abs/1904.06991, and Naeem et al. (2020), https://arxiv.org/abs/2002.09797 (measures)
Departs from the slides: they have images; here are points in the plane, where one sees in seconds what goes wrong.
The slides announce two problems and list four.

Each failure has one cause: a learning rate of G a thousand times too small (`loss_without_end`), ten steps of G for
each of D's (`mode_collapse`), a network without hidden layers (`weak_discriminator`, `poor_copies`), the game's
original rule by which G minimises log(1 − D(G(z))), flat where D is sure, by plain gradient descent (`weak_generator`).
There the slide's advice helps, to let G learn more often: with sixty steps (`more_steps`) it finds most of the ring.
The monitor reads the losses, and of samples: their `quality` (share that lies among real points), `coverage` (share of
real points around which some lie), `variety` (their distances, real = 1), and how much noise D takes for real.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from scipy.stats import spearmanr

from layers.adversarial import discriminator_loss, generator_loss
from layers.gan_monitor import GanMonitor, diagnose, quality_and_coverage, variety

EPOCHS = 30
OBJECTIVE, KEEP = ("val_coverage", "max"), "last"
LATENT = 8
SLOW = {"original": True, "generator_rate": 0.0003, "learning_rate": 0.005}
VARIANTS = {
    "healthy": {},
    "loss_without_end": {"generator_rate": 1e-6},
    "mode_collapse": {"generator_steps": 10},
    "weak_discriminator": {"units": (0, 64)},
    "weak_generator": SLOW,
    "more_steps": {**SLOW, "generator_steps": 60},
    "poor_copies": {"units": (64, 0), "generator_rate": 0.0003},
}
LOSSES = ("discriminator_loss", "generator_loss")
SEEN = ("coverage", "quality", "variety", "noise_accepted")
LINE = np.linspace(-3, 3, 31, dtype="float32")
PLANE = np.stack(np.meshgrid(LINE, LINE), axis=-1).reshape(-1, 2)


def ring(count, seed):
    """Points (count, 2) of eight heaps, two away from the centre, in which deviations are 0.1."""
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * rng.integers(0, 8, count) / 8
    return (
        2 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.1, (count, 2))
    ).astype("float32")


def load_data(batch_size=256):
    """Train, validation and test batches of points (2,). Always the same ones."""
    parts = ((25_600, 1), (1000, 2), (5000, 3))
    train, validation, test = (tf.data.Dataset.from_tensor_slices((ring(*part),)) for part in parts)
    return train.shuffle(25_600).batch(batch_size), validation.batch(1000), test.batch(1000)


def network(inputs, units, outputs):
    """Two hidden layers, or none at all."""
    hidden = [keras.layers.Dense(units, activation="relu") for _ in range(2)] if units else []
    return keras.Sequential(
        [keras.Input((inputs,)), *hidden, keras.layers.Dense(outputs, dtype="float32")]
    )


@keras.saving.register_keras_serializable(package="gan_failures")
class GAN(keras.Model):
    """Called with points, it gives the logits of their being real. D and G take turns, each with its own optimizer."""

    def __init__(self, units, generator_steps, original, generator_rate, beta_1, **kwargs):
        super().__init__(**kwargs)
        self.config = {"units": units, "generator_steps": generator_steps, "original": original}
        self.config |= {"generator_rate": generator_rate, "beta_1": beta_1}
        self.discriminator, self.generator = network(2, units[0], 1), network(LATENT, units[1], 2)
        adam, sgd = (
            keras.optimizers.Adam(generator_rate, beta_1=beta_1),
            keras.optimizers.SGD(generator_rate),
        )
        self.generator_optimizer = sgd if original else adam
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.seeds = keras.random.SeedGenerator()
        self.means = {name: keras.metrics.Mean(name=name) for name in LOSSES + SEEN}

    def build(self, input_shape):
        self.built = True

    def call(self, points):
        return self.discriminator(points)

    def generate(self, count):
        return self.generator(keras.random.normal((count, LATENT), seed=self.seeds))

    def train_step(self, data):
        count = keras.ops.shape(real := data[0])[0]
        with tf.GradientTape() as tape:
            loss = discriminator_loss(self(real), self(self.generate(count)))
        weights = self.discriminator.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        self.means["discriminator_loss"].update_state(loss)
        weights = self.generator.trainable_variables
        for _ in range(self.config["generator_steps"]):
            with tf.GradientTape() as tape:
                judged = self(self.generate(count))
                loss = -keras.ops.mean(keras.ops.softplus(judged))  # log(1 − D(G(z)))
                loss = loss if self.config["original"] else generator_loss(judged)
            self.generator_optimizer.apply(tape.gradient(loss, weights), weights)
            self.means["generator_loss"].update_state(loss)
        return {name: self.means[name].result() for name in LOSSES}

    def test_step(self, data):
        (real,) = data
        count = keras.ops.shape(real)[0]
        fake = self.generate(count)
        noise = keras.random.uniform((count, 2), -3, 3, seed=self.seeds)
        accepted = keras.ops.cast(self(noise) > 0, "float32")
        for name, value in (measures(real, fake) | {"noise_accepted": accepted}).items():
            self.means[name].update_state(value)
        return {name: self.means[name].result() for name in SEEN}

    def get_config(self):
        return {**super().get_config(), **self.config}


def measures(real, fake):
    quality, coverage = quality_and_coverage(real, fake)
    return {"coverage": coverage, "quality": quality, "variety": variety(real, fake)}


def build_model(
    units=(64, 64),
    learning_rate=0.001,
    generator_rate=None,
    generator_steps=1,
    original=False,
    beta_1=0.5,
):
    """The compiled pair. 9,283 parameters. `units` of D and G; `generator_rate` is as D's `learning_rate` if None."""
    model = GAN(units, generator_steps, original, generator_rate or learning_rate, beta_1)
    model.compile(keras.optimizers.Adam(learning_rate, beta_1=beta_1))
    model.optimizer.build(model.trainable_variables)  # as loading does
    return model


def callbacks():
    return [GanMonitor()]


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.001),
        "beta_1": hp.Choice("beta_1", [0.0, 0.5, 0.9], default=0.5),
        "generator_steps": hp.Int("generator_steps", 1, 5, default=1),
        "batch_size": hp.Choice("batch_size", [64, 128, 256, 512], default=256),
    }


def baseline(train, test):
    """One normal distribution for all."""
    points = next(iter(test))[0]
    made = np.random.default_rng(0).multivariate_normal(
        [0, 0], np.cov(np.transpose(points)), len(points)
    )
    return {
        name: float(value) for name, value in measures(points, tf.cast(made, "float32")).items()
    }


def figures(models, test, histories):
    """What each makes, under what the monitor calls it; and what the losses would say."""
    ends, axes = plt.subplots(2, 4, figsize=(12, 7), layout="constrained")
    for axis in axes.flat[len(models) :]:
        axis.set_axis_off()
    for axis, (name, model) in zip(axes.flat, models.items(), strict=False):
        belief = np.asarray(keras.ops.sigmoid(model(PLANE))).reshape(31, 31)
        axis.imshow(
            belief,
            extent=(-3.1, 3.1, -3.1, 3.1),
            origin="lower",
            cmap="PiYG",
            vmin=0,
            vmax=1,
            alpha=0.5,
        )
        axis.plot(*ring(500, 3).T, ".", color="C1", markersize=2)
        axis.plot(*np.transpose(model.generate(500)), ".", color="black", markersize=2)
        axis.set(xlim=(-3.1, 3.1), ylim=(-3.1, 3.1), xticks=[], yticks=[])
        found = ",\n".join(diagnose(histories[name])) or "nothing"
        axis.set_title(f"{name.replace('_', ' ')}:\n{found}", fontsize=10)
    ends.suptitle(
        "Real points (orange), made ones (black), where D believes (green), and what the monitor found"
    )

    losses, axes = plt.subplots(1, 3, figsize=(12, 4.4), layout="constrained")
    for colour, (name, history) in enumerate(histories.items()):
        for axis, key in zip(axes, (*LOSSES, "val_coverage"), strict=True):
            epochs = range(1, len(history[key]) + 1)
            axis.plot(
                epochs,
                history[key],
                color=f"C{colour}",
                label=name.replace("_", " "),
                linewidth=1.5,
            )
            axis.set_xlabel("epoch")
    axes[0].set_title("The discriminators' losses: healthy\nand collapsed are much alike")
    axes[1].set_title("The generators' losses: good ones\nstand still (below 0: the original rule)")
    axes[2].set_title("Only samples tell: real points\nwith made ones around them")
    losses.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return {"failures": ends, "losses": losses}


def main():
    histories = {}
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data()
        model = build_model(**arguments)
        fit = model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=callbacks()
        )
        histories[name] = fit.history
        print(
            name, diagnose(fit.history) or "nothing found", model.evaluate(test, return_dict=True)
        )
        model.save(f"gan_failures_{name}.keras")
    for loss in LOSSES:
        rank = spearmanr(histories["healthy"][loss], histories["healthy"]["val_coverage"]).statistic
        print(f"{loss} of the healthy run against its coverage: rank correlation {rank:.2f}")


if __name__ == "__main__":
    main()

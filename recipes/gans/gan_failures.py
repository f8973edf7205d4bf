"""Failures of generative adversarial networks on a mixture of Gaussians, and their diagnosis.

Slides: 001 «Problemas de las GAN» (loss y accuracy, loss que sube, colapso modal, el discriminador
        no aprende, el generador no aprende, copias de baja calidad).
Paper:  Goodfellow et al. (2014), Generative adversarial nets, https://arxiv.org/abs/1406.2661;
        Kynkäänniemi et al. (2019), https://arxiv.org/abs/1904.06991 (precision);
        Naeem et al. (2020), https://arxiv.org/abs/2002.09797 (coverage)
Departs from the slides: points in the plane instead of images, so that each failure appears within
seconds. The slides announce two problems and list four.

Each failure has one cause: a learning rate of the generator G a thousand times too small
(`unbounded_loss`); ten steps of G for each of the discriminator D (`mode_collapse`); a network
without hidden layers (`weak_discriminator`, `low_quality_samples`); or the minimax loss
log(1 − D(G(z))), which saturates where D is confident, with plain gradient descent
(`weak_generator`). The slide's advice for the last one helps: with sixty steps of G for each of D
(`more_steps`), G covers about as much of the mixture as in `healthy`.

The diagnosis uses the losses, and metrics of samples: `precision` (share of samples among real
points), `coverage` (share of real points with samples around them), `diversity` (distances between
samples, relative to real ones), and `noise_accepted`, the share of uniform noise that D classifies
as real.
"""

import math

import keras
import numpy as np
import tensorflow as tf
from scipy.stats import spearmanr

from recipes.common.arrays import to_numpy
from recipes.common.gan_losses import discriminator_loss, generator_loss
from recipes.common.generative_metrics import diversity, precision_and_coverage

EPOCHS = 30
OBJECTIVE = ("val_coverage", "max")
KEEP = "last"
LATENT_DIM = 8
SATURATING = {"minimax": True, "generator_rate": 0.0003, "learning_rate": 0.005}
VARIANTS = {
    "healthy": {},
    "unbounded_loss": {"generator_rate": 1e-6},
    "mode_collapse": {"generator_steps": 10},
    "weak_discriminator": {"units": (0, 64)},
    "weak_generator": SATURATING,
    "more_steps": {**SATURATING, "generator_steps": 60},
    "low_quality_samples": {"units": (64, 0), "generator_rate": 0.0003},
}
LOSSES = ("discriminator_loss", "generator_loss")
SAMPLE_METRICS = ("coverage", "precision", "diversity", "noise_accepted")


def sample_mixture(count, seed):
    """Samples (count, 2) of a mixture of eight Gaussians (σ = 0.1) on a circle of radius 2."""
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * rng.integers(0, 8, count) / 8
    centers = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (centers + rng.normal(0, 0.1, (count, 2))).astype("float32")


def load_data(batch_size=256):
    """Train, validation and test batches of points (2,), which are always the same."""
    train = tf.data.Dataset.from_tensor_slices((sample_mixture(25_600, seed=1),))
    validation = tf.data.Dataset.from_tensor_slices((sample_mixture(1000, seed=2),))
    test = tf.data.Dataset.from_tensor_slices((sample_mixture(5000, seed=3),))
    return train.shuffle(25_600).batch(batch_size), validation.batch(1000), test.batch(1000)


def build_network(inputs, units, outputs):
    """A network with two hidden layers of `units` neurons, or none if `units` is 0."""
    network = keras.Sequential([keras.Input((inputs,))])
    if units:
        network.add(keras.layers.Dense(units, activation="relu"))
        network.add(keras.layers.Dense(units, activation="relu"))
    network.add(keras.layers.Dense(outputs, dtype="float32"))
    return network


def minimax_loss(generated_logits):
    """log(1 − D(G(z))), the mean over a batch: the saturating loss of the generator."""
    return -keras.ops.mean(keras.ops.softplus(generated_logits))


@keras.saving.register_keras_serializable(package="gan_failures")
class GAN(keras.Model):
    """Points (batch, 2) to logits of being real; D and G are trained in turns by two optimizers."""

    def __init__(self, units, generator_steps, minimax, generator_rate, beta_1, **kwargs):
        super().__init__(**kwargs)
        self.config = {
            "units": units,
            "generator_steps": generator_steps,
            "minimax": minimax,
            "generator_rate": generator_rate,
            "beta_1": beta_1,
        }
        self.discriminator = build_network(2, units[0], 1)
        self.generator = build_network(LATENT_DIM, units[1], 2)
        self.generator_steps = generator_steps
        if minimax:
            self.generator_loss = minimax_loss
            self.generator_optimizer = keras.optimizers.SGD(generator_rate)
        else:
            self.generator_loss = generator_loss
            self.generator_optimizer = keras.optimizers.Adam(generator_rate, beta_1=beta_1)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.seeds = keras.random.SeedGenerator()
        self.trackers = {name: keras.metrics.Mean(name=name) for name in LOSSES + SAMPLE_METRICS}

    def build(self, input_shape):
        self.built = True

    def call(self, points):
        return self.discriminator(points)

    def generate(self, count):
        return self.generator(keras.random.normal((count, LATENT_DIM), seed=self.seeds))

    def train_step(self, data):
        (real,) = data
        count = keras.ops.shape(real)[0]

        # One step of the discriminator.
        weights = self.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            loss = discriminator_loss(self(real), self(self.generate(count)))
            scaled_loss = self.optimizer.scale_loss(loss)  # with mixed_float16; `apply` undoes it
        self.optimizer.apply(tape.gradient(scaled_loss, weights), weights)
        self.trackers["discriminator_loss"].update_state(loss)

        # One step of the generator, or several.
        weights = self.generator.trainable_variables
        for _ in range(self.generator_steps):
            with tf.GradientTape() as tape:
                loss = self.generator_loss(self(self.generate(count)))
            self.generator_optimizer.apply(tape.gradient(loss, weights), weights)
            self.trackers["generator_loss"].update_state(loss)
        return {name: self.trackers[name].result() for name in LOSSES}

    def test_step(self, data):
        (real,) = data
        count = keras.ops.shape(real)[0]
        scores = sample_metrics(real, self.generate(count))
        noise = keras.random.uniform((count, 2), -3, 3, seed=self.seeds)
        scores["noise_accepted"] = keras.ops.cast(self(noise) > 0, "float32")
        for name in SAMPLE_METRICS:
            self.trackers[name].update_state(scores[name])
        return {name: self.trackers[name].result() for name in SAMPLE_METRICS}

    def get_config(self):
        return {**super().get_config(), **self.config}


def sample_metrics(real, generated):
    """Coverage, precision and diversity of generated points (count, 2)."""
    precision, coverage = precision_and_coverage(real, generated)
    return {
        "coverage": coverage,
        "precision": precision,
        "diversity": diversity(real, generated),
    }


def build_model(
    units=(64, 64),
    learning_rate=0.001,
    generator_rate=None,
    generator_steps=1,
    minimax=False,
    beta_1=0.5,
):
    """The compiled pair. 9,283 parameters.

    `units` are the hidden units of D and of G; `generator_rate` is the learning rate of G, by
    default that of D.
    """
    model = GAN(units, generator_steps, minimax, generator_rate or learning_rate, beta_1)
    model.compile(keras.optimizers.Adam(learning_rate, beta_1=beta_1))
    model.optimizer.build(model.trainable_variables)  # as loading does
    return model


def diagnose(history):
    """The failures that a training history reveals, by name, with the values that indicate them.

    It uses means over the last third of the epochs, as the curves of a GAN oscillate. The losses
    alone reveal only two of the failures: their values at the end of a successful training, log 4
    and log 2, are also those of a discriminator that has learned nothing.

    Args:
        history: `{name: [value of each epoch, …]}` with `discriminator_loss` and `generator_loss`,
            and optionally `val_precision`, `val_diversity` and `val_noise_accepted`.

    Returns:
        `{failure: explanation}`, empty if there is no failure.
    """
    values = {name: np.asarray(numbers, "float64") for name, numbers in history.items()}
    for name in LOSSES:
        if not np.isfinite(values[name]).all():
            return {"not a number": f"{name} is not finite"}

    # Medians of the generator's loss in each third, means of everything in the last one.
    length = len(values["generator_loss"])
    if length < 3:
        return {}
    thirds = [slice(k * length // 3, (k + 1) * length // 3) for k in range(3)]
    first, second, third = (float(np.median(values["generator_loss"][part])) for part in thirds)
    last = {name: float(np.mean(numbers[thirds[2]])) for name, numbers in values.items()}
    d_loss = last["discriminator_loss"]
    noise_accepted = last.get("val_noise_accepted", 0.0)
    precision = last.get("val_precision", 1.0)
    diversity = last.get("val_diversity", 1.0)

    found = {}
    if third > 4 and third > 1.1 * second and second > 1.1 * first:
        rise = f"{first:.2g}, {second:.2g}, {third:.2g}"
        found["unbounded loss"] = f"the generator's loss keeps rising: {rise}"
    if d_loss < 0.1:
        reason = f"the discriminator's loss is {d_loss:.2g}: it is never wrong"
        found["generator does not learn"] = reason
    if noise_accepted > 0.25 and d_loss > 0.95 * math.log(4):
        reason = f"it takes {noise_accepted:.0%} of pure noise for real"
        found["discriminator does not learn"] = reason
    if diversity < 0.6:
        found["mode collapse"] = f"samples have {diversity:.2f} of the diversity of real ones"
    elif precision < 0.5 and "discriminator does not learn" not in found:
        found["low-quality samples"] = f"only {precision:.0%} of them lie among real ones"
    return found


class GanMonitor(keras.callbacks.Callback):
    """Prints each failure when it appears during the training, and when it has disappeared.

    Args:
        patience: number of epochs between diagnoses.
    """

    def __init__(self, patience=10):
        super().__init__()
        self.patience = patience
        self.history = {}
        self.reported = []

    def on_train_begin(self, logs=None):
        self.history = {}
        self.reported = []

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            # A new list, as a run may have saved the old one.
            self.history = {**self.history, name: [*self.history.get(name, []), float(value)]}
        if (epoch + 1) % self.patience:
            return
        found = diagnose(self.history)
        for name in found:
            if name not in self.reported:
                print(f"Epoch {epoch + 1}: {name} ({found[name]})")
        for name in self.reported:
            if name not in found:
                print(f"Epoch {epoch + 1}: {name}: over")
        self.reported = list(found)


def callbacks():
    return [GanMonitor()]


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning, by default the recipe's own."""
    return {
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.001),
        "beta_1": hp.Choice("beta_1", [0.0, 0.5, 0.9], default=0.5),
        "generator_steps": hp.Int("generator_steps", 1, 5, default=1),
        "batch_size": hp.Choice("batch_size", [64, 128, 256, 512], default=256),
    }


def baseline(train, test):
    """A single Gaussian."""
    (learned,) = to_numpy(train)
    covariance = np.cov(learned, rowvar=False)
    (points,) = next(iter(test))
    rng = np.random.default_rng(0)
    samples = rng.multivariate_normal([0, 0], covariance, len(points)).astype("float32")
    scores = sample_metrics(points, samples)
    return {name: float(value) for name, value in scores.items()}


def main():
    histories = {}
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        histories[name] = model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            callbacks=callbacks(),
        ).history
        model.save(f"gan_failures_{name}.keras")
        print(name, model.evaluate(test, return_dict=True))
        print("found:", diagnose(histories[name]) or "nothing")
    print("baseline:", baseline(train, test))

    # Even the losses of a successful training do not indicate the quality of its samples.
    healthy = histories["healthy"]
    for loss in LOSSES:
        rank = spearmanr(healthy[loss], healthy["val_coverage"]).statistic
        print(f"healthy: rank correlation of {loss} and coverage: {rank:.2f}")


if __name__ == "__main__":
    main()

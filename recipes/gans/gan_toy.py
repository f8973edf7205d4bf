"""Generative adversarial networks on a mixture of Gaussians: minimax game and mode collapse.

Slides: 000 «GANs», 001 «GAN», 001 «Problemas de las GAN» (colapso modal).
Paper:  Goodfellow et al. (2014), Generative adversarial nets, https://arxiv.org/abs/1406.2661;
        Metz et al. (2017), https://arxiv.org/abs/1611.02163 (the mixture of Gaussians);
        Salimans et al. (2016), https://arxiv.org/abs/1606.03498 (minibatch discrimination)
Departs from the first: both networks are updated in the same step, and the generator has the
non-saturating loss −log D(G(z)).

The discriminator D outputs the probability that a point is real; the generator G maps noise to
points. In the equilibrium of the minimax game both distributions are the same, D = ½ everywhere,
and the value E log D(x) + E log(1 − D(G(z))) = −log 4 = −1.3863 is its minimum over G (tested).

G's noise is small, so that its samples start close together. There are three variants. `plain`: D's
input is a single point, so all samples of G move to the mode that D currently rates as most real,
and with a momentum of 0.9 they keep moving: mode collapse. `minibatch_statistics`: D's input also
contains the means and standard deviations of the batch, which reveal samples that are all in one
place. `low_momentum`: in addition, the momentum is 0.5.

Metrics: `mode_coverage` is 1 if each mode has an eighth of the samples; `modes` is the number of
modes with at least a fifth of that share; `high_quality_samples` is the share of samples within
three standard deviations of a mode.
"""

import keras
import numpy as np
import tensorflow as tf

from layers.batch_statistics import BatchStatistics
from recipes.common.arrays import to_numpy
from recipes.common.gan_losses import discriminator_loss, frozen_call, generator_loss
from recipes.common.snapshots import SnapshotCallback

EPOCHS = 40
OBJECTIVE = ("val_mode_coverage", "max")
VARIANTS = {
    "plain": {"beta_1": 0.9, "minibatch_statistics": False},
    "minibatch_statistics": {"beta_1": 0.9},
    "low_momentum": {},
}
LOSSES = ("discriminator_loss", "generator_loss")
SAMPLE_METRICS = ("mode_coverage", "modes", "high_quality_samples")
MODES = 8
DEVIATION = 0.05  # of each mode
ANGLES = 2 * np.pi * np.arange(MODES) / MODES
CENTERS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1).astype("float32")
LATENT_DIM = 8
LATENT_DEVIATION = 0.1
# A snapshot: samples of fixed noise, and D on a grid of points.
NOISE = np.random.default_rng(0).normal(0, LATENT_DEVIATION, (400, LATENT_DIM)).astype("float32")
LINE = np.linspace(-1.5, 1.5, 31, dtype="float32")
GRID = np.stack(np.meshgrid(LINE, LINE), axis=-1).reshape(-1, 2)


def sample_mixture(count, seed):
    """Samples (count, 2) of a mixture of eight Gaussians (σ = 0.05) on a circle of radius 1."""
    rng = np.random.default_rng(seed)
    centers = CENTERS[rng.integers(0, MODES, count)]
    return (centers + rng.normal(0, DEVIATION, (count, 2))).astype("float32")


def load_data(batch_size=256):
    """Train, validation and test batches of points (2,), which are always the same."""
    train = tf.data.Dataset.from_tensor_slices((sample_mixture(25_600, seed=1),))
    validation = tf.data.Dataset.from_tensor_slices((sample_mixture(2000, seed=2),))
    test = tf.data.Dataset.from_tensor_slices((sample_mixture(10_000, seed=3),))
    return train.shuffle(25_600).batch(batch_size), validation.batch(1000), test.batch(1000)


def build_network(inputs, units, outputs):
    """A network with two hidden layers of `units` neurons."""
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(outputs, dtype="float32"),
        ]
    )


@keras.saving.register_keras_serializable(package="gan_toy")
class GAN(keras.Model):
    """Points (batch, 2) to logits (batch, 1) of being real; `generate` samples the generator."""

    def __init__(self, minibatch_statistics=True, units=64, **kwargs):
        super().__init__(**kwargs)
        self.minibatch_statistics = minibatch_statistics
        self.units = units
        if minibatch_statistics:
            self.features = BatchStatistics(dtype="float32")  # (batch, 6)
        else:
            self.features = keras.layers.Identity(dtype="float32")
        self.generator = build_network(LATENT_DIM, units, 2)
        self.discriminator = build_network(6 if minibatch_statistics else 2, units, 1)
        self.seeds = keras.random.SeedGenerator()
        self.trackers = {name: keras.metrics.Mean(name=name) for name in LOSSES + SAMPLE_METRICS}

    def build(self, input_shape):
        self.built = True

    def call(self, points):
        return self.discriminator(self.features(points))

    def generate(self, count):
        shape = (count, LATENT_DIM)
        return self.generator(keras.random.normal(shape, stddev=LATENT_DEVIATION, seed=self.seeds))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        generated = self.generate(keras.ops.shape(x)[0])
        # Each loss has gradients only for the weights of its own network, so their sum trains both.
        d_loss = discriminator_loss(y_pred, self(keras.ops.stop_gradient(generated)))
        g_loss = generator_loss(frozen_call(self.discriminator, self.features(generated)))
        self.trackers["discriminator_loss"].update_state(d_loss)
        self.trackers["generator_loss"].update_state(g_loss)
        return d_loss + g_loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {name: self.trackers[name].result() for name in LOSSES}

    def test_step(self, data):
        (points,) = data
        self.compute_loss(points, y_pred=self(points))
        scores = mode_metrics(self.generate(keras.ops.shape(points)[0]))
        for name in SAMPLE_METRICS:
            self.trackers[name].update_state(scores[name])
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def get_config(self):
        own = {"minibatch_statistics": self.minibatch_statistics, "units": self.units}
        return {**super().get_config(), **own}


def mode_metrics(points):
    """Mode coverage, number of modes, and share of high-quality samples of points (count, 2)."""
    ops = keras.ops
    # (count, modes)
    squared_distances = ops.sum((ops.expand_dims(points, 1) - CENTERS) ** 2, axis=-1)
    near = ops.cast(squared_distances < (3 * DEVIATION) ** 2, "float32")
    shares = ops.mean(near, axis=0)  # (modes,)
    return {
        "mode_coverage": ops.sum(ops.minimum(shares, 1 / MODES)),
        "modes": ops.sum(ops.cast(shares >= 0.2 / MODES, "float32")),
        "high_quality_samples": ops.sum(shares),
    }


def build_model(minibatch_statistics=True, units=64, learning_rate=0.001, beta_1=0.5):
    """The compiled pair. 9,539 parameters; 9,283 without minibatch statistics."""
    model = GAN(minibatch_statistics, units)
    model.compile(keras.optimizers.Adam(learning_rate, beta_1=beta_1))
    return model


def snapshot(model):
    """Samples (400, 2) from the fixed noise, and D's probabilities (31, 31) on the grid."""
    samples = np.asarray(model.generator(NOISE))
    # Each point of the grid is combined with the statistics of a batch of real points.
    statistics = model.features(sample_mixture(2000, seed=4))[:1, 2:]
    statistics = keras.ops.tile(statistics, (len(GRID), 1))
    logits = model.discriminator(keras.ops.concatenate([GRID, statistics], axis=1))
    return [samples, np.asarray(keras.ops.sigmoid(logits)).reshape(31, 31)]


def callbacks():
    return [SnapshotCallback(snapshot)]


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning, by default the recipe's own."""
    return {
        "minibatch_statistics": hp.Boolean("minibatch_statistics", default=True),
        "units": hp.Int("units", 16, 128, step=16, default=64),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.001),
        "beta_1": hp.Choice("beta_1", [0.0, 0.5, 0.9, 0.95], default=0.5),
        "batch_size": hp.Choice("batch_size", [64, 128, 256, 512], default=256),
    }


def baseline(train, test):
    """A single Gaussian."""
    (points,) = to_numpy(train)
    rng = np.random.default_rng(0)
    samples = rng.multivariate_normal(points.mean(0), np.cov(points.T), 10_000)
    scores = mode_metrics(samples.astype("float32"))
    return {name: float(value) for name, value in scores.items()}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        best = keras.callbacks.ModelCheckpoint(
            f"gan_toy_{name}.keras", monitor="val_mode_coverage", mode="max", save_best_only=True
        )
        model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            callbacks=[best, *callbacks()],
        )
        # Weights of the best epoch; a model loaded from the file would sample other random numbers.
        model.load_weights(f"gan_toy_{name}.keras")
        print(name, model.evaluate(test, return_dict=True))
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

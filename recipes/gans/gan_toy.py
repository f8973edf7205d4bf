"""Generative adversarial networks on a ring of eight heaps of points: the game in the plane, and how it collapses.

Slides: 000 «GANs», 001 «GAN», 001 «Problemas de las GAN» (colapso modal).
Paper:  Goodfellow et al. (2014), Generative adversarial nets, https://arxiv.org/abs/1406.2661 (the game and its end);
        Metz et al. (2017), https://arxiv.org/abs/1611.02163 (a ring of heaps); Salimans et al. (2016),
        https://arxiv.org/abs/1606.03498 (looking at whole batches)
Departs from the paper: both networks take each step at the same time, and the generator maximises log D(G(z)).

D says how probable it is that a point is real, G makes points of random numbers. At the end of the game the points are
the same, D = ½ everywhere, and E log D(x) + E log(1 − D(G(z))) = −log 4 = −1.3863, its least over all G (tested).

G's random numbers are small, and so its points start close together. Three ways to play. `alone`: D sees one point at
a time, so G runs with all its points after whichever heap D believes in, and with a momentum of 0.9 it runs on and on.
`statistics`: D also sees the means and deviations of the batch, and points that are all in one place give themselves
away. `calm`: less momentum besides.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.animation import FuncAnimation

from layers.adversarial import discriminator_loss, generator_loss, hold_still
from layers.album import Album
from layers.batch_statistics import BatchStatistics

EPOCHS, OBJECTIVE = 40, ("val_overlap", "max")
VARIANTS = {
    "alone": {"beta_1": 0.9, "statistics": False},
    "statistics": {"beta_1": 0.9},
    "calm": {},
}
HEAPS, WIDTH, LATENT, SPREAD = 8, 0.05, 8, 0.1
CENTRES = np.stack(
    [f(2 * np.pi * np.arange(HEAPS) / HEAPS) for f in (np.cos, np.sin)], axis=1
).astype("float32")
LINE = np.linspace(-1.5, 1.5, 31, dtype="float32")
PLANE = np.stack(np.meshgrid(LINE, LINE), axis=-1).reshape(-1, 2)
CODES = np.random.default_rng(0).normal(0, SPREAD, (400, LATENT)).astype("float32")


def ring(count, seed):
    """Points (count, 2) of the heaps, which are equally likely."""
    rng = np.random.default_rng(seed)
    return (CENTRES[rng.integers(0, HEAPS, count)] + rng.normal(0, WIDTH, (count, 2))).astype(
        "float32"
    )


def load_data(batch_size=256):
    """Train, validation and test batches of points (2,). Always the same ones."""
    parts = ((25_600, 1), (2000, 2), (10_000, 3))
    train, validation, test = (tf.data.Dataset.from_tensor_slices((ring(*part),)) for part in parts)
    return train.shuffle(25_600).batch(batch_size), validation.batch(1000), test.batch(1000)


def network(inputs, units, outputs):
    hidden = [keras.layers.Dense(units, activation="relu") for _ in range(2)]
    return keras.Sequential(
        [keras.Input((inputs,)), *hidden, keras.layers.Dense(outputs, dtype="float32")]
    )


@keras.saving.register_keras_serializable(package="gan_toy")
class GAN(keras.Model):
    """Called with points, it gives the logits of their being real; `generator` makes points of random numbers."""

    def __init__(self, statistics=True, units=64, **kwargs):
        super().__init__(**kwargs)
        self.statistics, self.units = statistics, units
        self.look = (
            BatchStatistics(dtype="float32")
            if statistics
            else keras.layers.Identity(dtype="float32")
        )
        self.generator = network(LATENT, units, 2)
        self.discriminator = network(6 if statistics else 2, units, 1)
        self.seeds = keras.random.SeedGenerator()
        names = ("discriminator_loss", "generator_loss", "overlap", "heaps", "good")
        self.means = {name: keras.metrics.Mean(name=name) for name in names}

    def build(self, input_shape):
        self.built = True

    def call(self, points):
        return self.discriminator(self.look(points))

    def generate(self, count):
        return self.generator(keras.random.normal((count, LATENT), stddev=SPREAD, seed=self.seeds))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        fake = self.generate(keras.ops.shape(x)[0])
        d_loss = discriminator_loss(y_pred, self(keras.ops.stop_gradient(fake)))
        g_loss = generator_loss(hold_still(self.discriminator, self.look(fake)))
        self.means["discriminator_loss"].update_state(d_loss)
        self.means["generator_loss"].update_state(g_loss)
        return d_loss + g_loss  # each network stands in one of them only

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {
            name: self.means[name].result() for name in ("discriminator_loss", "generator_loss")
        }

    def test_step(self, data):
        (points,) = data
        self.compute_loss(points, y_pred=self(points))
        for name, value in judge(self.generate(keras.ops.shape(points)[0])).items():
            self.means[name].update_state(value)
        return {name: mean.result() for name, mean in self.means.items()}

    def get_config(self):
        return {**super().get_config(), "statistics": self.statistics, "units": self.units}


def judge(points):
    """How much of the ring is there, `overlap`: 1 if each heap has its eighth of the points; how many `heaps` have a
    fifth of that; what share of the points is `good`, within three deviations of a centre."""
    ops = keras.ops
    squares = ops.sum((ops.expand_dims(points, 1) - CENTRES) ** 2, axis=-1)
    shares = ops.mean(ops.cast(squares < (3 * WIDTH) ** 2, "float32"), axis=0)
    heaps = ops.sum(ops.cast(shares >= 0.2 / HEAPS, "float32"))
    return {
        "overlap": ops.sum(ops.minimum(shares, 1 / HEAPS)),
        "heaps": heaps,
        "good": ops.sum(shares),
    }


def build_model(statistics=True, units=64, learning_rate=0.001, beta_1=0.5):
    """The compiled pair. 9,539 parameters; 9,283 without statistics."""
    model = GAN(statistics, units)
    model.compile(keras.optimizers.Adam(learning_rate, beta_1=beta_1))
    return model


def look(model):
    """The same points as the generator makes them now, and D in the company of real points, all over the plane."""
    company = keras.ops.tile(model.look(ring(2000, seed=4))[:1, 2:], (len(PLANE), 1))
    belief = keras.ops.sigmoid(model.discriminator(keras.ops.concatenate([PLANE, company], axis=1)))
    return [np.asarray(model.generator(CODES)), np.asarray(belief).reshape(31, 31)]


def callbacks():
    return [Album(look)]


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "statistics": hp.Boolean("statistics", default=True),
        "units": hp.Int("units", 16, 128, step=16, default=64),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.001),
        "beta_1": hp.Choice("beta_1", [0.0, 0.5, 0.9, 0.95], default=0.5),
        "batch_size": hp.Choice("batch_size", [64, 128, 256, 512], default=256),
    }


def baseline(train, test):
    """One normal distribution for all."""
    points = np.concatenate([points for (points,) in train.as_numpy_iterator()])
    made = np.random.default_rng(0).multivariate_normal(points.mean(0), np.cov(points.T), 10_000)
    return {name: float(value) for name, value in judge(made.astype("float32")).items()}


def draw_plane(axis, points, belief):
    """Where D sees real points (orange) and made ones (purple), and the points that are being made."""
    axis.imshow(
        belief, extent=(-1.55, 1.55, -1.55, 1.55), origin="lower", cmap="PuOr_r", vmin=0, vmax=1
    )
    axis.scatter(*CENTRES.T, s=90, facecolors="none", edgecolors="0.35", linewidths=1)
    (dots,) = axis.plot(*points.T, ".", color="black", markersize=2)
    axis.set(xlim=(-1.55, 1.55), ylim=(-1.55, 1.55), xticks=[], yticks=[])
    return axis.images[0], dots


def figures(models, test, histories):
    """The game as it goes, its end, and what the losses say of it."""
    moving, panels = plt.subplots(
        1, len(models), figsize=(3 * len(models), 3.4), layout="constrained", squeeze=False
    )
    drawn = [
        draw_plane(axis, *model.album[0][1])
        for axis, model in zip(panels[0], models.values(), strict=True)
    ]
    frames = (min(len(model.album) for model in models.values()) + 1) // 2  # every other epoch

    def turn(frame):
        for axis, (name, model), (field, dots) in zip(
            panels[0], models.items(), drawn, strict=True
        ):
            epoch, (points, belief) = model.album[2 * frame]
            field.set_data(belief)
            dots.set_data(*points.T)
            axis.set_title(f"{name}, epoch {epoch}")

    turn(0)
    moving.canvas.draw()
    moving.set_layout_engine("none")

    end, axes = plt.subplots(1, len(models), figsize=(12, 4.4), layout="constrained", squeeze=False)
    for axis, (name, model) in zip(axes[0], models.items(), strict=True):
        draw_plane(axis, *look(model))
        scores = {key: float(value) for key, value in judge(model.generate(10_000)).items()}
        axis.set_title(
            f"{name}: {scores['heaps']:.0f} of {HEAPS} heaps,\n{scores['good']:.0%} of the points on them"
        )
    end.suptitle("Orange: D takes it for real; purple: for made; white: it cannot say")

    losses, axes = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
    for (name, history), colour in zip(histories.items(), ("C1", "C4", "C0"), strict=False):
        for axis, key in zip(axes, ("val_discriminator_loss", "val_overlap"), strict=True):
            axis.plot(
                range(1, len(history.get(key, [])) + 1),
                history.get(key, []),
                color=colour,
                label=name,
            )
    axes[0].axhline(np.log(4), color="0.5", linestyle="--", label="log 4: D = ½ everywhere")
    axes[0].set(title="Near log 4 are good and bad discriminators", xlabel="epoch", ylabel="nats")
    axes[1].set(title="How much of the ring the generators cover", xlabel="epoch", ylim=(0, 1))
    axes[0].legend()
    return {
        "game": FuncAnimation(moving, turn, frames=frames, interval=300),
        "end": end,
        "losses": losses,
    }


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data()
        model = build_model(**arguments)
        model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=callbacks()
        )
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"gan_toy_{name}.keras")


if __name__ == "__main__":
    main()

"""Hopfield network: an associative memory recalls letters from corrupted ones, downhill in energy.

Slides: 000 «Redes de Hopfield (1982)», 000 «Redes de Hopfield (memoria)», 001 zoo of networks (HN).
Paper:  Hopfield (1982), https://doi.org/10.1073/pnas.79.8.2554; perceptron rule: Gardner (1988),
        https://doi.org/10.1088/0305-4470/21/1/030
Departs from the paper: units are −1 or 1 instead of 0 or 1, and they are updated in a fixed order
instead of in random order.

Each unit takes the sign of the weighted sum of the others. With symmetric weights, and none from a
unit to itself, no update can raise the energy E = −½ Σ w_ij s_i s_j, so every state converges to a
minimum. With Hebb's rule, w_ij = Σ x_i x_j, the patterns x are minima if they are few (up to about
0.138 n) and independent. Letters resemble each other, so only few of them can be stored. The
perceptron rule repeats Hebb's step only for units that are not stable in a pattern by a margin.
"""

import pathlib

import keras
import matplotlib
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

from recipes.common.arrays import to_numpy

EPOCHS = 30
OBJECTIVE = ("val_overlap", "max")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
VARIANTS = {
    "hebbian_6": {"letters": "AEJMQT", "rule": "hebbian"},  # six dissimilar letters
    "hebbian_26": {"letters": ALPHABET, "rule": "hebbian"},
    "perceptron_26": {"letters": ALPHABET, "rule": "perceptron"},
}
SIDE = 12  # pixels of a letter's side
SWEEPS = 50  # at most, to reach a fixed point


def render(letter):
    """A letter, scaled to fill its square: (SIDE * SIDE,) pixels, 1 on strokes, −1 elsewhere."""
    fonts = pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf")
    font = ImageFont.truetype(str(fonts / "DejaVuSansMono-Bold.ttf"), 100)
    left, top, right, bottom = font.getbbox(letter)
    image = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(image).text((-left, -top), letter, fill=255, font=font)
    image = image.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.where(np.asarray(image) > 127, 1, -1).ravel()


def corrupt(letters, copies, noise, seed):
    """Noisy copies of letters (count, pixels), and their originals: twice (copies * count, pixels).

    Each pixel is flipped with probability `noise`.
    """
    clean = np.tile(letters, (copies, 1))
    flipped = np.random.default_rng(seed).random(clean.shape) < noise
    return np.where(flipped, -clean, clean), clean


def load_data(batch_size=26, letters=ALPHABET, noise=0.1):
    """Train, validation and test batches of (144,) initial states and (144,) letters to recall.

    Training letters, to be stored, are clean. The others have noise, sampled by the run's seed.
    """
    seeds = np.random.randint(2**31, size=2)
    stored = np.array([render(letter) for letter in letters], "float32")
    train = tf.data.Dataset.from_tensor_slices((stored, stored))
    validation = tf.data.Dataset.from_tensor_slices(corrupt(stored, 20, noise, seeds[0]))
    test = tf.data.Dataset.from_tensor_slices(corrupt(stored, 50, noise, seeds[1]))
    return train.batch(batch_size), validation.batch(500), test.batch(500)


def hebbian(patterns, chosen):
    """Hebb's rule, Σ x_i x_j over the patterns: symmetric, and 0 from a unit to itself.

    Args:
        patterns: (count, n), −1 and 1.
        chosen: (count, n), 1 for the units that learn from a pattern and 0 for the others; if only
            one of a weight's two units learns, the weight changes by half.

    Returns:
        (n, n).
    """
    products = keras.ops.matmul(keras.ops.transpose(patterns * chosen), patterns)
    symmetric = (products + keras.ops.transpose(products)) / 2
    diagonal = keras.ops.eye(patterns.shape[-1], dtype=patterns.dtype)
    return symmetric * (1 - diagonal)


def update(states, kernel, unit):
    """States (batch, n) after one unit has taken the sign of its field, or kept its state if 0."""
    weights = keras.ops.take(kernel, [unit], axis=1)  # (n, 1)
    fields = keras.ops.matmul(states, weights)  # (batch, 1)
    new = keras.ops.where(fields == 0, states, keras.ops.sign(fields))
    is_updated = keras.ops.arange(states.shape[-1]) == unit  # (n,)
    return keras.ops.where(is_updated, new, states)


@keras.saving.register_keras_serializable(package="hopfield")
class Hopfield(keras.Model):
    """States (batch, n) of −1 and 1 to the fixed points to which they converge.

    Args:
        rule: "hebbian": every pattern adds its products to the weights. "perceptron": only for
            units that are not stable in it, x_i Σ w_ij x_j < margin · n.
        margin: Of the perceptron rule, at least 0.
    """

    def __init__(self, rule="hebbian", margin=1.0, **kwargs):
        super().__init__(**kwargs)
        if rule not in ("hebbian", "perceptron"):
            raise ValueError(f'rule must be "hebbian" or "perceptron". Received: {rule}')
        if margin < 0:
            raise ValueError(f"margin must not be negative. Received: {margin}")
        self.rule = rule
        self.margin = margin
        self.overlap = keras.metrics.Mean(name="overlap")  # mean product: 1 if all are correct
        self.recalled = keras.metrics.Mean(name="recalled")  # share of letters without a mistake
        self.unstable = keras.metrics.Mean(name="unstable")  # share of units unstable in patterns

    def build(self, input_shape):
        self.units = input_shape[-1]
        shape = (self.units, self.units)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="zeros")
        self.built = True

    def call(self, states):
        """Sweep over the units, one by one, until nothing changes."""
        kernel = keras.ops.convert_to_tensor(self.kernel)

        def update_unit(unit, states):
            return update(states, kernel, unit)

        def sweep(states, changed):
            new = keras.ops.fori_loop(0, states.shape[-1], update_unit, states)
            return new, keras.ops.any(new != states)

        def unfinished(states, changed):
            return changed

        start = (keras.ops.cast(states, kernel.dtype), True)
        states, _ = keras.ops.while_loop(unfinished, sweep, start, maximum_iterations=SWEEPS)
        return states

    def energy(self, states):
        """E = −½ Σ w_ij s_i s_j of each state (batch, n): (batch,)."""
        fields = keras.ops.matmul(states, self.kernel)
        return -keras.ops.sum(fields * states, axis=-1) / 2

    def train_step(self, data):
        patterns, _ = data
        fields = keras.ops.matmul(patterns, self.kernel)  # (batch, n)
        # Positive where the unit is stable in the pattern.
        stability = patterns * fields
        if self.rule == "hebbian":
            chosen = keras.ops.ones_like(patterns)
        else:
            weak = stability < self.margin * self.units
            chosen = keras.ops.cast(weak, patterns.dtype)
        self.kernel.assign_add(hebbian(patterns, chosen))
        self.unstable.update_state(stability <= 0)
        return {"unstable": self.unstable.result()}

    def test_step(self, data):
        starts, patterns = data
        ends = self(starts)
        # 1 where a unit is correct, else −1.
        agreement = ends * keras.ops.cast(patterns, ends.dtype)
        self.overlap.update_state(keras.ops.mean(agreement, axis=-1))
        self.recalled.update_state(keras.ops.all(agreement > 0, axis=-1))
        return {"overlap": self.overlap.result(), "recalled": self.recalled.result()}

    def get_config(self):
        return {**super().get_config(), "rule": self.rule, "margin": self.margin}


def build_model(rule="perceptron", margin=1.0, units=SIDE * SIDE):
    """The network with an empty memory: (144,) states to (144,) fixed points. 20,736 parameters.

    It has no loss, since neither rule is gradient descent, and its optimizer is never used.
    """
    model = Hopfield(rule, margin)
    model.build((None, units))
    model.compile(optimizer="sgd")
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {"margin": hp.Float("margin", 0.0, 4.0, step=0.25, default=1.0)}


def baseline(train, test):
    """Nearest stored letter."""
    stored, answers = to_numpy(train)
    starts, letters = to_numpy(test)
    nearest = np.argmax(starts @ stored.T, axis=1)
    agreement = answers[nearest] * letters
    return {"overlap": np.mean(agreement), "recalled": np.mean(np.all(agreement > 0, axis=1))}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data(letters=arguments["letters"])
        model = build_model(rule=arguments["rule"])
        best = keras.callbacks.ModelCheckpoint(
            f"hopfield_{name}.keras", monitor="val_overlap", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"hopfield_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
        starts, _ = to_numpy(test)
        ends = model.predict(starts, batch_size=500, verbose=0)
        before = np.mean(model.energy(starts))
        after = np.mean(model.energy(ends))
        print(f"Mean energy of the corrupted letters: {before:.0f}, after recall: {after:.0f}")


if __name__ == "__main__":
    main()

"""Perceptron: Rosenblatt's rule finds a separating line, and learns left from right in 50 trials.

Slides: 000 «El perceptrón (1957)», 000 «En la prensa», 003 «Perceptrón: 2 dimensiones».
Paper:  Rosenblatt (1958), The perceptron, https://doi.org/10.1037/h0042519;
        Novikoff (1962), On convergence proofs for perceptrons (the bound);
        «New Navy device learns by doing», The New York Times, 8 July 1958.
Departs from the slides: in 003 the outputs are −1 and 1; here they are 0 and 1, with the same line.
The newspaper describes squares on the left or the right of a card; their size, 5 × 5 of 20 × 20
pixels, is our guess.

The weights change only after a mistake: the input is added to them or subtracted from them. If no
input has a norm above R and some line separates the classes with a margin of γ, there are at most
(R/γ)² such updates, however long the training (tested).
"""

import keras
import numpy as np
import tensorflow as tf

from layers.threshold import Threshold
from recipes.common.arrays import to_numpy

EPOCHS = 15
OBJECTIVE = ("val_accuracy", "max")
VARIANTS = {
    "points": {"task": "points"},
    "cards": {"task": "cards"},
}

# The line that separates the points: w₁ x₁ + w₂ x₂ + b = 0.
LINE = np.array([0.6, 0.8, 0.1])  # w₁, w₂, b
MARGIN = 0.05  # least distance of a point from the line
RETINA = 20  # pixels of a card's side
SQUARE = 5  # pixels of a square's side


def points(count, seed):
    """Points (count, 2), uniform in a square outside the margin, and labels (count, 1): 1 above."""
    x = np.random.default_rng(seed).uniform(-1, 1, (20 * count, 2))
    distance = x @ LINE[:2] + LINE[2]  # (w₁, w₂) has norm 1
    above = x[distance >= MARGIN][: count // 2]
    below = x[distance <= -MARGIN][: count // 2]
    labels = np.repeat([1, 0], count // 2)[:, None]
    return np.concatenate([above, below]).astype("float32"), labels.astype("float32")


def cards(count, seed):
    """Cards (count, 400), 1 on a square and 0 elsewhere, and labels (count, 1): 1 on the right."""
    rng = np.random.default_rng(seed)
    right = rng.permutation(np.arange(count) % 2)
    top_ends = RETINA - SQUARE + 1
    left_ends = RETINA // 2 - SQUARE + 1  # positions within one half
    top, left = rng.integers(0, [top_ends, left_ends], (count, 2)).T
    left = left + RETINA // 2 * right
    images = np.zeros((count, RETINA, RETINA), "float32")
    for image, row, column in zip(images, top, left, strict=True):
        image[row : row + SQUARE, column : column + SQUARE] = 1
    return images.reshape(count, -1), right[:, None].astype("float32")


def load_data(batch_size=1, task="points"):
    """Train, validation and test batches: (2,) points or (400,) cards, and (1,) labels 0 or 1.

    The sets are the same every time: 200 points or 50 cards for training, 500 for validation and
    2,000 for testing.
    """
    if task not in VARIANTS:
        raise ValueError(f"task must be one of {', '.join(VARIANTS)}. Received: {task}")
    make, count = (points, 200) if task == "points" else (cards, 50)
    train = tf.data.Dataset.from_tensor_slices(make(count, seed=1))
    validation = tf.data.Dataset.from_tensor_slices(make(500, seed=2))
    test = tf.data.Dataset.from_tensor_slices(make(2000, seed=3))
    return train.shuffle(count).batch(batch_size), validation.batch(500), test.batch(500)


@keras.saving.register_keras_serializable(package="perceptron_rule")
class Perceptron(keras.Model):
    """y = 1 if x·w + b ≥ 0, else 0, trained by Rosenblatt's rule.

    The weights start at 0, so a learning rate would only scale them and change no output.
    `updates` counts the mistakes corrected in an epoch.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.threshold = Threshold()
        self.updates = keras.metrics.Sum(name="updates")

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], 1), initializer="zeros"
        )
        self.bias = self.add_weight(name="bias", shape=(1,), initializer="zeros")
        self.built = True

    def call(self, x):
        return self.threshold(keras.ops.matmul(x, self.kernel) + self.bias)

    def train_step(self, data):
        x, labels = data
        outputs = self(x)
        # 0 where the output is correct, else 1 or −1.
        mistakes = labels - keras.ops.cast(outputs, labels.dtype)
        self.kernel.assign_add(keras.ops.matmul(keras.ops.transpose(x), mistakes))
        self.bias.assign_add(keras.ops.sum(mistakes, axis=0))
        self.updates.update_state(keras.ops.abs(mistakes))
        return {**self.accuracy(x, labels, outputs), "updates": self.updates.result()}

    def test_step(self, data):
        x, labels = data
        return self.accuracy(x, labels, self(x))

    def accuracy(self, x, labels, outputs):
        """The accuracy in the epoch so far, without a loss, since there is none."""
        return {"accuracy": self.compute_metrics(x, labels, outputs)["accuracy"]}


def build_model():
    """The compiled perceptron: (2,) points or (400,) cards to 0 or 1.

    It has no loss, since the rule is not gradient descent, and its optimizer is never used.
    """
    model = Perceptron()
    model.compile(optimizer="sgd", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `load_data` worth tuning; the defaults are the recipe's own."""
    # The update for a batch is the sum of the updates for its mistakes.
    return {"batch_size": hp.Choice("batch_size", [1, 2, 5, 10], default=1)}


def baseline(train, test):
    """Majority class."""
    _, labels = to_numpy(train)
    majority = np.mean(labels) >= 0.5
    _, labels = to_numpy(test)
    return {"accuracy": np.mean(labels == majority)}


def bound(x, labels):
    """Novikoff's bound (R/γ)² on the number of updates.

    R and γ are measured with the bias as the weight of a third input, which is always 1.
    """
    x = np.c_[x, np.ones(len(x))]
    sign = 2 * labels[:, 0] - 1
    radius = np.linalg.norm(x, axis=1).max()
    gamma = np.min(sign * (x @ LINE)) / np.linalg.norm(LINE)
    return (radius / gamma) ** 2


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data(**arguments)
        model = build_model()
        best = keras.callbacks.ModelCheckpoint(
            f"perceptron_rule_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        history = model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best]
        ).history
        model = keras.saving.load_model(f"perceptron_rule_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
        print(f"After one epoch, validation accuracy was {history['val_accuracy'][0]:.1%}.")
        print(f"In all there were {sum(history['updates']):.0f} updates.")
    print(f"Novikoff's bound for the points is {bound(*points(200, seed=1)):,.0f} updates.")


if __name__ == "__main__":
    main()

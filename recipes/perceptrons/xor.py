"""XOR: no single neuron solves it, two hidden units do, unless training gets stuck.

Slides: 000 «Análisis de las limitaciones (Minsky & Papert 1969)», 000 «Perceptrons (1969)»,
        000 «¿Cuál era el problema de backpropagation?», 003 «El problema de la XOR».
Paper:  Minsky & Papert (1969), Perceptrons;
        Rumelhart, Hinton & Williams (1986), https://doi.org/10.1038/323533a0
Departs from the slides: noise is added to the four corners, so that there is data for validation
and testing. Deck 003 says that until 1986 nobody knew how to train more layers; deck 000 itself
names Bryson, Linnainmaa and Werbos.

XOR is not linearly separable: one neuron classifies at most three of the four corners correctly.
For the parity of n inputs, its accuracy is at most ½ + C(n−1, ⌊(n−1)/2⌋)/2ⁿ, and n hidden neurons
suffice (tested to n = 5). Two hidden units are enough for XOR, but training gets stuck from some
initial weights (`start` is their seed). With 16 hidden units it always succeeds.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 30
VARIANTS = {
    "one_neuron": {"hidden": 0},
    "two_hidden": {"hidden": 2, "start": 9},
    "stuck": {"hidden": 2, "start": 6},
}
CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
XOR = np.array([[0], [1], [1], [0]], "float32")  # label of each corner


def load_data(batch_size=20, noise=0.12):
    """Train, validation and test batches: (2,) noisy corners of a square and (1,) their XOR.

    The sets are the same every time; `noise` is the standard deviation in both coordinates.
    """
    rng = np.random.default_rng(0)
    datasets = []
    for copies in (100, 50, 250):
        corners = np.tile(CORNERS, (copies, 1))
        points = corners + rng.normal(0, noise, corners.shape)
        labels = np.tile(XOR, (copies, 1))
        datasets.append(tf.data.Dataset.from_tensor_slices((points.astype("float32"), labels)))
    train, validation, test = datasets
    return train.shuffle(400).batch(batch_size), validation.batch(200), test.batch(500)


def initial_weights(hidden, start):
    """Kernel and bias of the hidden layer and of the output, drawn from a standard normal."""
    rng = np.random.default_rng(start)
    weights = []
    for shape in ((2, hidden), (hidden,), (hidden, 1), (1,)):
        weights.append(rng.normal(size=shape).astype("float32"))
    return weights


def build_model(hidden=2, start=9, learning_rate=0.05, steps=EPOCHS * 20):
    """The compiled network: (2,) points to the probability that XOR is 1. 9 parameters.

    Args:
        hidden: Number of hidden units; 0 for a single neuron, which has 3 parameters.
        start: Seed of the initial weights.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    model = keras.Sequential([keras.Input((2,))])
    if hidden:
        model.add(keras.layers.Dense(hidden, activation="tanh"))
        model.add(keras.layers.Dense(1, activation="sigmoid"))
        model.set_weights(initial_weights(hidden, start))
    else:
        model.add(keras.layers.Dense(1, activation="sigmoid"))
        kernel, bias, _, _ = initial_weights(1, start)
        model.set_weights([kernel, bias])
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), "binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "hidden": hp.Int("hidden", 0, 8, default=2),
        "start": hp.Int("start", 0, 19, default=9),
        "learning_rate": hp.Float("learning_rate", 0.01, 1.0, sampling="log", default=0.05),
    }


def baseline(train, test):
    """Logistic regression."""
    points, labels = to_numpy(train)
    classifier = LogisticRegression().fit(points, labels[:, 0])
    points, labels = to_numpy(test)
    return {"accuracy": classifier.score(points, labels[:, 0])}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"xor_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"xor_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))

        # Outputs of each layer for the corners: the hidden layer maps 01 and 10 close together.
        outputs = CORNERS
        for layer in model.layers:
            outputs = keras.ops.convert_to_numpy(layer(outputs))
            print(f"{layer.name} of 00, 01, 10, 11: {outputs.round(2).tolist()}")


if __name__ == "__main__":
    main()

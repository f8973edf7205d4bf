"""Double moon: a perceptron separates moons that lie apart; interlocked ones need a hidden layer.

Slides: 000 «En realidad: un clasificador lineal», 000 «Backpropagation: El resultado».
Paper:  Haykin (2009), Neural networks and learning machines, 3rd edition, sections 1.5 and 4.7
        (the moons); Rosenblatt (1958), https://doi.org/10.1037/h0042519
Departs from the slides: the hidden layer trains with Adam and cross-entropy. In Keras the
perceptron is a linear unit with the loss max(0, −d s), which is 0 for correctly classified
examples; a step on one example is Rosenblatt's rule (tested). If no line separates the classes,
training does not converge, and the best line is kept. The learning rate hardly matters: it only
scales the weights and does not change their direction.

Each moon is half a ring of radius 10 and width 6. At distance d = 1 a straight line passes between
them; at d = −4 they interlock.
"""

import keras
import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy

EPOCHS = 30
CLASSES = ["lower moon", "upper moon"]
VARIANTS = {
    "apart": {"network": "perceptron", "distance": 1},
    "interlocked": {"network": "perceptron", "distance": -4},
    "hidden_layer": {"network": "hidden_layer", "distance": -4},
}
RADIUS = 10  # of the center line of each half ring
WIDTH = 6  # of the ring


def moons(count, distance, seed):
    """Points (count, 2), half of them on each moon, and labels (count, 1): 1 for the upper one.

    The upper moon is centered at (0, 0), the lower one at (10, −distance).
    """
    rng = np.random.default_rng(seed)
    radius = RADIUS + WIDTH * rng.uniform(-0.5, 0.5, count)
    angle = rng.uniform(0, np.pi, count)
    x = radius * np.cos(angle)
    y = radius * np.sin(angle)
    upper = np.arange(count) % 2 == 0
    x = np.where(upper, x, x + RADIUS)
    y = np.where(upper, y, -y - distance)
    points = np.stack([x, y], axis=1)
    return points.astype("float32"), upper[:, None].astype("float32")


def load_data(batch_size=20, distance=-4):
    """Train, validation and test batches: (2,) points and (1,) labels, 1 for the upper moon.

    The sets are the same every time; `distance` is the vertical distance between the moons.
    """
    train = tf.data.Dataset.from_tensor_slices(moons(1000, distance, seed=1))
    validation = tf.data.Dataset.from_tensor_slices(moons(1000, distance, seed=2))
    test = tf.data.Dataset.from_tensor_slices(moons(2000, distance, seed=3))
    return train.shuffle(1000).batch(batch_size), validation.batch(500), test.batch(500)


@keras.saving.register_keras_serializable(package="double_moon")
def perceptron_loss(labels, s):
    """Perceptron loss, max(0, −d s) with d = ±1: 0 for correctly classified points."""
    return keras.ops.mean(keras.ops.relu((1 - 2 * labels) * s), axis=-1)


def build_model(network="hidden_layer", units=20, learning_rate=0.03, steps=EPOCHS * 50):
    """The compiled network: (2,) points to a score for the upper moon. 81 parameters.

    Args:
        network: `"hidden_layer"`, whose score is a probability, or `"perceptron"`, which has 3
            parameters and whose score is positive for the upper moon.
        units: Number of hidden units.
        learning_rate: Initial rate of Adam for the network with a hidden layer, followed by cosine
            decay to zero.
        steps: Number of training steps.
    """
    model = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(1 / 10)])
    if network == "perceptron":
        model.add(keras.layers.Dense(1))
        optimizer = keras.optimizers.SGD(1.0)
        accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
        model.compile(optimizer, perceptron_loss, metrics=[accuracy])
    else:
        model.add(keras.layers.Dense(units, activation="tanh"))
        model.add(keras.layers.Dense(1, activation="sigmoid"))
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        optimizer = keras.optimizers.Adam(schedule)
        model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 4, 40, step=4, default=20),
        "learning_rate": hp.Float("learning_rate", 0.001, 0.3, sampling="log", default=0.03),
        "batch_size": hp.Choice("batch_size", [10, 20, 50, 100], default=20),
    }


def least_squares(points, labels):
    """Weights and bias (3,) of the least-squares fit to targets ±1 on the two moons."""
    inputs = np.c_[points, np.ones(len(points))]
    targets = 2 * labels[:, 0] - 1
    solution, *_ = np.linalg.lstsq(inputs, targets, rcond=None)
    return solution


def baseline(train, test):
    """Least squares."""
    w1, w2, b = least_squares(*to_numpy(train))
    points, labels = to_numpy(test)
    predicted = points @ [w1, w2] + b > 0
    return {"accuracy": np.mean(predicted == labels[:, 0])}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data(distance=arguments["distance"])
        model = build_model(network=arguments["network"], steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"double_moon_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"double_moon_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

"""Extreme learning machine (ELM): a random hidden layer, and output weights by least squares.

Slides: 001 «zoo ELM» (extreme learning machine).
Paper:  Huang, Zhu & Siew (2006), Extreme learning machine: theory and applications,
        https://doi.org/10.1016/j.neucom.2005.12.126;
        Schmidt, Kraaijveld & Duin (1992), Feedforward neural networks with random weights,
        https://doi.org/10.1109/ICPR.1992.201708 (the same network, earlier)
Departs from the paper: ridge regression instead of the pseudoinverse of H, from sums over batches,
so that the hidden outputs of all images need not be in memory at once.

The hidden layer keeps its random initial weights. The output layer is linear in the hidden outputs
H, so the weights with the least squared error solve a system of linear equations,
`(HᵀH + λI) W = HᵀY`: one pass over the images, without a learning rate. The price is hidden units,
because none of them is fitted to the task. Trained by backpropagation, a network of the same
architecture learns its features, and needs far fewer of them.
"""

import time

import keras
import numpy as np
import tensorflow_datasets as tfds
from keras import ops
from sklearn.linear_model import RidgeClassifier

from recipes.common.arrays import to_numpy

EPOCHS = 1
OBJECTIVE = ("val_accuracy", "max")
IMAGES = 20_000  # to learn from
VARIANTS = {
    "elm_100": {"units": 100},
    "elm_500": {"units": 500},
    "elm_2000": {"units": 2000},
    "backprop_20": {"learning": "backpropagation", "units": 20, "batch_size": 100, "passes": 5},
    "backprop_100": {"learning": "backpropagation", "units": 100, "batch_size": 100, "passes": 5},
}


def load_data(batch_size=5000, passes=1):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9.

    Args:
        batch_size: Number of images in a training batch.
        passes: How often each of the 20,000 training images occurs in an epoch. Least squares needs
            each once.
    """
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.take(IMAGES).cache().shuffle(IMAGES).repeat(passes).batch(batch_size)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


@keras.saving.register_keras_serializable(package="extreme_learning_machine")
class ExtremeLearningMachine(keras.Model):
    """(28, 28, 1) images to 10 scores, fitted to one-hot labels by least squares.

    Args:
        units: Number of hidden units.
        scale: Standard deviation of their random weights; that of their biases is 1.
        ridge: L2 penalty on the output weights, relative to the mean squared error.
    """

    def __init__(self, units=500, scale=0.2, ridge=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.scale = scale
        self.ridge = ridge
        self.flatten = keras.layers.Flatten(dtype="float32")
        self.hidden = keras.layers.Dense(
            units,
            activation="sigmoid",
            kernel_initializer=keras.initializers.RandomNormal(stddev=scale),
            bias_initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            dtype="float32",
        )
        self.accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")

    def build(self, input_shape):
        self.hidden.build((None, 28 * 28))
        count = self.units + 1  # hidden outputs, and a constant 1 for the bias
        self.readout = self.add_weight(
            name="readout", shape=(count, 10), initializer="zeros", dtype="float32"
        )
        # Sums over all images so far: HᵀH and HᵀY. Single precision is too coarse for the solution.
        self.products = self.add_weight(
            name="products",
            shape=(count, count),
            initializer="zeros",
            dtype="float64",
            trainable=False,
        )
        self.moments = self.add_weight(
            name="moments",
            shape=(count, 10),
            initializer="zeros",
            dtype="float64",
            trainable=False,
        )
        self.built = True

    def features(self, images):
        """The hidden outputs and the constant 1: (batch, units + 1)."""
        hidden = self.hidden(self.flatten(ops.cast(images, "float32") / 255))
        return ops.concatenate([hidden, ops.ones_like(hidden[:, :1])], axis=1)

    def call(self, images):
        return ops.matmul(self.features(images), self.readout)

    def train_step(self, data):
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        h = ops.cast(self.features(images), "float64")
        y = ops.one_hot(labels, 10, dtype="float64")
        self.products.assign_add(ops.matmul(ops.transpose(h), h))
        self.moments.assign_add(ops.matmul(ops.transpose(h), y))
        # The sum of the constant's squares is the number of images so far.
        penalty = self.ridge * self.products[-1, -1] * ops.eye(self.units + 1, dtype="float64")
        readout = ops.solve(self.products + penalty, self.moments)
        self.readout.assign(ops.cast(readout, "float32"))
        return self.test_step(data)

    def test_step(self, data):
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.accuracy.update_state(labels, self(images))
        return {"accuracy": self.accuracy.result()}

    def get_config(self):
        own = {"units": self.units, "scale": self.scale, "ridge": self.ridge}
        return {**super().get_config(), **own}


def build_model(learning="least_squares", units=500, scale=0.2, ridge=1e-5, learning_rate=0.01):
    """The compiled network: (28, 28, 1) images to scores of 10 classes. 653,521 parameters.

    5,010 of them are trainable: the output weights. The others are the random hidden layer and the
    sums of the equations. With backpropagation there are 397,510, all trainable, and the scores are
    probabilities.

    Args:
        learning: `"least_squares"`, with a fixed hidden layer, or `"backpropagation"`.
        units: Number of hidden units.
        scale, ridge: As in `ExtremeLearningMachine`.
        learning_rate: Of Adam, for backpropagation.
    """
    if learning == "least_squares":
        model = ExtremeLearningMachine(units, scale, ridge)
        model.build((None, 28, 28, 1))
        model.compile(optimizer="sgd")  # not used by the training step
        return model
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="sigmoid"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Choice("units", [100, 200, 500, 1000, 2000], default=500),
        "scale": hp.Choice("scale", [0.05, 0.1, 0.2, 0.4], default=0.2),
        "ridge": hp.Choice("ridge", [1e-7, 1e-6, 1e-5, 1e-4, 1e-3], default=1e-5),
    }


def baseline(train, test):
    """Least squares on the pixels."""
    images, labels = to_numpy(train)
    model = RidgeClassifier(alpha=1.0).fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": model.score(images.reshape(-1, 784) / np.float32(255), labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        data = {key: arguments[key] for key in arguments if key in ("batch_size", "passes")}
        network = {key: arguments[key] for key in arguments if key not in data}
        train, validation, test = load_data(**data)
        model = build_model(**network)
        started = time.perf_counter()
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, verbose=2)
        print(name, f"trained in {time.perf_counter() - started:.1f} s")
        model.save(f"extreme_learning_machine_{name}.keras")
        print(name, model.evaluate(test, return_dict=True, verbose=0))
    train, _, test = load_data()
    print("Least squares on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()

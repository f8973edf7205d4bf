"""A recipe whose network depends on batch size, epochs, steps, and the training set.

Slides: none.
"""

import keras
import numpy as np
import tensorflow as tf

EPOCHS = 5
VARIANTS = {"line": {}, "bent": {"power": 2}}


def load_data(batch_size=50, power=1):
    """Train, validation and test batches of one number and a power of it."""
    x = np.linspace(-1, 1, 200, dtype="float32")[:, None]
    data = tf.data.Dataset.from_tensor_slices((x, x**power)).batch(batch_size)
    return data, data, data


def build_model(train, learning_rate=0.01, steps=EPOCHS * 4):
    """Starts at the mean of the inputs; the steps are small: the more there are, the better."""
    mean = float(np.mean(np.concatenate([x for x, _ in train.as_numpy_iterator()])))
    start = keras.initializers.Constant(mean)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer=start)])
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.SGD(schedule), loss="mse", metrics=["mae"])
    return model


def callbacks():
    return [keras.callbacks.TerminateOnNaN()]


def search_space(hp):
    return {"batch_size": hp.Choice("batch_size", [10, 50], default=50)}


def main():
    """Not run."""

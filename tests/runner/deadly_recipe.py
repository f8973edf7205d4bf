"""A recipe: one configuration kills its process, one hangs, one fails, one never becomes a number.

Slides: none.
"""

import os
import signal
import time

import keras
import numpy as np
import tensorflow as tf

EPOCHS = 2


def load_data(batch_size=20):
    """Train, validation and test batches of one number and its double."""
    x = np.linspace(-1, 1, 100, dtype="float32")[:, None]
    data = tf.data.Dataset.from_tensor_slices((x, 2 * x)).batch(batch_size)
    return data, data.take(2), data.take(2)


def build_model(kind="good", learning_rate=0.1):
    """The compiled network, if it comes to that."""
    if kind == "kills":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "hangs":
        time.sleep(100_000)
    if kind == "raises":
        raise ValueError("this never works")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e38 if kind == "diverges" else learning_rate), loss="mse")
    return model


def search_space(hp):
    return {
        "kind": hp.Choice(
            "kind", ["good", "kills", "hangs", "raises", "diverges", "also good"], default="good"
        )
    }


def main():
    """Not run."""

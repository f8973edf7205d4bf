"""A recipe with Adam, a schedule, dropout and shuffled data. INTERRUPTED_AT kills its process.

Slides: none.
"""

import os
import signal

import keras
import numpy as np
import tensorflow as tf

EPOCHS = 4


def load_data(batch_size=20):
    """Train, validation and test batches of one number and its sine."""
    x = np.linspace(-3, 3, 200, dtype="float32")[:, None]
    data = tf.data.Dataset.from_tensor_slices((x, np.sin(x)))
    return data.shuffle(200).batch(batch_size), data.batch(100), data.batch(100)


def build_model(learning_rate=0.03, steps=EPOCHS * 10):
    """The compiled network: a number to a number."""
    model = keras.Sequential([keras.Input((1,))])
    model.add(keras.layers.Dense(8, activation="tanh"))
    model.add(keras.layers.Dropout(0.2))
    model.add(keras.layers.Dense(1))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss="mse")
    return model


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == int(os.environ.get("INTERRUPTED_AT", -1)):
            os.kill(os.getpid(), signal.SIGKILL)


def callbacks():
    return [Interrupt()]


def main():
    """Not run."""

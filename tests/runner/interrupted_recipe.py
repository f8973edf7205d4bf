"""A recipe with Adam, a schedule, dropout and shuffled data. INTERRUPTED_AT kills its process.

With `texts`, its inputs are numbers in digits.

Slides: none.
"""

import os
import signal

import keras
import numpy as np
import tensorflow as tf

from layers.masked_average import MaskedAverage

EPOCHS = 4


def load_data(batch_size=20, texts=False):
    """Train, validation and test batches of one number, or its text, and its sine."""
    x = np.linspace(-3, 3, 200, dtype="float32")[:, None]
    inputs = [f"{number:g}" for number in x[:, 0]] if texts else x
    data = tf.data.Dataset.from_tensor_slices((inputs, np.sin(x)))
    return data.shuffle(200).batch(batch_size), data.batch(100), data.batch(100)


@keras.saving.register_keras_serializable(package="interrupted_recipe")
def spaced(texts):
    """Texts with a space after each character, so that it becomes a word."""
    return tf.strings.regex_replace(texts, "(.)", r"\1 ")


def build_model(learning_rate=0.03, texts=False, steps=EPOCHS * 10, train=None):
    """The compiled network: a number, or its text, to a number."""
    if texts:
        vectorize = keras.layers.TextVectorization(standardize=spaced)
        vectorize.adapt(train.map(lambda text, sine: text))
        embedding = keras.layers.Embedding(vectorize.vocabulary_size(), 8, mask_zero=True)
        inputs = keras.Input((), dtype="string")
        model = keras.Sequential([inputs, vectorize, embedding, MaskedAverage()])
    else:
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

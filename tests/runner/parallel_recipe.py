"""A recipe for tests on several devices: its arguments make what some of them cannot train.

Slides: none.
"""

import keras
import numpy as np
import tensorflow as tf

from layers.masked_average import MaskedAverage

EPOCHS = 2
IMPOSSIBLE = (  # on two devices
    {"own_step": True},
    {"own_loss": True},
    {"strings": True, "own_step": True},
    {"steps_per_execution": 3},
    {"jit_compile": True},
    {"accumulated": 2},
    {"batch_size": 17},
    {"batch_size": 1},
    {"batch_size": 100, "examples": 35},
    {"batch_size": 2, "examples": 1},
    {"validated": 1},
)


def load_data(batch_size=16, strings=False, examples=70, validated=21, tested=29):
    """Train, validation and test batches of 4 numbers, or of a text, and a class, 0 or 1.

    A text has 1 to 4 words, one for each of the first numbers.
    """
    x = np.random.default_rng(0).normal(size=(120, 4)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    if strings:
        words = np.where(x > 0, "up", "down")
        x = [" ".join(row[: 1 + index % 4]) for index, row in enumerate(words)]
    data = tf.data.Dataset.from_tensor_slices((x, y))
    # The last batch of each is not full.
    return (
        data.take(examples).batch(batch_size),
        data.skip(70).take(validated).batch(8),
        data.skip(91).take(tested).batch(10),
    )


def build_model(
    normalization=None,
    strings=False,
    steps_per_execution=1,
    jit_compile="auto",
    accumulated=None,
    own_step=False,
    own_loss=False,
):
    """Two dense layers, on numbers or on the mean of the embeddings of a text's words."""
    inputs = keras.Input((), dtype="string") if strings else keras.Input((4,))
    x = inputs
    if strings:
        x = keras.layers.TextVectorization(vocabulary=["up", "down"])(x)  # (batch, words)
        x = MaskedAverage()(keras.layers.Embedding(4, 4, mask_zero=True)(x))
    # A bias before a normalization has no effect: Adam would scale up its rounding errors.
    x = keras.layers.Dense(8, use_bias=not normalization)(x)
    if normalization:
        x = keras.layers.BatchNormalization(synchronized=normalization == "synchronized")(x)
    outputs = keras.layers.Dense(1, activation="sigmoid")(keras.layers.ReLU()(x))
    kind = OwnStep if own_step else OwnLoss if own_loss else keras.Model
    model = kind(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(0.05, gradient_accumulation_steps=accumulated),
        loss="binary_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
        jit_compile=jit_compile,
    )
    return model


def search_space(hp):
    return {"batch_size": hp.Choice("batch_size", [16, 32], default=16)}


@keras.saving.register_keras_serializable(package="tests")
class OwnLoss(keras.Model):
    """A model that computes its loss itself."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean((y_pred - keras.ops.cast(y, y_pred.dtype)) ** 2)


@keras.saving.register_keras_serializable(package="tests")
class OwnStep(keras.Model):
    """A model with a training step of its own."""

    def train_step(self, data):
        return super().train_step(data)

"""Attention in sequence to sequence models: additive (Bahdanau), dot product (Luong), or none.

Slides: 001 «PLN con redes recurrentes → atención»,
        002 «Limitaciones de redes recurrentes: cuello de botella».
Paper:  Bahdanau, Cho & Bengio (2015), Neural machine translation by jointly learning to align and
        translate, https://arxiv.org/abs/1409.0473; Luong, Pham & Manning (2015), Effective
        approaches to attention-based neural machine translation, https://arxiv.org/abs/1508.04025
        (the decoder's state is the query, as here)
Departs from the papers: digits are repeated instead of translated, so that the correct alignment is
known; the decoder's input is the output position, not its previous output.

An encoder reads 4 to 16 digits, and a decoder repeats them. In `code` the decoder's only source is
the encoder's last state, of 48 numbers: the longer the sequence, the more is lost. With attention
it also receives, at each step, a weighted mean of the encoder's states. The weights are computed
from its own state and each of these, by a small network (`additive`) or a dot product (`dot`).
"""

import keras
import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy

EPOCHS = 5
OBJECTIVE = ("val_exact", "max")
VARIANTS = {
    "additive": {"attention": "additive"},
    "dot": {"attention": "dot"},
    "code": {"attention": "none"},
}
LENGTH = 16  # of the longest sequence
SHORTEST = 4
DIGITS = 10  # encoded as 1 to 10; 0 is padding


def sequences(count, seed):
    """Random digits, encoded as 1 to 10 and padded with zeros: (count, 16), int32."""
    rng = np.random.default_rng(seed)
    digits = rng.integers(1, DIGITS + 1, (count, LENGTH))
    lengths = rng.integers(SHORTEST, LENGTH + 1, (count, 1))
    return np.where(np.arange(LENGTH) < lengths, digits, 0).astype("int32")


def load_data(batch_size=64, count=16_000):
    """Train, validation and test batches of sequences (16,) of integers; targets are the same."""
    sets = []
    for size, seed in ((count, 1), (1000, 2), (4000, 3)):
        digits = sequences(size, seed)
        sets.append(tf.data.Dataset.from_tensor_slices((digits, digits)))
    train, validation, test = sets
    return train.shuffle(count).batch(batch_size), validation.batch(500), test.batch(500)


@keras.saving.register_keras_serializable(package="seq2seq_attention")
def exact(digits, probabilities):
    """Whether all 16 positions are correct, including the padding: (batch,)."""
    likeliest = keras.ops.argmax(probabilities, axis=-1)  # (batch, 16)
    right = keras.ops.equal(likeliest, keras.ops.cast(digits, likeliest.dtype))
    return keras.ops.cast(keras.ops.all(right, axis=-1), "float32")


@keras.saving.register_keras_serializable(package="seq2seq_attention")
class Places(keras.layers.Layer):
    """The positions of a sequence: any tensor (batch, 16) to the integers 0 to 15, (batch, 16)."""

    def call(self, digits):
        return keras.ops.zeros_like(digits) + keras.ops.arange(digits.shape[1], dtype="int32")


def build_model(attention="dot", embed_dim=32, units=48, learning_rate=0.008, steps=EPOCHS * 250):
    """The compiled network: (16,) digits to probabilities (16, 11). 33,036 parameters.

    Args:
        attention: `"additive"`, `"dot"`, or `"none"`.
        embed_dim: Dimensions of the embeddings of digits and positions.
        units: Number of units in the LSTM of the encoder, and in that of the decoder.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    digits = keras.Input((LENGTH,), dtype="int32")
    mask = keras.ops.not_equal(digits, 0)
    places = keras.layers.Embedding(LENGTH, embed_dim)(Places()(digits))
    # Encoder: each digit with its position.
    x = keras.layers.Embedding(DIGITS + 1, embed_dim)(digits) + places
    states, hidden, cell = keras.layers.LSTM(units, return_sequences=True, return_state=True)(
        x, mask=mask
    )
    # Decoder: starts with the encoder's last state; its inputs are the output positions.
    x = keras.layers.LSTM(units, return_sequences=True)(places, initial_state=[hidden, cell])
    if attention != "none":
        kinds = {"additive": keras.layers.AdditiveAttention, "dot": keras.layers.Attention}
        layer = kinds[attention](use_scale=True, name="attention")
        # For each output position, a weighted mean of the encoder's states: (batch, 16, units).
        context = layer([x, states], mask=[None, mask])
        x = keras.layers.Concatenate()([x, context])
    outputs = keras.layers.Dense(DIGITS + 1, activation="softmax")(x)
    model = keras.Model(digits, outputs)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule, clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", exact],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "attention": hp.Choice("attention", ["additive", "dot", "none"], default="dot"),
        "units": hp.Int("units", 16, 128, step=16, default=48),
        "learning_rate": hp.Choice("learning_rate", [0.002, 0.004, 0.008, 0.016], default=0.008),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """The most frequent digit of each place."""
    _, digits = to_numpy(train)
    found = [np.bincount(column).argmax() for column in digits.T]
    _, digits = to_numpy(test)
    right = digits == np.array(found)
    return {"accuracy": right.mean(), "exact": right.all(axis=1).mean()}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        path = f"seq2seq_attention_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_exact", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("The most frequent digit of each place:", baseline(train, test))


if __name__ == "__main__":
    main()

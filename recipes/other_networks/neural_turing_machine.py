"""Neural Turing machine: it learns to copy sequences, and copies longer ones than it has seen.

Slides: 001 «zoo NTM» (memory cells).
Paper:  Graves, Wayne & Danihelka (2014), https://arxiv.org/abs/1410.5401, section 4.1
Departs from the paper: sequences of up to 8 vectors instead of 20, an LSTM of 64 units, a memory of
32 × 12 instead of 128 × 20, Adam, and heads that start at the first slot of the memory.

The inputs are a sequence of vectors of random bits, then a delimiter, then zeros, during which the
network has to output the sequence. To copy it, the machine writes each vector into the next slot of
its memory, returns to the first slot, and reads one slot after the other; this works for any
length. An LSTM alone has to hold the whole sequence in its state, and copies only sequences of the
lengths that it was trained on.
Both are trained on sequences of 1 to 8 vectors; validation is on the same lengths, the test on
sequences of 16.
"""

import keras
import numpy as np
import tensorflow as tf

from layers.turing_machine import TuringMachineCell

EPOCHS = 4
OBJECTIVE = ("val_bit_accuracy", "max")
VARIANTS = {"ntm": {"network": "ntm"}, "lstm": {"network": "lstm"}}
BITS = 8  # in each vector
LONGEST = 8  # vectors of a sequence in training and validation
TEST_LENGTH = 16  # vectors of a sequence in the test


def copy_task(lengths, longest, seed):
    """Sequences to copy.

    Args:
        lengths: Integers (count,), number of vectors in each sequence.
        longest: Greatest possible length.
        seed: Of the bits.

    Returns:
        Inputs (count, 2 · longest + 1, 9), eight bits and a delimiter flag; targets
        (count, 2 · longest + 1, 8), which start after the delimiter; and weights
        (count, 2 · longest + 1), 1 where there is a target.
    """
    bits = np.random.default_rng(seed).integers(0, 2, (len(lengths), longest, BITS))
    inputs = np.zeros((len(lengths), 2 * longest + 1, BITS + 1), "float32")
    targets = np.zeros((len(lengths), 2 * longest + 1, BITS), "float32")
    weights = np.zeros((len(lengths), 2 * longest + 1), "float32")
    for number, length in enumerate(lengths):
        sequence = bits[number, :length]
        inputs[number, :length, :BITS] = sequence
        inputs[number, length, BITS] = 1
        targets[number, length + 1 : 2 * length + 1] = sequence
        weights[number, length + 1 : 2 * length + 1] = 1
    return inputs, targets, weights


def load_data(batch_size=32, count=25_600):
    """Train, validation and test batches of (time, 9) inputs, (time, 8) targets, (time,) weights.

    There are 17 time steps, and 33 in the test.
    """
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, LONGEST + 1, count)
    train = tf.data.Dataset.from_tensor_slices(copy_task(lengths, LONGEST, seed=1))
    lengths = rng.integers(1, LONGEST + 1, 500)
    validation = tf.data.Dataset.from_tensor_slices(copy_task(lengths, LONGEST, seed=2))
    lengths = np.full(500, TEST_LENGTH)
    test = tf.data.Dataset.from_tensor_slices(copy_task(lengths, TEST_LENGTH, seed=3))
    train = train.shuffle(count).batch(batch_size, drop_remainder=True)
    return train, validation.batch(250), test.batch(250)


def build_model(network="ntm", units=64, slots=32, width=12, learning_rate=0.003):
    """The compiled network: (time, 9) bits to (time, 8) probabilities. 26,532 parameters.

    The LSTM has 71,688.

    Args:
        network: "ntm", or "lstm", an LSTM without external memory and with twice the units.
        units: Of the LSTM that is the machine's controller.
        slots, width: Number and size of the memory's vectors.
        learning_rate: Of Adam.
    """
    inputs = keras.Input((None, BITS + 1))
    if network == "ntm":
        cell = TuringMachineCell(units, slots, width)
        x = keras.layers.RNN(cell, return_sequences=True, name="machine")(inputs)
    else:
        x = keras.layers.LSTM(2 * units, return_sequences=True)(inputs)
    outputs = keras.layers.Dense(BITS, activation="sigmoid", dtype="float32")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(learning_rate, clipnorm=10.0),
        loss="binary_crossentropy",
        weighted_metrics=[keras.metrics.BinaryAccuracy(name="bit_accuracy")],
        jit_compile=True,
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 32, 128, step=32, default=64),
        "width": hp.Int("width", 8, 20, step=4, default=12),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01], default=0.003),
    }


def baseline(train, test):
    """As many vectors as the longest training sequence has, and zeros after them."""
    right = []
    for _, targets, weights in test.as_numpy_iterator():
        # Targets start after the delimiter.
        known = np.arange(targets.shape[1]) <= TEST_LENGTH + LONGEST
        answers = targets * known[:, None]
        right.append((answers == targets).mean(axis=-1)[weights > 0])
    return {"bit_accuracy": float(np.mean(np.concatenate(right)))}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        best = keras.callbacks.ModelCheckpoint(
            f"neural_turing_machine_{name}.keras",
            monitor="val_bit_accuracy",
            mode="max",
            save_best_only=True,
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"neural_turing_machine_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

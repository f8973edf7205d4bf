"""The 8-3-8 autoencoder: eight one-hot patterns through a bottleneck of three units, a binary code.

Slides: 001 «Auto-encoders (8-3-8)», 001 «Ejemplo de autoencoder».
Paper:  Ackley, Hinton & Sejnowski (1985), https://doi.org/10.1207/s15516709cog0901_7 (the encoder
        problem);
        Rumelhart, Hinton & Williams (1986), Learning internal representations by error propagation
Departs from the slides: a softmax output, since exactly one of the eight units is on; and a small
L2 penalty on the decoder's weights.

The target is the input itself, so the three units of the bottleneck have to learn a code. With
small weights, eight codes are most distinguishable if they are as far apart as possible: at the
corners of the cube, the binary numbers 0 to 7 in some order. Yet three units are not the minimum,
as units are not bits: an output layer with weights 2c and bias −|c|² for each code c finds the
nearest code, even if all codes lie on a line (tested). Two units suffice, too (`two_units`).
"""

import keras
import numpy as np
import tensorflow as tf

EPOCHS = 20
OBJECTIVE = ("loss", "min")  # there are no other patterns to validate on
REPEATS = 50  # of the eight patterns in an epoch
VARIANTS = {"three_units": {"units": 3}, "two_units": {"units": 2, "l2": 0.0}}
PATTERNS = np.eye(8, dtype="float32")


def load_data(batch_size=8):
    """Training batches of the eight patterns (8,), each its own target; None; and a test batch.

    There is no validation data; the test batch contains each of the eight patterns once.
    """
    patterns = tf.data.Dataset.from_tensor_slices((PATTERNS, PATTERNS))
    return patterns.shuffle(8).repeat(REPEATS).batch(batch_size), None, patterns.batch(8)


def build_model(units=3, l2=0.0003, learning_rate=0.1):
    """The compiled network: (8,) to three units and back to (8,) probabilities.

    59 parameters; 42 with two units.
    """
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(units, activation="sigmoid", name="code"),
            keras.layers.Dense(
                8, activation="softmax", kernel_regularizer=keras.regularizers.L2(l2)
            ),
        ]
    )
    model.compile(
        keras.optimizers.Adam(learning_rate), "categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 1, 8, default=3),
        "l2": hp.Choice("l2", [0.0, 0.0001, 0.0003, 0.001, 0.003], default=0.0003),
        "learning_rate": hp.Choice("learning_rate", [0.01, 0.03, 0.1, 0.3], default=0.1),
    }


def baseline(train, test):
    """Equal probabilities for all eight."""
    return {"accuracy": 1 / 8, "loss": np.log(8)}


def encode(model):
    """The codes (8, units) of the patterns. As these are one-hot, each selects a row of weights."""
    kernel, bias = model.get_weights()[:2]
    return 1 / (1 + np.exp(-(kernel + bias)))


def binary_words(codes):
    """The codes (8, units) rounded to bits, as strings: `101`."""
    return ["".join(str(int(bit)) for bit in np.round(code)) for code in codes]


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, _, test = load_data()
        model = build_model(**arguments)
        path = f"autoencoder_8_3_8_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="loss", mode="min", save_best_only=True
        )
        model.fit(train, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True, verbose=0))
        print("codes:", *binary_words(encode(model)))
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

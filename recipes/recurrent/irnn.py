"""IRNN: ReLU and identity initialization for simple RNNs, on the adding problem over 100 steps.

Slides: 002 «Trucos: función de activación», «Trucos: inicialización».
Paper:  Le, Jaitly & Hinton (2015), A simple way to initialize recurrent networks of rectified
        linear units, https://arxiv.org/abs/1504.00941; the problem: Hochreiter & Schmidhuber
        (1997), https://doi.org/10.1162/neco.1997.9.8.1735; orthogonal matrices: Saxe, McClelland &
        Ganguli (2014), https://arxiv.org/abs/1312.6120
Departs from Le et al.: 100 steps instead of 150, Adam instead of plain gradient descent, and
Keras' own initialization of the input weights: with a standard deviation of 0.001, as in the paper,
far less is learned in the same time.

Two of a hundred random numbers are marked; the target is their sum. The constant prediction 1 has a
mean squared error of 1/6, and so has a network that forgets the numbers. An IRNN is `SimpleRNN(n,
activation="relu", recurrent_initializer="identity")`: without input, a nonnegative state remains
unchanged over any number of steps, and so does the gradient. Most of the gain comes from the ReLU.
Keras has a similar initialization built in: its default `recurrent_initializer` is "orthogonal",
not "glorot_uniform" as for other weights, which the variants `tanh` and `relu` use here. The LSTM
has half the units, and so about as many weights.
"""

import keras
import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy

EPOCHS = 10
OBJECTIVE = ("val_mse", "min")
VARIANTS = {
    "tanh": {"activation": "tanh", "recurrent": "glorot_uniform"},
    "tanh_orthogonal": {"activation": "tanh", "recurrent": "orthogonal"},
    "relu": {"activation": "relu", "recurrent": "glorot_uniform"},
    "relu_orthogonal": {"activation": "relu", "recurrent": "orthogonal"},
    "irnn": {"activation": "relu", "recurrent": "identity"},
    "lstm": {"cell": "lstm", "units": 32, "learning_rate": 0.01},
}


def adding_problem(count, length, seed):
    """Sequences of random numbers, two of which are marked, and the sums of these two.

    Returns:
        Inputs (count, length, 2), float32: a number from 0 to 1, and a mark, 1 at one step in each
        half and 0 elsewhere. Targets (count, 1), float32.
    """
    rng = np.random.default_rng(seed)
    numbers = rng.random((count, length))
    # Mark one step in the first half and one in the second.
    half = length // 2
    first = rng.integers(half, size=count)
    second = rng.integers(half, length, size=count)
    marks = np.zeros((count, length))
    marks[np.arange(count), first] = 1
    marks[np.arange(count), second] = 1
    inputs = np.stack([numbers, marks], axis=-1)
    sums = np.sum(numbers * marks, axis=1, keepdims=True)
    return inputs.astype("float32"), sums.astype("float32")


def load_data(batch_size=100, length=100):
    """Train, validation and test batches of (length, 2) inputs and (1,) sums."""
    sets = []
    for count, seed in ((20_000, 1), (1000, 2), (3000, 3)):
        sets.append(tf.data.Dataset.from_tensor_slices(adding_problem(count, length, seed)))
    train, validation, test = sets
    return train.shuffle(20_000).batch(batch_size), validation.batch(1000), test.batch(1000)


def build_model(
    cell="rnn",
    activation="relu",
    recurrent="identity",
    units=64,
    learning_rate=0.003,
    steps=EPOCHS * 200,
):
    """The compiled network: (length, 2) inputs to one number.

    4,353 parameters; with `cell="lstm"` and 32 units 4,513. `activation` and `recurrent`, the
    `recurrent_initializer` in Keras, are for the simple RNN.
    """
    if cell == "lstm":
        layer = keras.layers.LSTM(units)
    else:
        layer = keras.layers.SimpleRNN(
            units, activation=activation, recurrent_initializer=recurrent
        )
    model = keras.Sequential([keras.Input((None, 2)), layer, keras.layers.Dense(1)])
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), "mse", metrics=["mse"])
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "activation": hp.Choice("activation", ["tanh", "relu"], default="relu"),
        "recurrent": hp.Choice(
            "recurrent", ["glorot_uniform", "orthogonal", "identity"], default="identity"
        ),
        "units": hp.Int("units", 16, 128, step=16, default=64),
        "learning_rate": hp.Choice("learning_rate", [0.0003, 0.001, 0.003, 0.01], default=0.003),
    }


def baseline(train, test):
    """Constant: the mean of the training sums."""
    _, train_sums = to_numpy(train)
    _, test_sums = to_numpy(test)
    return {"mse": float(np.mean((test_sums - train_sums.mean()) ** 2))}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"irnn_{name}.keras", monitor="val_mse", mode="min", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"irnn_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

"""LSTM, LSTMs without one of their gates, and a simple RNN: memory of a character through noise.

Slides: 002 «LSTM», 001 «Redes LSTM», 002 «Trucos: celdas de compuerta», 001 «zoo LSTM», 000 «LSTM».
Paper:  Hochreiter & Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735; forget gate:
        Gers, Schmidhuber & Cummins (2000), https://doi.org/10.1162/089976600300015015
Departs from the slides: the equations that deck 001 prints under «Redes LSTM» are a GRU (see the
recipe gru): an LSTM has a cell state and four linear maps. Deck 002 says that gates mean fewer
multiplications and parameters, but an LSTM has four times as many as a simple RNN: 4 (n (m + n) +
n), 24,832 against 6,208 for 32 → 64. The gates preserve the gradient over many steps. The simple
RNN here has twice the units, and so about as many weights as the LSTM.

`keras.layers.LSTM(n)` returns the last h, (batch, n); with `return_sequences=True` all of them,
(batch, steps, n); with `return_state=True` also the last h and c.
"""

import keras
import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy

EPOCHS = 6
VARIANTS = {
    "simple_rnn": {"cell": "simple_rnn", "units": 64, "learning_rate": 0.003},
    "lstm": {"cell": "lstm"},
    "no_forget_gate": {"cell": "no_forget_gate"},
    "no_input_gate": {"cell": "no_input_gate"},
}
CHARACTERS = 4
MARKED = 0.05  # share of the steps that carry a character
WINDOW = 5  # steps in the input of the baseline


def marked_sequences(count, length, noise, seed):
    """Sequences in which some steps, marked as such, carry a character, and the others noise.

    Args:
        count, length: Number of sequences, and of steps in each.
        noise: Standard deviation of the noise.
        seed: Seed of the random numbers.

    Returns:
        Inputs (count, length, 5), float32: at a marked step a one-hot character and 1, at others
        four random numbers and 0; the first step is marked. Targets (count, length): at each step
        the character 0–3 that was marked last.
    """
    rng = np.random.default_rng(seed)
    marks = rng.random((count, length)) < MARKED
    marks[:, 0] = True
    characters = rng.integers(CHARACTERS, size=(count, length))
    one_hot = np.eye(CHARACTERS)[characters]  # (count, length, 4)
    noise = rng.normal(0, noise, (count, length, CHARACTERS))
    carries = marks[..., None]  # (count, length, 1)
    values = np.where(carries, one_hot, noise)
    inputs = np.concatenate([values, carries], axis=-1)  # (count, length, 5)
    inputs = inputs.astype("float32")
    # The latest marked step up to each step, and its character.
    marked = np.where(marks, np.arange(length), 0)
    last = np.maximum.accumulate(marked, axis=1)
    targets = np.take_along_axis(characters, last, axis=1)
    return inputs, targets


def load_data(batch_size=100, length=60, noise=0.3):
    """Train, validation and test batches of (length, 5) inputs and (length,) characters 0–3."""
    sets = []
    for count, seed in ((5000, 1), (1000, 2), (2000, 3)):
        sequences = marked_sequences(count, length, noise, seed)
        sets.append(tf.data.Dataset.from_tensor_slices(sequences))
    train, validation, test = sets
    return train.shuffle(5000).batch(batch_size), validation.batch(500), test.batch(500)


def step(x, h, c, kernel, recurrent_kernel, bias, without=None):
    """One step of an LSTM.

    Args:
        x: Inputs of the step (batch, features).
        h, c: Hidden state and cell state (batch, units).
        kernel, recurrent_kernel, bias: As in `keras.layers.LSTM`: (features, 4 units),
            (units, 4 units) and (4 units,).
        without: "input", "forget" or "output": this gate is replaced by 1.

    Returns:
        New h and c (batch, units), and the gates by name.
    """
    from_input = keras.ops.matmul(x, kernel)  # (batch, 4 units)
    from_state = keras.ops.matmul(h, recurrent_kernel)
    maps = from_input + from_state + bias
    input_map, forget_map, candidate, output_map = keras.ops.split(maps, 4, axis=-1)
    gates = {
        "input": keras.ops.sigmoid(input_map),
        "forget": keras.ops.sigmoid(forget_map),
        "output": keras.ops.sigmoid(output_map),
    }
    if without is not None:
        gates[without] = keras.ops.ones_like(gates[without])
    # No matrix multiplies c, so the gradient through c does not vanish while the gate is open.
    c = gates["forget"] * c + gates["input"] * keras.ops.tanh(candidate)
    h = gates["output"] * keras.ops.tanh(c)
    return h, c, gates


@keras.saving.register_keras_serializable(package="lstm")
class GatedCell(keras.layers.Layer):
    """The cell inside `keras.layers.LSTM`, with the same weights, optionally without one gate.

    Args:
        units: Size of the hidden state and the cell state.
        without: "input", "forget", "output" or None, as for `step`.
    """

    def __init__(self, units, without=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.without = without
        self.state_size = [units, units]

    def build(self, input_shape):
        width = 4 * self.units
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], width))
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(self.units, width), initializer="orthogonal"
        )
        self.bias = self.add_weight(name="bias", shape=(width,), initializer="zeros")
        # Input, forget, candidate, output; a bias of 1 initially keeps the forget gate mostly open.
        self.bias.assign(np.repeat([0.0, 1.0, 0.0, 0.0], self.units))
        self.built = True

    def call(self, inputs, states, training=None):
        h, c = states
        weights = self.kernel, self.recurrent_kernel, self.bias
        h, c, _ = step(inputs, h, c, *weights, without=self.without)
        return h, [h, c]

    def get_config(self):
        return {**super().get_config(), "units": self.units, "without": self.without}


def build_model(cell="lstm", units=32, learning_rate=0.01, steps=EPOCHS * 50):
    """The compiled network: (length, 5) inputs to four probabilities at each step.

    4,996 parameters as an LSTM.
    """
    if cell == "simple_rnn":
        layer = keras.layers.SimpleRNN(units, return_sequences=True)
    elif cell == "lstm":
        layer = keras.layers.LSTM(units, return_sequences=True)
    else:
        gate = cell.removeprefix("no_").removesuffix("_gate")
        layer = keras.layers.RNN(GatedCell(units, without=gate), return_sequences=True)
    model = keras.Sequential(
        [
            keras.Input((None, CHARACTERS + 1)),
            layer,
            keras.layers.Dense(CHARACTERS, activation="softmax"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    optimizer = keras.optimizers.Adam(schedule, clipnorm=1.0)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 8, 64, step=8, default=32),
        "learning_rate": hp.Float("learning_rate", 0.0003, 0.03, sampling="log", default=0.01),
    }


def windows(inputs):
    """Sliding windows for the baseline: at each step the last WINDOW steps, and a constant 1.

    Inputs (batch, steps, features) become (batch * steps, WINDOW * features + 1), with zeros before
    the first step.
    """
    _, steps, _ = inputs.shape
    zeros_before = (WINDOW - 1, 0)
    padded = np.pad(inputs, [(0, 0), zeros_before, (0, 0)])
    lagged = [padded[:, lag : lag + steps] for lag in range(WINDOW)]
    rows = np.concatenate(lagged, axis=-1)  # (batch, steps, WINDOW * features)
    rows = rows.reshape(-1, rows.shape[-1])
    return np.column_stack([rows, np.ones(len(rows))])


def baseline(train, test):
    """Least squares on the last five steps."""
    inputs, targets = to_numpy(train)
    one_hot = np.eye(CHARACTERS)[targets.ravel()]
    weights = np.linalg.lstsq(windows(inputs), one_hot, rcond=None)[0]
    inputs, targets = to_numpy(test)
    predicted = (windows(inputs) @ weights).argmax(axis=1)
    return {"accuracy": float(np.mean(predicted == targets.ravel()))}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"lstm_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"lstm_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

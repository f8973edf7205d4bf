"""LSTM: what was said last, remembered through noise, by a plain recurrent network, an LSTM and LSTMs that lack a gate.

Slides: 002 «LSTM», 001 «Redes LSTM», 002 «Trucos: celdas de compuerta», 001 «zoo LSTM», 000 «LSTM».
Paper:  Hochreiter & Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735; forget gate: Gers, Schmidhuber &
        Cummins (2000), https://doi.org/10.1162/089976600300015015
Departs from the slides: the equations that deck 001 prints under «Redes LSTM» are a GRU (see the recipe gru): an LSTM
has a cell state and four maps. Deck 002 says that gates mean fewer multiplications and parameters: they are four times
those of a simple RNN, 4 (n (m + n) + n), 24,832 against 6,208 for 32 → 64. What gates do is keep a path open for the
gradient. The plain network here has twice the units, which is about the LSTM's number of weights.

`keras.layers.LSTM(n)` gives (batch, n), the last h; with `return_sequences=True` (batch, steps, n), all of them; with
`return_state=True` the last h and c as well.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

EPOCHS = 6
VARIANTS = {
    "simple_rnn": {"cell": "simple_rnn", "units": 64, "learning_rate": 0.003},
    "lstm": {"cell": "lstm"},
    "no_forget_gate": {"cell": "no_forget_gate"},
    "no_input_gate": {"cell": "no_input_gate"},
}
CHARS, GAPS = 4, [(0, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (32, 60)]


def messages(count, length, noise, seed):
    """Inputs (count, length, 5): marked steps carry one of four characters, the others noise; what was marked last."""
    rng = np.random.default_rng(seed)
    marks = rng.random((count, length)) < 0.05
    marks[:, 0] = True
    said = rng.integers(CHARS, size=(count, length))
    x = np.where(
        marks[..., None], np.eye(CHARS)[said], rng.normal(0, noise, (count, length, CHARS))
    )
    last = np.maximum.accumulate(np.where(marks, np.arange(length), 0), axis=1)
    return np.concatenate([x, marks[..., None]], -1).astype("float32"), np.take_along_axis(
        said, last, 1
    )


def load_data(batch_size=100, length=60, noise=0.3):
    """Train, validation and test batches of (length, 5) inputs and at each step the character 0–3 marked last."""
    train, validation, test = (
        tf.data.Dataset.from_tensor_slices(messages(count, length, noise, seed))
        for count, seed in ((5000, 1), (1000, 2), (2000, 3))
    )
    return train.shuffle(5000).batch(batch_size), validation.batch(500), test.batch(500)


def step(x, h, c, kernel, recurrent, bias, without=None):
    """One step of an LSTM: new h and c, and the gates; `without` names a gate that is always open."""
    maps = keras.ops.matmul(x, kernel) + keras.ops.matmul(h, recurrent) + bias
    store, forget, candidate, output = keras.ops.split(maps, 4, axis=-1)
    gates = {"input": store, "forget": forget, "output": output}
    gates = {
        name: keras.ops.sigmoid(gate) if name != without else 1.0 for name, gate in gates.items()
    }
    c = gates["forget"] * c + gates["input"] * keras.ops.tanh(
        candidate
    )  # keep some, add some: no matrix in between
    return gates["output"] * keras.ops.tanh(c), c, gates


@keras.saving.register_keras_serializable(package="lstm")
class GatedCell(keras.layers.Layer):
    """The cell inside `keras.layers.LSTM`, with the same weights, of which a gate may be taken away."""

    def __init__(self, units, without=None, **kwargs):
        super().__init__(**kwargs)
        self.units, self.without, self.state_size = units, without, [units, units]

    def build(self, input_shape):
        n = self.units
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], 4 * n))
        self.recurrent = self.add_weight(
            name="recurrent", shape=(n, 4 * n), initializer="orthogonal"
        )
        self.bias = self.add_weight(name="bias", shape=(4 * n,), initializer="zeros")
        self.bias.assign(np.repeat([0.0, 1.0, 0.0, 0.0], n))  # at first, forget little
        self.built = True

    def call(self, inputs, states, training=None):
        h, c, _ = step(inputs, *states, self.kernel, self.recurrent, self.bias, self.without)
        return h, [h, c]

    def get_config(self):
        return {**super().get_config(), "units": self.units, "without": self.without}


def build_model(cell="lstm", units=32, learning_rate=0.01, steps=EPOCHS * 50):
    """The compiled network: (length, 5) inputs to four probabilities at each step. 4,996 parameters as an LSTM."""
    if cell == "simple_rnn":
        layer = keras.layers.SimpleRNN(units, return_sequences=True)
    elif cell == "lstm":
        layer = keras.layers.LSTM(units, return_sequences=True)
    else:
        gate = cell.removeprefix("no_").removesuffix("_gate")
        layer = keras.layers.RNN(GatedCell(units, without=gate), return_sequences=True)
    model = keras.Sequential(
        [keras.Input((None, CHARS + 1)), layer, keras.layers.Dense(CHARS, activation="softmax")]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    optimizer = keras.optimizers.Adam(schedule, clipnorm=1.0)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 8, 64, step=8, default=32),
        "learning_rate": hp.Float("learning_rate", 0.0003, 0.03, sampling="log", default=0.01),
    }


def everything(data):
    """The whole of a batched set as two arrays."""
    return tuple(np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True))


def baseline(train, test):
    """Least squares on the last five steps."""

    def windows(data):
        x, said = everything(data)
        x = np.pad(x, ((0, 0), (4, 0), (0, 0)))
        seen = np.concatenate([x[:, lag : x.shape[1] - 4 + lag] for lag in range(5)], -1).reshape(
            -1, 5 * x.shape[-1]
        )
        return np.c_[seen, np.ones(len(seen))], said.ravel()

    (x, said), (new_x, new_said) = windows(train), windows(test)
    weights = np.linalg.lstsq(x, np.eye(CHARS)[said], rcond=None)[0]
    return {"accuracy": np.mean((new_x @ weights).argmax(1) == new_said)}


def gradient_flow(layer, steps=100, seed=0):
    """How much of the last h depends on the input of each step, (steps,), relative to the last one."""
    x, direction = (
        np.random.default_rng(seed).normal(size=s).astype("float32")
        for s in ((4, steps, 8), (4, 32))
    )
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(layer(x) * direction)
    norms = np.linalg.norm(tape.gradient(value, x), axis=(0, 2))
    return norms / norms[-1]


def untrained(kind, seed=0):
    """A layer of 32 units as it starts: an RNN with one of Keras' initialisers, an LSTM with a forget bias."""
    keras.utils.set_random_seed(seed)
    if isinstance(kind, str):
        return keras.layers.SimpleRNN(32, recurrent_initializer=kind)
    layer = keras.layers.LSTM(32)
    layer.build((None, None, 8))
    layer.set_weights([*layer.get_weights()[:2], np.repeat([0, kind, 0, 0], 32)])
    return layer


def figures(models, test, histories):
    """Accuracy against the gap to bridge, the gates at work, and the gradient on its way back."""
    x, said = everything(test)
    when = np.arange(x.shape[1])
    gap = when - np.maximum.accumulate(np.where(x[..., -1] > 0, when, 0), axis=1)
    accuracy, axes = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained")
    for name, model in models.items():
        right = model.predict(x, batch_size=500, verbose=0).argmax(-1) == said
        shares = [100 * right[(gap >= low) & (gap < high)].mean() for low, high in GAPS]
        axes[0].plot(shares, "o-", label=name)
    axes[0].axhline(100 / CHARS, color="0.5", linestyle=":", label="guessing")
    axes[0].set_xticks(
        range(len(GAPS)), [f"{low}–{high - 1}" if high > low + 1 else low for low, high in GAPS]
    )
    axes[0].set(
        title="How long a character is remembered", xlabel="steps since the mark", ylabel="right, %"
    )
    axes[0].set_ylim(0, 103)
    axes[0].legend(loc="lower left", ncols=2)
    for kind in (5, 1, "orthogonal", "glorot_uniform"):
        flow, label = (
            gradient_flow(untrained(kind)),
            f"RNN, {kind}" if isinstance(kind, str) else f"LSTM, bias {kind}",
        )
        axes[1].semilogy(np.arange(len(flow)) - len(flow) + 1, np.maximum(flow, 1e-30), label=label)
    axes[1].set(
        title="Before training: a gradient on its way back",
        xlabel="steps before the end",
        ylim=(1e-14, 1e2),
    )
    axes[1].set(ylabel="norm of ∂h/∂x, relative")
    axes[1].legend(loc="lower right")

    *weights, _, _ = models["lstm"].get_weights()  # those of the dense layer left out
    h = c = np.zeros((1, weights[1].shape[0]), "float32")
    cells, gates = [], []
    for t in when:
        h, c, now = step(x[:1, t], h, c, *weights)
        cells.append(keras.ops.convert_to_numpy(c)[0])
        gates.append(
            [keras.ops.convert_to_numpy(now[name]).mean() for name in ("input", "forget", "output")]
        )
    memory, rows = plt.subplots(
        3, 1, figsize=(9, 6.4), height_ratios=(2, 3, 2), sharex=True, layout="constrained"
    )
    rows[0].imshow(x[0].T, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
    rows[0].set(
        title="What comes in: marked characters among noise",
        yticks=range(5),
        yticklabels=[*"ABCD", "mark"],
    )
    rows[1].imshow(
        np.array(cells).T[np.argsort(cells[-1])], cmap="PuOr", vmin=-2, vmax=2, aspect="auto"
    )
    rows[1].set(title="The cell state changes at the marks and is kept between them", ylabel="unit")
    for name, values in zip(("input", "forget", "output"), np.transpose(gates), strict=True):
        rows[2].plot(values, label=f"{name} gate")
    rows[2].set(
        title="At a mark the forget gate closes: the old goes, the new comes in",
        xlabel="step",
        ylim=(0, 1),
    )
    rows[2].legend(ncols=3)
    return {"accuracy_by_gap": accuracy, "memory": memory}


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"lstm_{name}.keras")


if __name__ == "__main__":
    main()

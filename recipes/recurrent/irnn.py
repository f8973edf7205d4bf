"""Tricks for plain recurrent networks: ReLU and the identity matrix, on the adding problem over 100 steps.

Slides: 002 «Trucos: función de activación», «Trucos: inicialización».
Paper:  Le, Jaitly & Hinton (2015), A simple way to initialize recurrent networks of rectified linear units,
        https://arxiv.org/abs/1504.00941; the problem: Hochreiter & Schmidhuber (1997),
        https://doi.org/10.1162/neco.1997.9.8.1735; orthogonal matrices: Saxe, McClelland & Ganguli (2014),
        https://arxiv.org/abs/1312.6120
Departs from Le et al.: 100 steps instead of 150, Adam instead of plain gradient descent, and weights of the inputs as
Keras draws them: with a deviation of 0.001, as in the paper, far less was learned in the same time.

Two of a hundred random numbers are marked; the answer is their sum. Whoever always says 1 has a mean squared error of
1/6, and so has a network that forgets. An IRNN is `SimpleRNN(n, activation="relu", recurrent_initializer="identity")`:
with no input, a state that is not negative stays as it is, and so does the gradient, whatever the number of steps. Most
of the gain is the ReLU's. Keras has half of the other trick built in: its own `recurrent_initializer` is "orthogonal",
not the "glorot_uniform" of other weights, which `tanh` and `relu` have here. The LSTM has about as many weights (half
the units).
"""

from itertools import pairwise

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

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
RIGHT = 0.04  # an answer that errs by less is right (Hochreiter & Schmidhuber)


def additions(count, length, seed):
    """Inputs (count, length, 2): numbers from 0 to 1, and two marks, one in each half; the sum of what is marked."""
    rng = np.random.default_rng(seed)
    numbers, marks = rng.random((count, length)), np.zeros((count, length))
    rows, half = np.arange(count), length // 2
    for places in (rng.integers(half, size=count), rng.integers(half, length, size=count)):
        marks[rows, places] = 1
    sums = np.sum(numbers * marks, axis=1, keepdims=True)
    return np.stack([numbers, marks], -1).astype("float32"), sums.astype("float32")


def load_data(batch_size=100, length=100):
    """Train, validation and test batches of (length, 2) inputs and the sum to be found."""
    train, validation, test = (
        tf.data.Dataset.from_tensor_slices(additions(count, length, seed))
        for count, seed in ((20_000, 1), (1000, 2), (3000, 3))
    )
    return train.shuffle(20_000).batch(batch_size), validation.batch(1000), test.batch(1000)


def build_model(
    cell="rnn",
    activation="relu",
    recurrent="identity",
    units=64,
    learning_rate=0.003,
    steps=EPOCHS * 200,
):
    """The compiled network: (length, 2) inputs to one number. 4,353 parameters; 4,513 as an LSTM of 32 units."""
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
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "activation": hp.Choice("activation", ["tanh", "relu"], default="relu"),
        "recurrent": hp.Choice(
            "recurrent", ["glorot_uniform", "orthogonal", "identity"], default="identity"
        ),
        "units": hp.Int("units", 16, 128, step=16, default=64),
        "learning_rate": hp.Choice("learning_rate", [0.0003, 0.001, 0.003, 0.01], default=0.003),
    }


def everything(data):
    """The whole of a batched set as two arrays."""
    return tuple(np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True))


def baseline(train, test):
    """Always the mean."""
    (_, sums), (_, new) = everything(train), everything(test)
    return {"mse": np.mean((new - sums.mean()) ** 2)}


def slope(activation, x):
    """The derivative of an activation at each x."""
    x = tf.constant(x, "float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = keras.activations.get(activation)(x)
    return tape.gradient(y, x).numpy()


def gradient_through(activation, steps=50, recurrent="identity", noise=0.0, units=32, seed=0):
    """Norm of the gradient that reaches the state of each step, (steps + 1,), relative to the last one's."""
    keras.utils.set_random_seed(seed)
    cell = keras.layers.SimpleRNNCell(units, activation=activation, recurrent_initializer=recurrent)
    cell.build((None, 8))
    inputs = noise * tf.random.normal((steps, 1, 8), seed=seed)
    states = [tf.abs(tf.random.normal((1, units), seed=seed))]
    with tf.GradientTape() as tape:
        tape.watch(states[0])
        for x in inputs:
            states.append(cell(x, [states[-1]])[0])
        total = tf.reduce_sum(states[-1]) / units**0.5
    return np.array([np.linalg.norm(gradient) for gradient in tape.gradient(total, states)])


def draw_activations():
    """The slide's four activations with their slopes, and what 50 steps with random inputs make of a gradient."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    x = np.linspace(-5, 5, 201)
    for name in ("sigmoid", "tanh", "relu", "leaky_relu"):
        axes[0].plot(x, keras.activations.get(name)(tf.constant(x)), label=name)
        axes[1].plot(x, slope(name, x), label=f"{name}: at most {slope(name, x).max():.2f}")
    kinds = [
        ("sigmoid", "identity"),
        ("tanh", "identity"),
        ("tanh", "glorot_uniform"),
        ("relu", "glorot_uniform"),
    ]
    for name, recurrent in [*kinds, ("relu", "orthogonal"), ("relu", "identity")]:
        flow = gradient_through(name, recurrent=recurrent, noise=1.0)
        flow = np.where(flow > 1e-36, flow, np.nan)  # float32 ends there
        axes[2].semilogy(np.arange(len(flow)) - len(flow) + 1, flow, label=f"{name}, {recurrent}")
    axes[0].set(title="Activations", ylim=(-1.2, 3))
    axes[1].set(title="Their slopes", ylim=(-0.05, 1.75))
    axes[1].legend(loc="upper left")
    axes[2].set(
        title="A gradient, 50 steps back in time", xlabel="steps before the end", ylabel="norm"
    )
    axes[2].set_ylim(1e-37, 1e3)
    axes[2].legend(loc="lower left", fontsize="small")
    return figure


def figures(models, test, histories):
    """Activations and gradients; how the networks learn; answers that are right by how long a number was kept."""
    x, sums = everything(test)
    kept = x.shape[1] - x[..., 1].argmax(axis=1)  # steps from the first mark to the end
    edges = np.linspace(kept.min(), kept.max() + 1, 6).astype(int)
    learning, axes = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
    for name, model in models.items():
        axes[0].semilogy(
            np.arange(len(histories[name]["val_mse"])) + 1, histories[name]["val_mse"], label=name
        )
        right = np.abs(model.predict(x, batch_size=1000, verbose=0) - sums)[:, 0] < RIGHT
        shares = [
            100 * right[(kept >= low) & (kept < high)].mean() for low, high in pairwise(edges)
        ]
        axes[1].plot(shares, "o-", label=name)
    axes[0].axhline(1 / 6, color="0.5", linestyle=":", label="always 1")
    axes[0].set(
        title="The adding problem over 100 steps",
        xlabel="epoch",
        ylabel="validation, mean squared error",
    )
    axes[1].set(title=f"Sums right to within {RIGHT}", ylabel="right, %", ylim=(-3, 103))
    axes[1].set_xticks(range(5), [f"{low}–{high - 1}" for low, high in pairwise(edges)])
    axes[1].set_xlabel("steps for which the first number has to be kept")
    axes[0].legend(loc="lower left", ncols=2)

    numbers, marks = x[0].T
    states, axes = plt.subplots(
        3, 1, figsize=(9, 6.4), height_ratios=(2, 3, 3), sharex=True, layout="constrained"
    )
    axes[0].bar(np.arange(len(numbers)), numbers, color=np.where(marks > 0, "#D55E00", "0.8"))
    axes[0].set(
        title=f"To be added: {' + '.join(f'{n:.2f}' for n in numbers[marks > 0])} = {sums[0, 0]:.2f}"
    )
    for axis, name in zip(axes[1:], ("irnn", "tanh"), strict=True):
        layer, head = models[name].layers
        cell = keras.layers.RNN(layer.cell, return_sequences=True)
        state = keras.ops.convert_to_numpy(cell(x[:1]))
        answer = keras.ops.convert_to_numpy(head(state))[0, :, 0]
        axis.plot(state[0], color="0.75", linewidth=0.8)
        axis.plot(answer, color="#0072B2", label="what it would answer")
        axis.set(title=f"{name}: its units (grey), and the answer it would give at each step")
    axes[1].legend(loc="lower right", bbox_to_anchor=(1, 0.98))
    axes[2].set_xlabel("step")
    return {"activations": draw_activations(), "learning": learning, "states": states}


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"irnn_{name}.keras")


if __name__ == "__main__":
    main()

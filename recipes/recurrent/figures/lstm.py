"""The pictures of lstm: accuracy by gap, the gradient over time, and gate activations."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy
from recipes.recurrent import lstm

GAPS = [(0, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (32, 60)]  # steps, upper end excluded
UNITS = 32  # of the layers whose gradient is measured
FEATURES = 8  # of their inputs


def figures(models, test, histories):
    """Accuracy by time since the last mark, the gradient through time, and gate activations."""
    inputs, targets = to_numpy(test)
    accuracy, axes = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained")
    plot_accuracy_by_gap(axes[0], models, inputs, targets)
    plot_gradient_flow(axes[1])
    return {"accuracy_by_gap": accuracy, "memory": plot_memory(models["lstm"], inputs[:1])}


def steps_since_mark(inputs):
    """For each step of inputs (batch, steps, 5), the number of steps since the last mark."""
    steps = np.arange(inputs.shape[1])
    last = np.maximum.accumulate(np.where(inputs[..., -1] > 0, steps, 0), axis=1)
    return steps - last


def accuracy_by_gap(correct, gaps):
    """The share of correct answers, in %, in each of GAPS.

    Both arguments have one entry for each answer: whether it is correct, and its gap in steps.
    """
    shares = []
    for low, high in GAPS:
        shares.append(100 * correct[(gaps >= low) & (gaps < high)].mean())
    return shares


def gap_name(low, high):
    """The name of a gap, for example 2–3, or 0 for a single value."""
    return f"{low}–{high - 1}" if high > low + 1 else f"{low}"


def untrained_rnn(recurrent_initializer, seed=0):
    """An untrained simple RNN with one of Keras' initializers."""
    keras.utils.set_random_seed(seed)
    return keras.layers.SimpleRNN(UNITS, recurrent_initializer=recurrent_initializer)


def untrained_lstm(forget_bias, seed=0):
    """An untrained LSTM with a given bias of its forget gate."""
    keras.utils.set_random_seed(seed)
    layer = keras.layers.LSTM(UNITS)
    layer.build((None, None, FEATURES))
    kernel, recurrent_kernel, _ = layer.get_weights()
    bias = np.repeat([0, forget_bias, 0, 0], UNITS)
    layer.set_weights([kernel, recurrent_kernel, bias])
    return layer


def gradient_flow(layer, steps=100, seed=0):
    """Gradient of a random projection of the last h with respect to the input of each step.

    Returns:
        Norms of the gradients, (steps,), relative to that of the last step.
    """
    rng = np.random.default_rng(seed)
    inputs = tf.constant(rng.normal(size=(4, steps, FEATURES)), "float32")
    direction = tf.constant(rng.normal(size=(4, UNITS)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = tf.reduce_sum(layer(inputs) * direction)
    gradient = tape.gradient(value, inputs)  # (4, steps, features)
    norms = np.linalg.norm(gradient, axis=(0, 2))
    return norms / norms[-1]


def follow_gates(model, inputs):
    """Cell states and mean gates of the LSTM at each step of one sequence (1, steps, 5).

    Returns:
        Cell states (steps, units), and the mean of each gate over the units, lists of steps.
    """
    weights = model.layers[0].get_weights()
    units = len(weights[1])
    h = c = np.zeros((1, units), "float32")
    cells = []
    means = {"input": [], "forget": [], "output": []}
    for t in range(inputs.shape[1]):
        h, c, gates = lstm.step(inputs[:, t], h, c, *weights)
        cells.append(keras.ops.convert_to_numpy(c)[0])
        for name, gate in gates.items():
            means[name].append(float(keras.ops.mean(gate)))
    return np.array(cells), means


def plot_accuracy_by_gap(axis, models, inputs, targets):
    """Accuracy against the steps since the last mark, one line for each network."""
    gaps = steps_since_mark(inputs)
    for name, model in models.items():
        predicted = model.predict(inputs, batch_size=500, verbose=0).argmax(axis=-1)
        axis.plot(accuracy_by_gap(predicted == targets, gaps), "o-", label=name)
    axis.axhline(100 / lstm.CHARACTERS, color="0.5", linestyle=":", label="guessing")
    axis.set_xticks(range(len(GAPS)), [gap_name(low, high) for low, high in GAPS])
    axis.set(title="How long a character is remembered", xlabel="steps since the mark")
    axis.set(ylabel="accuracy, %", ylim=(0, 103))
    axis.legend(loc="lower left", ncols=2)


def plot_gradient_flow(axis):
    """The gradient by the number of steps before the end, for untrained layers."""
    layers = {
        "LSTM, forget bias 5": untrained_lstm(5),
        "LSTM, forget bias 1": untrained_lstm(1),
        "simple RNN, orthogonal": untrained_rnn("orthogonal"),
        "simple RNN, glorot_uniform": untrained_rnn("glorot_uniform"),
    }
    for name, layer in layers.items():
        flow = gradient_flow(layer)
        steps_before_end = np.arange(len(flow)) - len(flow) + 1
        axis.semilogy(steps_before_end, np.maximum(flow, 1e-30), label=name)
    axis.set(title="Before training: a gradient on its way back", xlabel="steps before the end")
    axis.set(ylabel="norm of ∂h/∂x, relative", ylim=(1e-14, 1e2))
    axis.legend(loc="lower right")


def plot_memory(model, inputs):
    """One sequence, the cell states and the gates of the LSTM, step by step."""
    cells, gates = follow_gates(model, inputs)
    figure, axes = plt.subplots(
        3, 1, figsize=(9, 6.4), height_ratios=(2, 3, 2), sharex=True, layout="constrained"
    )
    axes[0].imshow(inputs[0].T, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
    axes[0].set(title="Input: marked characters among noise")
    axes[0].set_yticks(range(5), [*"ABCD", "mark"])

    units_by_last_state = np.argsort(cells[-1])
    axes[1].imshow(cells.T[units_by_last_state], cmap="PuOr", vmin=-2, vmax=2, aspect="auto")
    axes[1].set(title="The cell state changes at the marks and is kept between them")
    axes[1].set(ylabel="unit")

    for name, means in gates.items():
        axes[2].plot(means, label=f"{name} gate")
    axes[2].set(title="At a mark the forget gate closes: the old goes, the new comes in")
    axes[2].set(xlabel="step", ylabel="mean", ylim=(0, 1))
    axes[2].legend(ncols=3)
    return figure

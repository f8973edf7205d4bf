"""Gradients through time: vanishing and exploding gradients in an RNN, clipping, truncation.

Slides: 002 «Limitaciones: explosión de gradientes → truncado», «Limitaciones: truncado de
        gradiente», «Limitaciones: desvanecimiento de gradientes», «Desvanecimiento: sesgo hacia
        dependencias recientes ("El perro … ladra")», «Limitaciones: alto costo computacional».
Paper:  Pascanu, Mikolov & Bengio (2013), On the difficulty of training recurrent neural networks,
        https://arxiv.org/abs/1211.5063 (the error surface with a cliff is their figure 6);
        Williams & Peng (1990), https://doi.org/10.1162/neco.1990.2.4.490 (truncation)
Departs from the paper: the recurrent weights are an orthogonal matrix times a number, so a step
scales a gradient by this number and the slope of the activation. Only the single unit of the cliff
is trained.

In each step of backpropagation through time, the gradient is multiplied by the recurrent weights
and by the slope of the activation. Over many steps it grows or shrinks exponentially. With a factor
below 1 it vanishes, and the network learns only from the most recent inputs; with a factor above 1
it explodes. Clipping reduces the norm of a gradient that is too large and keeps its direction.
Truncation goes back only some steps: it is cheaper, but earlier inputs have no influence at all.
"""

import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

STEPS = 60  # time steps of the sequences whose gradients are examined
UNITS = 64  # of each recurrent layer
FEATURES = 8  # inputs at each time step
RADII = (0.7, 0.9, 1.0, 1.1)  # factors of the state's norm in one step
WINDOWS = (1, 2, 5, 10, 20, 40, 60)  # steps of truncated backpropagation
LENGTHS = (10, 20, 40, 80, 160)  # steps for which the time of a gradient is measured
CLIFF_STEPS = 50  # time steps of the network with one unit
TARGET = 0.7  # target of its last output
RATE = 0.3  # learning rate of its gradient descent
CLIP = 0.5  # maximum norm of its gradient
START = (5.0, -2.2)  # its initial weight and bias, beside the cliff


def build_rnn(radius, activation="tanh", units=UNITS):
    """A SimpleRNN whose recurrent weights are an orthogonal matrix times `radius`."""
    layer = keras.layers.SimpleRNN(
        units,
        activation,
        kernel_initializer=keras.initializers.GlorotUniform(seed=1),
        recurrent_initializer=keras.initializers.Orthogonal(gain=radius, seed=2),
    )
    layer.build((None, None, FEATURES))
    return layer


def random_inputs(steps, examples=16):
    """Standard normal numbers (examples, steps, 8)."""
    shape = (examples, steps, FEATURES)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def loss_of(state):
    """An arbitrary loss: the last state (examples, units) projected on a random direction."""
    direction = np.random.default_rng(1).normal(size=state.shape[-1:]) / np.sqrt(state.shape[-1])
    return tf.reduce_sum(state * direction.astype("float32"))


def gradient_norms(layer, inputs):
    """The norm of the gradient of the loss with respect to the state after each step: (steps,).

    It is the mean over the examples.
    """
    states = []
    state = tf.zeros((len(inputs), layer.units))
    with tf.GradientTape() as tape:
        tape.watch(state)
        for step in range(inputs.shape[1]):
            state, _ = layer.cell(inputs[:, step], [state])
            states.append(state)
        loss = loss_of(state)
    gradients = tf.stack(tape.gradient(loss, states))  # (steps, examples, units)
    return tf.reduce_mean(tf.norm(gradients, axis=-1), axis=-1).numpy()


def influence(layer, inputs):
    """Norm of the gradient with respect to each step's input, as a share of the sum: (steps,)."""
    inputs = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = loss_of(layer(inputs))
    norms = tf.reduce_mean(tf.norm(tape.gradient(loss, inputs), axis=-1), axis=0).numpy()
    return norms / norms.sum()


def truncated_gradient(layer, inputs, window):
    """The gradient of the loss with respect to the recurrent weights, truncated to `window` steps.

    Args:
        layer: A SimpleRNN.
        inputs: Array (examples, steps, features).
        window: From 1 to the number of steps, which gives the full gradient.

    Returns:
        Array (units, units).
    """
    steps = inputs.shape[1]
    state = layer(inputs[:, : steps - window]) if window < steps else None
    with tf.GradientTape() as tape:
        # The state before the window is a constant, through which no gradient flows.
        state = layer(inputs[:, steps - window :], initial_state=state)
        loss = loss_of(state)
    return tape.gradient(loss, layer.cell.recurrent_kernel).numpy()


def cosine(one, other):
    """The cosine of the angle between two arrays: 1 if they point in the same direction."""
    return float(np.sum(one * other) / (np.linalg.norm(one) * np.linalg.norm(other)))


def milliseconds(layer, steps, rounds=5):
    """Median CPU time of the gradient through a number of steps, in milliseconds."""
    inputs = random_inputs(steps)
    spent = []
    for _ in range(rounds + 1):
        start = time.process_time()
        gradient_norms(layer, inputs)
        spent.append(time.process_time() - start)
    return 1000 * float(np.median(spent[1:]))  # the first round is a warm-up


def one_unit(weight, bias):
    """The error of h ← weight · sigmoid(h) + bias after 50 steps from 0, and its gradient.

    Args:
        weight, bias: Numbers or arrays of the same shape.

    Returns:
        The squared distance of sigmoid(h) from TARGET, and its derivatives with respect to weight
        and bias.
    """
    h = np.zeros_like(weight, dtype="float64")
    by_weight = np.zeros_like(h)
    by_bias = np.zeros_like(h)
    for _ in range(CLIFF_STEPS):
        y = 1 / (1 + np.exp(-h))
        slope = y * (1 - y)
        by_weight = y + weight * slope * by_weight
        by_bias = 1 + weight * slope * by_bias
        h = weight * y + bias
    y = 1 / (1 + np.exp(-h))
    outer = 2 * (y - TARGET) * y * (1 - y)
    return (y - TARGET) ** 2, outer * by_weight, outer * by_bias


def descend(weights, biases, clip=None, updates=300):
    """Gradient descent for several independent units.

    Args:
        weights, biases: Initial values, arrays (units,).
        clip: Maximum norm of the gradient; larger ones are scaled down to it. None for no clipping.
        updates: Number of updates.

    Returns:
        Weights and biases before and after each update, (updates + 1, units, 2), and the final
        errors, (units,).
    """
    place = np.stack([weights, biases], axis=-1).astype("float64")
    path = [place]
    for _ in range(updates):
        _, by_weight, by_bias = one_unit(place[:, 0], place[:, 1])
        gradient = np.stack([by_weight, by_bias], axis=-1)
        if clip is not None:
            length = np.linalg.norm(gradient, axis=-1, keepdims=True)
            gradient *= np.minimum(1, clip / np.maximum(length, 1e-12))
        place = place - RATE * gradient
        path.append(place)
    errors, _, _ = one_unit(place[:, 0], place[:, 1])
    return np.array(path), errors


def arrivals(clip):
    """The share of 56 starts along the cliff from which descent reaches an error below 0.001."""
    weights, heights = np.meshgrid(np.linspace(4.5, 6, 7), np.linspace(-0.1, 0.6, 8))
    biases = -weights / 2 + heights  # the cliff is at about −w/2
    _, errors = descend(weights.ravel(), biases.ravel(), clip)
    return float(np.mean(errors < 0.001))


def plot_norms():
    """The norm of the gradient by the number of steps back, for each radius and activation."""
    inputs = random_inputs(STEPS)
    back = np.arange(STEPS - 1, -1, -1)
    figure, axis = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for number, radius in enumerate(RADII):
        for activation, line in (("linear", "--"), ("tanh", "-")):
            norms = gradient_norms(build_rnn(radius, activation), inputs)
            label = f"{radius:g}, {activation}"
            axis.semilogy(back, norms / norms[-1], line, color=f"C{number}", label=label)
    axis.invert_xaxis()
    axis.set(xlabel="steps back from the end", ylabel="length of the gradient")
    axis.set_title("Each step back multiplies the gradient")
    axis.legend(title="radius", ncols=2, fontsize=9)
    return figure


def plot_cliff():
    """The error surface of one unit, and gradient descent on it with and without clipping."""
    weights, biases = np.meshgrid(np.linspace(3, 7, 300), np.linspace(-3.4, -0.4, 300))
    errors, _, _ = one_unit(weights, biases)
    figure, axis = plt.subplots(figsize=(7, 5), layout="constrained")
    image = axis.pcolormesh(weights, biases, errors, cmap="Blues", shading="nearest")
    figure.colorbar(image, ax=axis, label="squared error after 50 steps")
    start = np.array(START)[:, None]
    for clip, color, name in ((CLIP, "black", "clipped"), (None, "C1", "as they are")):
        path, _ = descend(*start, clip)
        axis.plot(*path[:, 0].T, "o-", color=color, ms=3, lw=1, label=f"gradients {name}")
    axis.set(xlim=(3, 7), ylim=(-3.4, -0.4), xlabel="recurrent weight", ylabel="bias")
    axis.legend(loc="upper left")
    share_clipped = arrivals(CLIP)
    share = arrivals(None)
    axis.set_title(
        "A step beyond the cliff throws the weights far away\n"
        f"of 56 beginnings {share:.0%} arrive, with clipped gradients {share_clipped:.0%}",
        fontsize=11,
    )
    return figure


def plot_influence():
    """The share of each step's input in the gradient, for a simple RNN and an LSTM."""
    inputs = random_inputs(STEPS)
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    back = np.arange(STEPS - 1, -1, -1)
    for name, layer in recurrent_layers().items():
        shares = influence(layer, inputs)
        label = f"{name}: {shares[-10:].sum():.0%} of it in the last ten"
        axis.plot(back, shares, "o-", ms=3, label=label)
    axis.invert_xaxis()
    axis.set(xlabel="steps back from the end", ylabel="share of the influence")
    axis.set_title("A simple RNN hears of what has just been")
    axis.legend()
    return figure


def recurrent_layers():
    """A simple RNN, and an LSTM whose forget gates are open (bias 5)."""
    lstm = keras.layers.LSTM(
        UNITS,
        kernel_initializer=keras.initializers.GlorotUniform(seed=1),
        recurrent_initializer=keras.initializers.Orthogonal(seed=2),
        unit_forget_bias=False,
    )
    lstm.build((None, None, FEATURES))
    kernel, recurrent, bias = lstm.get_weights()
    bias[UNITS : 2 * UNITS] = 5  # input, forget, cell, output
    lstm.set_weights([kernel, recurrent, bias])
    return {"simple RNN": build_rnn(0.9), "LSTM, forget bias 5": lstm}


def plot_truncation():
    """Plot the error of truncated gradients, and their cost by the number of steps."""
    layer = build_rnn(1.0)
    inputs = random_inputs(STEPS)
    whole = truncated_gradient(layer, inputs, STEPS)
    cosines = [cosine(truncated_gradient(layer, inputs, window), whole) for window in WINDOWS]
    spent = [milliseconds(layer, steps) for steps in LENGTHS]
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    axes[0].plot(WINDOWS, cosines, "o-")
    axes[0].set(xlabel="steps back", ylabel="cosine with the whole gradient", ylim=(0, 1.05))
    axes[0].set_title("Truncated backpropagation")
    axes[1].plot(LENGTHS, spent, "o-")
    axes[1].set(xlabel="steps of the sequence", ylabel="CPU ms, measured")
    axes[1].set(xlim=(0, None), ylim=(0, None), title="Each step waits for the one before it")
    return figure


def main():
    inputs = random_inputs(STEPS)
    for radius in RADII:
        norms = gradient_norms(build_rnn(radius, "linear"), inputs)
        print(
            f"radius {radius:g}, linear: {STEPS - 1} steps back the gradient is "
            f"{norms[0] / norms[-1]:.1e} of what it was; {radius:g}^{STEPS - 1} = "
            f"{radius ** (STEPS - 1):.1e}"
        )
    for name, layer in recurrent_layers().items():
        shares = influence(layer, inputs)
        print(f"{name}: {shares[-10:].sum():.0%} of the influence is that of the last ten steps")
    start = np.array(START)[:, None]
    for clip in (None, CLIP):
        path, errors = descend(*start, clip)
        weight, bias = path[-1, 0]
        print(
            f"clip {clip}: weight {weight:.2f}, bias {bias:.2f}, error {errors[0]:.4f}; "
            f"{arrivals(clip):.0%} of 56 beginnings arrive"
        )
    plot_norms().savefig("norms.png")
    plot_cliff().savefig("cliff.png")
    plot_influence().savefig("influence.png")
    plot_truncation().savefig("truncation.png")


if __name__ == "__main__":
    main()

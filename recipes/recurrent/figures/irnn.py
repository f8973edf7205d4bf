"""The pictures of irnn: activations and gradients, learning curves, and states step by step."""

from itertools import pairwise

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy

TOLERANCE = 0.04  # smaller errors count as correct (Hochreiter & Schmidhuber)
GROUPS = 5  # groups of sums, by the number of steps to remember the first number


def figures(models, test, histories):
    """Activations and gradients; learning curves and accuracy by memory length; states by step."""
    inputs, sums = to_numpy(test)
    return {
        "activations": plot_activations(),
        "learning": plot_learning(models, histories, inputs, sums),
        "states": plot_states(models, inputs[:1], sums[0, 0]),
    }


def derivative(activation, x):
    """The derivative of the activation of this name at each x."""
    x = tf.constant(x, "float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = keras.activations.get(activation)(x)
    return tape.gradient(y, x).numpy()


def gradient_through(activation, steps=50, recurrent="identity", noise=0.0, units=32, seed=0):
    """Norm of the gradient of an untrained simple RNN's last state with respect to each state.

    Args:
        activation, recurrent: As in `build_model`.
        noise: Standard deviation of the inputs.

    Returns:
        Norms (steps + 1,); that of the last state is 1.
    """
    keras.utils.set_random_seed(seed)
    cell = keras.layers.SimpleRNNCell(units, activation=activation, recurrent_initializer=recurrent)
    cell.build((None, 8))
    rng = np.random.default_rng(seed)
    inputs = tf.constant(noise * rng.normal(size=(steps, 1, 8)), "float32")
    states = [tf.constant(np.abs(rng.normal(size=(1, units))), "float32")]
    with tf.GradientTape() as tape:
        tape.watch(states[0])
        for x in inputs:
            state, _ = cell(x, [states[-1]])
            states.append(state)
        total = tf.reduce_sum(states[-1]) / units**0.5
    return np.array([np.linalg.norm(gradient) for gradient in tape.gradient(total, states)])


def steps_kept(inputs):
    """For each of the inputs (count, length, 2), the steps from the first mark to the end."""
    return inputs.shape[1] - inputs[..., 1].argmax(axis=1)


def share_correct(correct, kept, edges):
    """The share of correct answers, in %, in each bin of steps between two edges."""
    shares = []
    for low, high in pairwise(edges):
        shares.append(100 * correct[(kept >= low) & (kept < high)].mean())
    return shares


def plot_activations():
    """Four activations with their derivatives, and the gradient over 50 steps."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    x = np.linspace(-5, 5, 201)
    for name in ("sigmoid", "tanh", "relu", "leaky_relu"):
        axes[0].plot(x, keras.activations.get(name)(tf.constant(x)), label=name)
        slopes = derivative(name, x)
        axes[1].plot(x, slopes, label=f"{name}: at most {slopes.max():.2f}")
    for activation, recurrent in (
        ("sigmoid", "identity"),
        ("tanh", "identity"),
        ("tanh", "glorot_uniform"),
        ("relu", "glorot_uniform"),
        ("relu", "orthogonal"),
        ("relu", "identity"),
    ):
        norms = gradient_through(activation, recurrent=recurrent, noise=1.0)
        norms = np.where(norms > 1e-36, norms, np.nan)  # near the limit of float32
        steps_before_end = np.arange(len(norms)) - len(norms) + 1
        axes[2].semilogy(steps_before_end, norms, label=f"{activation}, {recurrent}")
    axes[0].set(title="Activations", ylim=(-1.2, 3))
    axes[1].set(title="Their derivatives", ylim=(-0.05, 1.75))
    axes[1].legend(loc="upper left")
    axes[2].set(title="A gradient, 50 steps back in time", xlabel="steps before the end")
    axes[2].set(ylabel="norm", ylim=(1e-37, 1e3))
    axes[2].legend(loc="lower right", fontsize="small")
    return figure


def plot_learning(models, histories, inputs, sums):
    """The validation error over the epochs, and the share of correct sums after training."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
    kept = steps_kept(inputs)
    edges = np.linspace(kept.min(), kept.max() + 1, GROUPS + 1).astype(int)
    for name, model in models.items():
        errors = histories[name]["val_mse"]
        axes[0].semilogy(np.arange(len(errors)) + 1, errors, "o-", markersize=3, label=name)
        answers = model.predict(inputs, batch_size=1000, verbose=0)
        correct = np.abs(answers - sums)[:, 0] < TOLERANCE
        axes[1].plot(share_correct(correct, kept, edges), "o-", label=name)
    axes[0].axhline(1 / 6, color="0.5", linestyle=":", label="always 1")
    axes[0].set(title="The adding problem over 100 steps", xlabel="epoch")
    axes[0].set(ylabel="validation, mean squared error")
    axes[0].legend(loc="lower left", ncols=2)
    axes[1].set(title=f"Sums correct to within {TOLERANCE}", ylabel="correct, %", ylim=(-3, 103))
    axes[1].set_xticks(range(GROUPS), [f"{low}–{high - 1}" for low, high in pairwise(edges)])
    axes[1].set_xlabel("steps for which the first number has to be kept")
    return figure


def plot_states(models, inputs, target):
    """One sequence (1, length, 2), the units of two networks, and their outputs at each step."""
    numbers, marks = inputs[0].T
    figure, axes = plt.subplots(
        3, 1, figsize=(9, 6.4), height_ratios=(2, 3, 3), sharex=True, layout="constrained"
    )
    axes[0].bar(np.arange(len(numbers)), numbers, color=np.where(marks > 0, "#D55E00", "0.8"))
    addends = " + ".join(f"{number:.2f}" for number in numbers[marks > 0])
    axes[0].set(title=f"To be added: {addends} = {target:.2f}")
    for axis, name in ((axes[1], "irnn"), (axes[2], "tanh")):
        layer, head = models[name].layers
        all_steps = keras.layers.RNN(layer.cell, return_sequences=True)
        states = all_steps(inputs)  # (1, length, units)
        answers = keras.ops.convert_to_numpy(head(states))[0, :, 0]  # (length,)
        axis.plot(keras.ops.convert_to_numpy(states)[0], color="0.75", linewidth=0.8)
        axis.plot(answers, color="#0072B2", label="answer at this step")
        axis.set(title=f"{name}: its units (gray), and the answer that it would give at each step")
    axes[1].legend(loc="lower right", bbox_to_anchor=(1, 0.98))
    axes[2].set_xlabel("step")
    return figure

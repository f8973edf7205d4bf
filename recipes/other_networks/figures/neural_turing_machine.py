"""The pictures of neural_turing_machine: attention of its heads, and accuracy by length."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.other_networks import neural_turing_machine as recipe

LENGTHS = (1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 28)
SEQUENCES = 100  # of each length
SHOWN = 20  # vectors in the sequence whose copying is drawn


def figures(models, test, histories):
    """Accuracy by length; the heads' attention while the machine copies a sequence."""
    drawn = {"lengths": plot_lengths(models)}
    if "ntm" in models:
        drawn["heads"] = plot_heads(models["ntm"])
    return drawn


def accuracy_at(model, length):
    """The share of correct bits in copies of new sequences of a length."""
    lengths = np.full(SEQUENCES, length)
    inputs, targets, weights = recipe.copy_task(lengths, length, seed=100 + length)
    answers = model.predict(inputs, batch_size=SEQUENCES, verbose=0) > 0.5
    return np.mean((answers == targets)[weights > 0])


def plot_lengths(models):
    """Bit accuracy against the length of sequences; the lengths used in training are gray."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, model in models.items():
        axis.plot(LENGTHS, [accuracy_at(model, length) for length in LENGTHS], "o-", label=name)
    axis.axvspan(0.5, recipe.LONGEST + 0.5, color="0.9", zorder=0)
    axis.axhline(0.5, color="0.5", linestyle=":")
    axis.set(
        xlabel="vectors in the sequence (gray: trained lengths)",
        ylabel="bits that are right (dotted: guesses)",
        title="A memory with addresses copies lengths it has never seen",
    )
    axis.legend()
    return figure


def copying(model, length, seed=7):
    """Inputs, outputs and attention weights of both heads while one sequence is copied.

    Returns:
        Inputs (time, 9), probabilities (time, 8), and the weights of the write head and of the read
        head, (time, slots) each.
    """
    inputs, _, _ = recipe.copy_task([length], length, seed)
    cell = model.get_layer("machine").cell
    states = cell.get_initial_state(1)
    writing, reading = [], []
    for step in range(inputs.shape[1]):
        _, states = cell(inputs[:, step], states)
        _, write_weights, read_weights, *_ = states
        writing.append(keras.ops.convert_to_numpy(write_weights)[0])
        reading.append(keras.ops.convert_to_numpy(read_weights)[0])
    answers = model.predict(inputs, verbose=0)
    return inputs[0], answers[0], np.array(writing), np.array(reading)


def plot_heads(model):
    """Plot inputs and outputs above, and the slots that the heads write and read below."""
    inputs, answers, writing, reading = copying(model, SHOWN)
    answers[: SHOWN + 1] = 0  # outputs before the delimiter do not count
    parts = {
        "input: 8 bits, and the delimiter below": inputs,
        "output": answers,
        "where it writes (slot)": writing,
        "where it reads (slot)": reading,
    }
    figure, axes = plt.subplots(
        4, 1, figsize=(8, 7), height_ratios=(1, 1, 2, 2), sharex=True, layout="constrained"
    )
    for axis, (title, values) in zip(axes, parts.items(), strict=True):
        axis.imshow(values.T, cmap="gray_r", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        axis.set(title=title, yticks=[])
    axes[-1].set_xlabel("step")
    figure.suptitle(
        f"A sequence of {SHOWN} vectors: written slot by slot, and read from the first on"
    )
    return figure

"""The pictures of conv1d_signals: waves of each class, and the evidence along a changing signal."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.convolution import conv1d_signals as recipe


def figures(model, test, history):
    """Three signals of each class; the first filters; class evidence along a changing signal."""
    signals, labels = to_numpy(test)
    return {
        "signals": plot_signals(signals, labels),
        "filters": plot_filters(model),
        "evidence": plot_evidence(model),
    }


def class_activation(model, signal):
    """The evidence of each step for each class; its mean over time is the network's logits.

    Args:
        model: A network with a dense layer on a global average.
        signal: Array (steps, 1).

    Returns:
        Array (steps / 4, classes).
    """
    pooling = model.layers[-2]
    kernel, bias = model.layers[-1].get_weights()
    extractor = keras.Model(model.inputs, pooling.input)
    features = extractor([signal[None]], training=False)  # (1, steps / 4, features)
    return keras.ops.convert_to_numpy(features)[0] @ kernel + bias


def changing_signal(kinds, length=192, period=40, seed=0):
    """A noisy signal of changing form: `length` steps of each kind of wave, (steps, 1)."""
    rng = np.random.default_rng(seed)
    parts = []
    for kind in kinds:
        parts.append(recipe.wave(kind, np.arange(length) / period))
    clean = np.concatenate(parts)
    noisy = clean + recipe.NOISE * rng.normal(size=len(clean))
    return noisy[:, None].astype("float32")


def plot_signals(signals, labels):
    """Three signals of each class, as in the network's inputs."""
    count = len(recipe.CLASSES)
    figure, axes = plt.subplots(3, count, figsize=(12, 4.6), sharex=True, layout="constrained")
    for label, name in enumerate(recipe.CLASSES):
        chosen = signals[labels == label][:3]
        for row, signal in enumerate(chosen):
            axes[row, label].plot(signal, color=f"C{label}", linewidth=1)
            axes[row, label].set(yticks=[])
        axes[0, label].set_title(name)
    figure.supxlabel("step")
    figure.suptitle("Five waves of random period, phase, amplitude and offset, with noise")
    return figure


def plot_filters(model):
    """The filters of the first layer along time."""
    kernel = model.layers[0].get_weights()[0]  # (size, 1, filters)
    filters = kernel[:, 0].T
    columns = 8
    rows = -(-len(filters) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(10, 1.4 * rows),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, weights in zip(axes.flat, filters, strict=False):
        axis.axhline(0, color="0.8")
        axis.plot(weights, "o-", markersize=3)
    figure.suptitle("The filters of the first layer: slopes, jumps and corners")
    return figure


def found_share(evidence, labels):
    """The share of steps whose strongest evidence is for the true class.

    Args:
        evidence: Array (steps / 4, classes).
        labels: The class of each step, (steps / 4,).
    """
    return np.mean(evidence.argmax(axis=-1) == labels)


def plot_evidence(model):
    """A signal of four consecutive waves, and the class probabilities step by step."""
    sequence = [2, 3, 4, 0]
    kinds = [recipe.CLASSES[label] for label in sequence]
    signal = changing_signal(kinds)
    evidence = class_activation(model, signal)
    labels = np.repeat(sequence, len(evidence) // len(sequence))
    scores = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    probabilities = scores / scores.sum(axis=-1, keepdims=True)

    figure, axes = plt.subplots(2, 1, figsize=(11, 4.6), layout="constrained")
    axes[0].plot(signal, color="0.3", linewidth=1)
    axes[0].set(xlim=(0, len(signal)), ylim=(-2.2, 3), yticks=[], xticks=[])
    for part, (label, name) in enumerate(zip(sequence, kinds, strict=True)):
        start = part * len(signal) / len(sequence)
        axes[0].axvspan(start, start + len(signal) / 4, color=f"C{label}", alpha=0.15)
        axes[0].text(start + 4, 2.8, name, va="top", color=f"C{label}")
    extent = (0, len(signal), len(recipe.CLASSES) - 0.5, -0.5)
    style = {"aspect": "auto", "interpolation": "nearest", "extent": extent, "vmax": 1}
    plots.heatmap(axes[1], probabilities.T, rows=recipe.CLASSES, **style)
    axes[1].set(xlabel="step")
    share = found_share(evidence, labels)
    figure.suptitle(f"Trained on whole signals, it names the wave of {share:.0%} of single steps")
    return figure

"""The pictures of seq2seq_attention: attention weights, and accuracy by sequence length."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.attention import seq2seq_attention as recipe
from recipes.common import plots
from recipes.common.arrays import to_numpy

TITLES = {
    "additive": "additive attention",
    "dot": "dot-product attention",
    "code": "the last state alone",
}
SHOWN = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8])  # the digits in the picture


def figures(models, test, histories):
    """The share of sequences that are repeated exactly, by length; attention weights for one."""
    drawn = {"lengths": plot_lengths(models, test)}
    looking = {name: model for name, model in models.items() if name != "code"}
    if looking:
        drawn["alignment"] = plot_alignment(looking)
    return drawn


def exact_by_length(model, test):
    """The share of sequences of each length that are repeated without a mistake.

    Returns:
        The lengths that occur, and the shares, two arrays of the same size.
    """
    digits, _ = to_numpy(test)
    answers = model.predict(test, verbose=0).argmax(axis=-1)
    right = np.all(answers == digits, axis=1)
    lengths = np.sum(digits > 0, axis=1)
    found = np.unique(lengths)
    return found, np.array([right[lengths == length].mean() for length in found])


def plot_lengths(models, test):
    """A line for each network."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, model in models.items():
        axis.plot(*exact_by_length(model, test), "o-", label=TITLES[name])
    axis.set(xlabel="digits of the sequence", ylabel="share repeated without a mistake")
    axis.set(ylim=(0, 1.05))
    axis.set_title("One vector holds a few digits, attention all of them")
    axis.legend()
    return figure


def weights(model, digits):
    """Attention weights of each output position over the encoder states.

    Args:
        model: A network with attention.
        digits: The numbers 0 to 9, at most 16.

    Returns:
        Array (digits, digits): a row for each place written, a column for each digit read.
    """
    count = len(digits)
    padded = np.zeros((1, recipe.LENGTH), "int32")
    padded[0, :count] = digits + 1
    layer = model.get_layer("attention")
    queries, states = layer.input[:2]  # and the mask
    inside = keras.Model(model.input, [queries, states])
    queries, states = inside.predict(padded, verbose=0)
    mask = keras.ops.convert_to_tensor(padded > 0)
    _, scores = layer([queries, states], mask=[None, mask], return_attention_scores=True)
    return keras.ops.convert_to_numpy(scores)[0, :count, :count]


def plot_alignment(models):
    """The attention weights of each network as a heatmap."""
    figure, axes = plt.subplots(
        1, len(models), figsize=(5 * len(models), 4.6), layout="constrained", squeeze=False
    )
    for axis, (name, model) in zip(axes[0], models.items(), strict=True):
        plots.heatmap(axis, weights(model, SHOWN), SHOWN, SHOWN, vmax=1)
        axis.set(xlabel="digits read", ylabel="digits written", title=TITLES[name])
    figure.suptitle("Where the decoder looks for each digit that it writes")
    return figure

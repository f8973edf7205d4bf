"""The pictures of imdb_transformer: self-attention weights in two reviews."""

import keras
import matplotlib.pyplot as plt
import tensorflow as tf

from recipes.attention.imdb_transformer import CLASSES
from recipes.common import plots

REVIEW = (
    "I expected a good film, but this one is not good at all: a waste of time, and not even funny."
)
LINE_LENGTH = 78  # characters


def figures(model, test, history):
    """Attention weights in a short review, and the attention that each word of another receives."""
    texts, labels = next(test.as_numpy_iterator())
    shortest = min(range(len(texts)), key=lambda index: len(texts[index]))
    return {
        "heads": plot_heads(model, REVIEW),
        "review": plot_review(model, texts[shortest], CLASSES[labels[shortest]]),
    }


def attention_weights(model, text):
    """The words of a text as the network's tokens, and the weights of its self-attention.

    Returns:
        A list of words, and an array (heads, queries, keys) with a query and a key for each word.
    """
    encoder = model.get_layer("encoder")
    vectorize = model.get_layer("vectorize")
    text = tf.constant([text])
    embeddings, mask = keras.Model(model.input, encoder.input)(text)
    _, weights = encoder(embeddings, mask=mask, return_attention_scores=True)
    vocabulary = vectorize.get_vocabulary()
    words = [vocabulary[token] for token in vectorize(text)[0]]
    return words, keras.ops.convert_to_numpy(weights[0])


def attention_received(weights):
    """The mean weight of each key over heads and queries, relative to uniform attention.

    Args:
        weights: Array (heads, queries, keys).

    Returns:
        Array (keys,), 1 in the mean.
    """
    return weights.mean(axis=(0, 1)) * weights.shape[-1]


def break_lines(words, length=LINE_LENGTH):
    """The position of each word in wrapped text: a list of (line, column of its first letter)."""
    places = []
    line = 0
    column = 0
    for word in words:
        if column > 0 and column + len(word) > length:
            line += 1
            column = 0
        places.append((line, column))
        column += len(word) + 1
    return places


def plot_heads(model, text):
    """A heatmap of the attention weights for each head."""
    words, weights = attention_weights(model, text)
    probability = float(model(tf.constant([text]))[0, 0])
    figure, axes = plt.subplots(
        1, len(weights), figsize=(5.5 * len(weights), 5.8), layout="constrained", squeeze=False
    )
    for number, (axis, head) in enumerate(zip(axes[0], weights, strict=True), start=1):
        plots.heatmap(axis, head, words, words)
        axis.set(title=f"Head {number}", xlabel="key", ylabel="query")
    figure.suptitle(f"Attention weights; the review is positive with probability {probability:.2f}")
    return figure


def plot_review(model, text, label):
    """A review with a background that is darker for words that receive more attention."""
    words, weights = attention_weights(model, text)
    probability = float(model(tf.constant([text]))[0, 0])
    places = break_lines(words)
    lines = 1 + max((line for line, _ in places), default=0)
    figure, axis = plt.subplots(figsize=(9, 1 + 0.3 * lines), layout="constrained")
    color_map = plt.get_cmap("Oranges")
    for word, share, (line, column) in zip(words, attention_received(weights), places, strict=True):
        color = color_map(min(share / 4, 1.0))
        box = {"facecolor": color, "linewidth": 0, "pad": 2}
        axis.text(column, line, word, family="monospace", fontsize=9, bbox=box)
    axis.set(xlim=(-1, LINE_LENGTH + 1), ylim=(lines, -1))
    axis.axis("off")
    axis.set_title(
        f"Attention that each word receives: {label} review, positive with p = {probability:.2f}"
    )
    return figure

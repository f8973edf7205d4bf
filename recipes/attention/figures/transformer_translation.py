"""The pictures of transformer_translation: cross-attention, and decoding step by step."""

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from recipes.attention import transformer_translation as recipe
from recipes.common import plots


def figures(model, test, history):
    """Cross-attention weights of two translations, and the likeliest words at each step."""
    return {
        "cross_attention": plot_cross_attention(model, recipe.PHRASES[1:]),
        "decoding_steps": plot_decoding_steps(model, recipe.PHRASES[0]),
    }


def cross_attention(model, sentence):
    """Cross-attention weights of the greedy translation of a sentence.

    Returns:
        The target words, the source words, and the cross-attention weights of the last block,
        (target words, source words), mean of the heads.
    """
    tokens = model.generate(tf.constant([sentence]))  # (1, 1 + target words), START first
    encoded, source_mask = model.transformer.encode(model.english_tokenizer([sentence]))
    _, weights = model.transformer.decode(tokens[:, :-1], encoded, source_mask)
    weights = np.mean(weights[0], axis=0)  # of (num_heads, target words, source words)
    target_words = [model.spanish_vocabulary[token] for token in tokens[0, 1:]]
    return target_words, recipe.tokenize([sentence])[0], weights


def likeliest_words(model, sentence, count=4):
    """The likeliest next words at each step of greedy search: lists of (word, probability)."""
    tokens = model.generate(tf.constant([sentence]))
    encoded, source_mask = model.transformer.encode(model.english_tokenizer([sentence]))
    steps = []
    for t in range(1, tokens.shape[1]):
        prefix = tokens[:, :t]
        logs = model.transformer.next_log_probabilities(prefix, encoded, source_mask)
        probabilities = np.exp(logs[0])
        words = []
        for token in np.argsort(-probabilities)[:count]:
            words.append((model.spanish_vocabulary[token], float(probabilities[token])))
        steps.append(words)
    return steps


def plot_cross_attention(model, sentences):
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    figure.suptitle("Cross-attention weights of the decoder (last block, mean of the heads)")
    for axis, sentence in zip(axes, sentences, strict=True):
        target_words, source_words, weights = cross_attention(model, sentence)
        plots.heatmap(axis, weights, target_words, source_words, aspect="auto")
        axis.set(xlabel="source word (key)", ylabel="generated word (query)")
    return figure


def plot_decoding_steps(model, sentence):
    figure, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
    steps = likeliest_words(model, sentence)[:10]  # an untrained network never stops
    colors = plt.get_cmap("Blues")
    for step, words in enumerate(steps, start=1):
        for rank, (word, probability) in enumerate(words):
            axis.text(
                step,
                rank,
                f"{word}\n{probability:.0%}",
                ha="center",
                va="center",
                bbox={"facecolor": colors(0.6 * probability)},
            )
    axis.set(xlim=(0.5, len(steps) + 0.5), ylim=(3.6, -0.6))
    axis.set(xticks=range(1, len(steps) + 1), yticks=[], xlabel="step")
    axis.set_title(f"«{sentence}» word by word: the likeliest is taken, until it is {recipe.END}")
    return figure

"""The pictures of char_rnn: poems at three temperatures, and the surprisal of an unseen poem."""

import re
import textwrap

import matplotlib.pyplot as plt
import numpy as np

from recipes.recurrent import char_rnn

TEMPERATURES = (0.3, 0.7, 1.2)
WORD = re.compile(r"[^\W\d_]+")  # letters in a row
LINES = 14  # lines of a sample that fit into a picture
LINE_LENGTH = 50  # characters


def figures(model, test, history):
    """Generated poems, and the surprisal of each character of a human poem."""
    known = set()
    for poem in char_rnn.load_poems(char_rnn.SPLITS[0]):
        known.update(WORD.findall(poem.lower()))
    poem = char_rnn.load_poems(char_rnn.SPLITS[2])[0]
    return {"samples": plot_samples(model, known), "surprisal": plot_surprisal(model, poem)}


def share_of_known_words(text, known):
    """The share of a text's words in a set of lower-case words; 0 without words."""
    words = WORD.findall(text.lower())
    if not words:
        return 0.0
    return sum(word in known for word in words) / len(words)


def surprisal(model, poem):
    """−log₂ of the probability of each character of a poem but the first, (characters − 1,)."""
    inputs, targets, _ = char_rnn.chunks(poem, len(poem) - 1)  # one chunk, no padding
    probabilities = model.predict(inputs, verbose=0)[0]  # (characters - 1, 88)
    return -np.log2(probabilities[np.arange(len(probabilities)), targets[0]])


def plot_samples(model, known):
    """Plot samples at several temperatures: low ones repeat frequent words, high ones err."""
    figure, axes = plt.subplots(1, len(TEMPERATURES), figsize=(13, 3.6), layout="constrained")
    texts = char_rnn.generate(model, TEMPERATURES)
    for axis, temperature, text in zip(axes, TEMPERATURES, texts, strict=True):
        share = share_of_known_words(text, known)
        axis.set_title(f"Temperature {temperature}: {share:.0%} real words", loc="left")
        lines = []
        for line in text.split("\n"):
            lines.extend(textwrap.wrap(line, LINE_LENGTH) or [""])
        written = "\n".join(lines[:LINES])
        axis.text(0, 1, written, va="top", family="serif", parse_math=False)
        axis.axis("off")
    return figure


def plot_surprisal(model, poem):
    """A poem; the background of each character is darker for a larger surprisal."""
    bits = surprisal(model, poem)
    # The END before the poem is not a target. Line breaks and the END after the poem are cells.
    lines = poem[1:].removesuffix(char_rnn.END).split("\n")
    cells = np.full((len(lines), 1 + max(map(len, lines))), np.nan)
    figure, axis = plt.subplots(figsize=(9, 0.3 * len(lines) + 1.2), layout="constrained")
    start = 0
    for row, line in enumerate(lines):
        cells[row, : len(line) + 1] = bits[start : start + len(line) + 1]
        start += len(line) + 1
        for column, character in enumerate(line):
            axis.text(column, row, character, ha="center", va="center", family="monospace")
    picture = axis.imshow(cells, cmap="Oranges", vmin=0, vmax=12, aspect="auto")
    figure.colorbar(picture, label="surprisal in bits")
    axis.set(title=f"A poem not seen in training: {bits.mean():.2f} bits per character")
    axis.set(xticks=[], yticks=[])
    return figure

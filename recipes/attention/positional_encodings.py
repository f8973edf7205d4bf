"""Positional encodings for self-attention: integers, binary digits and sinusoids compared.

Slides: 001 «Para codificar la posición: positional embedding», 001 «Positional encoding»,
        002 «Paso 1».
Paper:  Vaswani et al. (2017), Attention is all you need, https://arxiv.org/abs/1706.03762,
        section 3.5
Departs from the slides: the third encoding there, sin(pos / i) for i = 0 … d, divides by zero at
i = 0 and has no cosines. The paper has P[pos, 2k] = sin(pos / 10000^(2k/d)) and P[pos, 2k + 1] =
cos(pos / 10000^(2k/d)).

Self-attention ignores the order of a sentence: permuted words give the same outputs, permuted. So
an encoding of its position is added to each word embedding. Integers grow without bound, and soon
dominate the attention weights. Binary digits are bounded, but neighbors differ in one digit, in
several, or in all (7 = 0111, 8 = 1000). Sinusoids have the same norm at every position and the same
distance between neighbors, and the encoding of pos + k is that of pos, rotated by a matrix that is
the same for every pos.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np

from layers.positional_encoding import PositionalEncoding, positional_encoding
from recipes.common import plots

COLORS = {"none": "0.5", "sinusoidal": "C0", "binary": "C1", "integer": "C2"}


def encode(positions, features, encoding):
    """Positional encodings of some positions.

    Args:
        positions: Nonnegative integers, (positions,).
        features: Number of columns.
        encoding: "integer", "binary", "sinusoidal", or "printed" for the slide's sin(pos / i).

    Returns:
        Array (positions, features), float64.
    """
    positions = np.asarray(positions)
    if encoding == "printed":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sin(positions[:, None] / np.arange(features))
    encoded = positional_encoding(positions, features, encoding)
    return keras.ops.convert_to_numpy(encoded).astype("float64")


def rotation(shift, features, wavelength=10_000.0):
    """The R of `P[pos + shift] = R P[pos]` for sinusoids, a rotation of each pair of columns."""
    matrix = np.zeros((features, features))
    for k in range(0, features, 2):
        angle = shift / wavelength ** (k / features)
        matrix[k, k : k + 2] = np.cos(angle), np.sin(angle)
        matrix[k + 1, k : k + 2] = -np.sin(angle), np.cos(angle)
    return matrix


def attention_network(encoding=None, features=16):
    """Self-attention on (steps, features), with positional encodings or, for None, without."""
    inputs = keras.Input((None, features))
    x = inputs
    if encoding is not None:
        x = PositionalEncoding(encoding)(x)
    outputs = keras.layers.MultiHeadAttention(num_heads=2, key_dim=8)(x, x)
    return keras.Model(inputs, outputs)


def permutation_difference(model, steps=7, seed=0):
    """Largest difference between the outputs of a permuted sentence and the permuted outputs."""
    rng = np.random.default_rng(seed)
    sentence = rng.normal(size=(1, steps, model.input_shape[-1])).astype("float32")
    order = rng.permutation(steps)
    outputs = keras.ops.convert_to_numpy(model(sentence))
    outputs_of_permuted = keras.ops.convert_to_numpy(model(sentence[:, order]))
    return np.abs(outputs_of_permuted - outputs[:, order]).max()


def random_attention(encoding, steps, features=64, seed=0):
    """Attention weights of an untrained head among random word embeddings.

    Args:
        encoding: As in `encode`, added to the embeddings; "none" for no encoding.
        steps: Number of words in the sentence.
        features: Dimension of embeddings, queries and keys.
        seed: Seed of weights and embeddings.

    Returns:
        Array (queries, keys), both `steps` long.
    """
    rng = np.random.default_rng(seed)
    query_kernel, key_kernel = rng.normal(0, features**-0.5, (2, features, features))
    x = rng.normal(size=(steps, features))
    if encoding != "none":
        x = x + encode(range(steps), features, encoding)
    query = x @ query_kernel
    key = x @ key_kernel
    scores = query @ key.T / np.sqrt(features)  # (steps, steps)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def attended_share(weights):
    """The share of a sentence that a word attends to: e^entropy of its attention weights / words.

    Args:
        weights: Array (queries, keys).

    Returns:
        The mean over the queries: 1 for equal weights, 1 / keys if one key has all the weight.
    """
    entropy = -np.sum(weights * np.log(np.maximum(weights, 1e-300)), axis=-1)  # (queries,)
    return np.exp(entropy).mean() / weights.shape[-1]


def mean_attended_share(encoding, steps, samples=10):
    """`attended_share` of an untrained head, on average over random sentences and weights."""
    shares = []
    for seed in range(samples):
        shares.append(attended_share(random_attention(encoding, steps, seed=seed)))
    return np.mean(shares)


def plot_encodings():
    """The four encodings, a row for each position."""
    titles = {
        "integer": "Integer: grows and grows",
        "binary": "Binary: the last digits flicker",
        "printed": "sin(pos/i): no column 0,\nand the last ones all alike",
        "sinusoidal": "The paper's sinusoids:\nfrom fast to slow",
    }
    figure, axes = plt.subplots(1, 4, figsize=(13, 4.6), layout="constrained", sharey=True)
    for axis, (encoding, title) in zip(axes, titles.items(), strict=True):
        encoded = encode(range(48), 16, encoding)
        picture = plots.heatmap(axis, encoded, cmap="cividis", vmin=None, aspect="auto")
        axis.set(title=title, xlabel="column", facecolor="white")
        figure.colorbar(picture, shrink=0.7)
    axes[0].set_ylabel("position")
    return figure


def plot_clock(axis, encoded, k):
    """Columns 2k and 2k + 1 of sinusoids (positions, features) as the hand of a clock."""
    steps, features = encoded.shape
    positions = np.arange(steps)
    # Later positions are further out, so that the turns of a fast hand do not overlap.
    radius = 0.4 + 0.6 * positions / steps
    x, y = radius * encoded[:, 2 * k : 2 * k + 2].T
    axis.plot(x, y, color="0.85", linewidth=1)
    dots = axis.scatter(x, y, c=positions, s=40)
    for position in (0, 10, 20):
        hand = (x[position], y[position])
        axis.annotate("", hand, (0, 0), arrowprops={"arrowstyle": "-|>"})
    degrees = np.rad2deg(1 / 10_000 ** (2 * k / features))
    axis.set(title=f"Columns {2 * k} and {2 * k + 1}:\n{degrees:.3g}° per position")
    axis.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
    axis.axis("off")
    return dots


def plot_clocks(features=8, steps=45):
    """Each pair of columns of the sinusoids as the hand of a clock."""
    figure, axes = plt.subplots(1, features // 2, figsize=(13, 4), layout="constrained")
    encoded = encode(range(steps), features, "sinusoidal")
    for k, axis in enumerate(axes):
        dots = plot_clock(axis, encoded, k)
    figure.colorbar(dots, label="position (hands: 0, 10, 20)", shrink=0.8)
    figure.suptitle(
        "A position is read like the time: off a fast hand and slow ones "
        "(spirals only to keep rounds apart)"
    )
    return figure


def plot_dot_products(axis, encoding, features=64):
    """Dot products of the encodings of three positions with those of later positions."""
    encoded = encode(range(128), features, encoding)
    for start, style in ((20, "-"), (31, "--"), (64, ":")):
        products = encoded[start : start + 50] @ encoded[start]
        if encoding == "sinusoidal":
            products = products / (features / 2)  # their squared norm
        color = COLORS[encoding]
        axis.plot(products, style, label=f"from {start}", color=color, alpha=0.8)
    axis.set(xlabel="positions further on", ylabel="dot product")
    axis.legend(ncols=3)


def plot_distances(features=64, steps=128):
    """Norms, distances of neighbors, and dot products of the encodings."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 6.4), layout="constrained")
    for encoding in ("integer", "binary", "sinusoidal"):
        encoded = encode(range(steps), features, encoding)
        norms = np.linalg.norm(encoded, axis=1)
        axes[0, 0].plot(norms, color=COLORS[encoding], label=encoding)
        if encoding != "integer":  # distance of neighbors is always √64 = 8
            distances = np.linalg.norm(np.diff(encoded, axis=0), axis=1)
            axes[0, 1].plot(distances, color=COLORS[encoding], label=encoding)
    axes[0, 0].set(title="Integers grow without bound", xlabel="position", ylabel="norm")
    axes[0, 0].set(yscale="symlog", ylim=(0, 6000))
    axes[0, 0].legend(loc="upper left", ncols=3)
    axes[0, 1].set(title="Binary neighbors are near or far", xlabel="position")
    axes[0, 1].set(ylabel="distance to the next", ylim=(0, 3))
    axes[0, 1].legend(loc="upper left", ncols=2)

    plot_dot_products(axes[1, 0], "sinusoidal", features)
    axes[1, 0].set(title="Sinusoids: only the distance counts", ylim=(None, 1.25))
    plot_dot_products(axes[1, 1], "binary", features)
    axes[1, 1].set(title="Binary: it depends on where one starts", ylim=(None, 6.4))
    return figure


def plot_attention():
    """Attention weights of an untrained head, and the share of a sentence a word attends to."""
    titles = {
        "none": "No encoding: words only",
        "sinusoidal": "Sinusoids: words and positions",
        "integer": "Integers: positions only",
    }
    figure, axes = plt.subplots(
        1, 4, figsize=(14, 3.9), width_ratios=(1, 1, 1, 1.5), layout="constrained"
    )
    for axis, (encoding, title) in zip(axes[:3], titles.items(), strict=True):
        plots.heatmap(axis, random_attention(encoding, 24), vmax=0.4)
        axis.set(title=title, xlabel="key", ylabel="query")
    lengths = (4, 8, 16, 32, 64, 128, 256)
    for encoding, color in COLORS.items():
        percentages = [100 * mean_attended_share(encoding, steps) for steps in lengths]
        axes[3].semilogx(lengths, percentages, "o-", base=2, color=color, label=encoding)
    axes[3].set(title="With integers, a word of a long sentence\nattends to one position only")
    axes[3].set(xlabel="words in the sentence", ylabel="attended share, %", ylim=(0, 105))
    axes[3].legend(loc="upper right", ncols=2)
    return figure


def figures():
    """The encodings as tables and as clocks, their distances, and untrained attention with them."""
    return {
        "encodings": plot_encodings(),
        "clocks": plot_clocks(),
        "distances": plot_distances(),
        "attention": plot_attention(),
    }


def main():
    for encoding, columns in (("integer", 4), ("binary", 4), ("printed", 4), ("sinusoidal", 8)):
        encoded = encode(range(1, 7), columns, encoding)
        print(f"{encoding}, positions 1 to 6:\n{encoded.round(4)}\n")

    rotated = encode(range(1000), 64, "sinusoidal") @ rotation(7, 64).T
    difference = np.abs(rotated - encode(range(7, 1007), 64, "sinusoidal")).max()
    print(f"P[pos + 7] and P[pos] rotated differ by at most {difference:.0e} for pos < 1,000\n")

    print("Largest difference between the outputs of a permuted sentence and the permuted outputs:")
    for encoding in (None, "sinusoidal", "binary", "integer"):
        difference = permutation_difference(attention_network(encoding))
        print(f"  encoding {encoding}: {difference:.0e}")

    for name, figure in figures().items():
        figure.savefig(f"{name}.png")


if __name__ == "__main__":
    main()

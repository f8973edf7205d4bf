"""Positional encodings: a position as an integer, in base 2, and as the hands of clocks that turn at many speeds.

Slides: 001 «Para codificar la posición: positional embedding», 001 «Positional encoding», 002 «Paso 1».
Paper:  Vaswani et al. (2017), Attention is all you need, https://arxiv.org/abs/1706.03762, section 3.5
The slide's third coding, sin(pos / i) for i = 0 … d, divides by zero at i = 0 and has no cosines; the paper's is
P[pos, 2k] = sin(pos / 10000^(2k/d)) and P[pos, 2k + 1] = cos of the same angle.

Attention takes a sentence for a set: permuted words give the same outputs, permuted. So a code of the position is added
to each word. Integers grow without bound, and soon attention sees nothing else. The digits in base 2 are bounded, but
neighbours may differ in one digit or in all (7 = 0111, 8 = 1000). Sinusoids have the same length everywhere, neighbours
are equally far apart everywhere, and the code of pos + k is that of pos, rotated: the same rotation for every pos.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np

from layers.positional_encoding import PositionalEncoding, positional_encoding

COLOURS = {"none": "0.5", "sinusoidal": "C0", "binary": "C1", "integer": "C2"}


def codes(positions, features, coding):
    """The codes (positions, features) of the layer, or for "printed" those of the slide's own formula."""
    if coding == "printed":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sin(np.asarray(positions)[:, None] / np.arange(features))
    return keras.ops.convert_to_numpy(
        positional_encoding(np.asarray(positions), features, coding)
    ).astype("float64")


def rotation(shift, features, wavelength=10_000.0):
    """The matrix R of `P[pos + shift] = R P[pos]` for sinusoids: each pair of columns turns by an angle of its own."""
    matrix = np.zeros((features, features))
    for k in range(0, features, 2):
        angle = shift / wavelength ** (k / features)
        matrix[k : k + 2, k : k + 2] = [
            [np.cos(angle), np.sin(angle)],
            [-np.sin(angle), np.cos(angle)],
        ]
    return matrix


def network(coding=None, features=16):
    """Attention of a sentence (steps, features) to itself, with codes of the positions or (None) without."""
    inputs = x = keras.Input((None, features))
    if coding:
        x = PositionalEncoding(coding)(x)
    return keras.Model(inputs, keras.layers.MultiHeadAttention(num_heads=2, key_dim=8)(x, x))


def permutation_matters(model, steps=7, seed=0):
    """How far the outputs of a permuted sentence are from the permuted outputs of the sentence."""
    rng = np.random.default_rng(seed)
    sentence, order = (
        rng.normal(size=(1, steps, model.input_shape[-1])).astype("float32"),
        rng.permutation(steps),
    )
    there, here = (keras.ops.convert_to_numpy(model(x)) for x in (sentence[:, order], sentence))
    return np.abs(there - here[:, order]).max()


def looks(coding, steps, features=64, seed=0):
    """Attention (steps, steps) among random words with codes added, before anything is learned."""
    rng = np.random.default_rng(seed)
    to_query, to_key = rng.normal(0, features**-0.5, (2, features, features))
    x = rng.normal(size=(steps, features))
    if coding != "none":
        x = x + codes(range(steps), features, coding)
    scores = (x @ to_query) @ (x @ to_key).T / np.sqrt(features)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def share_seen(coding, steps, draws=10):
    """Which share of a sentence a word looks at, as e^entropy / steps."""
    weights = np.stack([looks(coding, steps, seed=seed) for seed in range(draws)])
    return np.exp(-(weights * np.log(np.maximum(weights, 1e-300))).sum(-1)).mean() / steps


def tables():
    """The four codings, a row for each position."""
    figure, axes = plt.subplots(1, 4, figsize=(13, 4.6), layout="constrained", sharey=True)
    titles = {
        "integer": "Integer: grows and grows",
        "binary": "Binary: the last digits flicker",
        "printed": "sin(pos/i): no column 0,\nand the last ones all alike",
        "sinusoidal": "The paper's sinusoids:\nfrom fast to slow",
    }
    for axis, (coding, title) in zip(axes, titles.items(), strict=True):
        image = axis.imshow(codes(range(48), 16, coding), cmap="cividis", aspect="auto")
        axis.set(title=title, xlabel="column", facecolor="white")
        figure.colorbar(image, shrink=0.7)
    axes[0].set_ylabel("position")
    return figure


def clocks(features=8, steps=45):
    """Each pair of columns as the hand of a clock."""
    figure, axes = plt.subplots(1, features // 2, figsize=(13, 4), layout="constrained")
    positions = np.arange(steps)
    code = codes(positions, features, "sinusoidal")
    for k, axis in enumerate(axes):
        radius = (
            0.4 + 0.6 * positions / steps
        )  # further out, later: the rounds of the fast clock stay apart
        axis.plot(radius * code[:, 2 * k], radius * code[:, 2 * k + 1], color="0.85", linewidth=1)
        dots = axis.scatter(radius * code[:, 2 * k], radius * code[:, 2 * k + 1], c=positions, s=40)
        for p in (0, 10, 20):
            place = 0.25 * code[p, 2 * k : 2 * k + 2]
            axis.annotate("", place * 4 * radius[p], (0, 0), arrowprops={"arrowstyle": "-|>"})
        turn = 360 / (2 * np.pi) / 10_000 ** (2 * k / features)
        axis.set(
            title=f"Columns {2 * k} and {2 * k + 1}:\n{turn:.3g}° per position", aspect="equal"
        )
        axis.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))
        axis.axis("off")
    figure.colorbar(dots, label="position (hands: 0, 10, 20)", shrink=0.8)
    figure.suptitle(
        "A position is read like the time: off a fast hand and slow ones (spirals only to keep rounds apart)"
    )
    return figure


def distances(features=64, steps=128):
    """What a good code keeps the same everywhere: length, distance to the next, likeness at a distance."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 6.4), layout="constrained")
    for coding in ("integer", "binary", "sinusoidal"):
        code = codes(range(steps), features, coding)
        axes[0, 0].plot(np.linalg.norm(code, axis=1), color=COLOURS[coding], label=coding)
        if coding != "integer":  # whose neighbours are always √64 = 8 apart
            axes[0, 1].plot(np.linalg.norm(np.diff(code, axis=0), axis=1), color=COLOURS[coding])
            axis = axes[1, int(coding == "binary")]
            for start, line in ((20, "-"), (31, "--"), (64, ":")):
                likeness = (
                    code[start : start + 50]
                    @ code[start]
                    / (features / 2 if coding == "sinusoidal" else 1)
                )
                axis.plot(likeness, line, label=f"from {start}", color=COLOURS[coding], alpha=0.8)
            axis.legend(ncols=3)
            axis.set(xlabel="positions further on")
    axes[0, 0].set(
        title="Integers grow without bound",
        xlabel="position",
        ylabel="length of the code",
        yscale="symlog",
    )
    axes[0, 0].set_ylim(0, 6000)
    axes[0, 0].legend(loc="upper left", ncols=3)
    axes[0, 1].set(
        title="Binary neighbours are near or far", xlabel="position", ylabel="distance to the next"
    )
    axes[0, 1].set_ylim(0, 3)
    axes[1, 0].set(
        title="Sinusoids: only the distance counts", ylabel="scalar product", ylim=(None, 1.25)
    )
    axes[1, 1].set(
        title="Binary: it depends on where one starts", ylabel="scalar product", ylim=(None, 6.4)
    )
    return figure


def attention_with_codes():
    """What random, untrained attention sees of a sentence when codes are added to the words."""
    figure, axes = plt.subplots(
        1, 4, figsize=(14, 3.9), width_ratios=(1, 1, 1, 1.5), layout="constrained"
    )
    titles = {
        "none": "No codes: words only",
        "sinusoidal": "Sinusoids: words and places",
        "integer": "Integers: places",
    }
    for axis, (coding, title) in zip(axes, titles.items(), strict=False):
        axis.imshow(looks(coding, 24), cmap="Blues", vmin=0, vmax=0.4)
        axis.set(title=title, xlabel="key", ylabel="query")
    lengths = (4, 8, 16, 32, 64, 128, 256)
    for coding, colour in COLOURS.items():
        axes[3].semilogx(
            lengths,
            [100 * share_seen(coding, steps) for steps in lengths],
            "o-",
            base=2,
            color=colour,
            label=coding,
        )
    axes[3].set(
        title="With integers, a word of a long sentence\nlooks at one place only", ylim=(0, None)
    )
    axes[3].set(xlabel="words in the sentence", ylabel="share looked at, %")
    axes[3].legend()
    return figure


def figures():
    """The codes as tables, as clocks, compared, and in untrained attention."""
    return {
        "codes": tables(),
        "clocks": clocks(),
        "distances": distances(),
        "attention": attention_with_codes(),
    }


def main():
    for coding, columns in (("integer", 4), ("binary", 4), ("printed", 4), ("sinusoidal", 8)):
        print(f"{coding}, positions 1 to 6:\n{codes(range(1, 7), columns, coding).round(4)}\n")
    further = codes(range(1000), 64, "sinusoidal") @ rotation(7, 64).T - codes(
        range(7, 1007), 64, "sinusoidal"
    )
    print(
        f"P[pos + 7] and P[pos] rotated differ by at most {np.abs(further).max():.0e} up to position 1,000"
    )
    for coding in (None, "sinusoidal", "binary", "integer"):
        difference = permutation_matters(network(coding))
        print(
            f"A permuted sentence and the permuted outputs, positions {coding}: differ by up to {difference:.0e}"
        )
    for name, picture in figures().items():
        picture.savefig(f"{name}.png")


if __name__ == "__main__":
    main()

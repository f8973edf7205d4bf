"""Markov chain: the letters of Don Quijote, where the chain settles, and perplexity by its order.

Slides: 001 «zoo MC» (Markov chain).
Paper:  Markov (1913), An example of statistical investigation of the text Eugene Onegin concerning
        the connection of samples in chains, https://doi.org/10.1017/S0269889706001074;
        Shannon (1948), A mathematical theory of communication,
        https://doi.org/10.1002/j.1538-7305.1948.tb01338.x (texts of growing order, perplexity)
Departs from the papers: neither Pushkin's Russian nor English, but Spanish, without accents; counts
of long contexts are smoothed by the method of Witten & Bell (1991).

In the slides' zoo every cell of a Markov chain is connected with every other one: a state for each
letter, and a transition probability for each next letter, estimated by counting pairs in a text.
The chain forgets its initial state: whatever the first letter, the distribution of the letter t
steps later converges to the stationary distribution π = π P. It is an eigenvector of the transition
matrix P, and equals the share of time that a long simulation spends in each state. The rate of
convergence depends on the second largest eigenvalue.

In a chain of order k the next letter depends on the last k letters. The higher the order, the
better it fits the text in which it was counted; on new chapters perplexity stops decreasing once
most contexts are new.
"""

import re

import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds

import recipes.datasets.don_quijote  # noqa: F401
from recipes.common import plots
from recipes.common.ngrams import NGramModel

ALPHABET = " abcdefghijklmnopqrstuvwxyzñ"  # the states
ACCENTS = str.maketrans("áéíóúüï", "aeiouui")
VOWELS = "aeiou"
STEPS = 200_000  # of the simulation
SHOWN_STEPS = 13  # of the convergence to the stationary distribution
ORDERS = (0, 1, 2, 3, 4, 5, 7)
SAMPLED = (0, 1, 2, 3, 5)  # orders of which a text is shown
SAMPLE_LENGTH = 280  # letters
LINE_LENGTH = 70


def encode(text):
    """Indices in `ALPHABET`, array (letters,); each run of other characters becomes a space."""
    text = re.sub("[^a-zñ]+", " ", text.lower().translate(ACCENTS))
    numbers = {letter: number for number, letter in enumerate(ALPHABET)}
    return np.array([numbers[letter] for letter in text])


def load_text():
    """The letters of the first nine tenths of the chapters, and of the rest: two arrays."""
    texts = []
    for split in tfds.load("don_quijote", split=["train[:90%]", "train[90%:]"]):
        chapters = sorted(split.as_numpy_iterator(), key=lambda chapter: chapter["chapter"])
        texts.append(encode(" ".join(chapter["text"].decode() for chapter in chapters)))
    return texts


def transition_matrix(states, size):
    """Estimated probabilities of each transition from one state to the next.

    Args:
        states: Sequence of integers from 0 to size − 1.
        size: Number of states.

    Returns:
        Array (size, size): row i has the probabilities of the states after i, with the sum 1. They
        are uniform for states that do not occur.
    """
    states = np.asarray(states)
    pairs = states[:-1] * size + states[1:]
    counts = np.bincount(pairs, minlength=size * size).reshape(size, size).astype(float)
    counts[counts.sum(axis=1) == 0] = 1
    return counts / counts.sum(axis=1, keepdims=True)


def stationary_distribution(matrix):
    """The distribution π (size,) that a step of the chain does not change: π = π P."""
    values, vectors = np.linalg.eig(matrix.T)
    vector = vectors[:, np.argmin(np.abs(values - 1))].real
    return vector / vector.sum()


def second_eigenvalue(matrix):
    """The absolute value of the second largest eigenvalue, the rate of convergence per step."""
    return float(np.sort(np.abs(np.linalg.eigvals(matrix)))[-2])


def simulate(matrix, steps, start=0, seed=0):
    """A simulation of the chain: its states, array (steps,), without the initial one."""
    limits = np.cumsum(matrix, axis=1)
    limits[:, -1] = 1  # and not a little less
    drawn = np.random.default_rng(seed).random(steps)
    states = np.empty(steps, int)
    state = start
    for step in range(steps):
        state = np.searchsorted(limits[state], drawn[step], side="right")
        states[step] = state
    return states


def distances(matrix, start, steps):
    """Distances from the stationary distribution 0, 1, … steps after a known state.

    Returns:
        Array (steps,) of total variation distances, from 0 to 1: half the sum of the differences.
    """
    stationary = stationary_distribution(matrix)
    distribution = np.eye(len(matrix))[start]
    found = []
    for _ in range(steps):
        found.append(np.abs(distribution - stationary).sum() / 2)
        distribution = distribution @ matrix
    return np.array(found)


def perplexity(model, letters):
    """Exponential of the mean negative log-likelihood per letter."""
    return float(np.exp(-np.mean(np.log(model.score([letters])))))


def write(model, seed=0):
    """A text sampled from the chain letter by letter, starting after a space."""
    rng = np.random.default_rng(seed)
    states = [0]
    for _ in range(SAMPLE_LENGTH):
        (probabilities,) = model.predict([states[-model.order :]])
        states.append(rng.choice(len(ALPHABET), p=probabilities / probabilities.sum()))
    return "".join(ALPHABET[state] for state in states[1:])


def plot_transitions(matrix):
    """Plot the transition matrix: a row for each letter, a column for each next letter."""
    figure, axis = plt.subplots(figsize=(7, 6.4), layout="constrained")
    names = list(ALPHABET.replace(" ", "␣"))
    picture = plots.heatmap(axis, matrix, names, names, vmax=1)
    axis.set_xticks(range(len(names)), names, rotation=0, ha="center")
    axis.tick_params(labelsize=9)
    figure.colorbar(picture, label="probability")
    axis.set(xlabel="next letter", ylabel="letter")
    row, column = np.unravel_index(np.argmax(matrix[:, 1:]), matrix[:, 1:].shape)
    first, second = ALPHABET[row], ALPHABET[column + 1]
    axis.set_title(f"After {first} comes {second}: {matrix[row, column + 1]:.0%} of the time")
    return figure


def plot_stationary(matrix, letters, walk):
    """Plot the stationary distribution, found in three ways, and the convergence to it."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(12, 4), layout="constrained", width_ratios=(2, 1)
    )
    size = len(ALPHABET)
    stationary = stationary_distribution(matrix)
    order = np.argsort(-stationary)
    shares = {
        "eigenvector": stationary,
        "simulation": np.bincount(walk, minlength=size) / len(walk),
        "the text itself": np.bincount(letters, minlength=size) / len(letters),
    }
    names = [ALPHABET[number].replace(" ", "␣") for number in order]
    plots.class_bars(left, {name: share[order] for name, share in shares.items()}, names)
    left.set(ylabel="share", title="Where the chain is in the long run")
    steps = np.arange(SHOWN_STEPS)
    for letter in "qe ":
        line = distances(matrix, ALPHABET.index(letter), SHOWN_STEPS)
        right.semilogy(steps, line, "o-", label=f"after {letter}".replace("  ", " ␣"))
    rate = second_eigenvalue(matrix)
    right.semilogy(steps, rate**steps, "k:", label=f"{rate:.2f}$^t$, second eigenvalue")
    right.set(xlabel="steps t", ylabel="distance from the stationary distribution")
    right.set_title("The beginning is soon forgotten")
    right.legend(fontsize=9)
    return figure


def plot_perplexity(known, new):
    """Plot perplexity by the order of the chain, on the counted text and on new chapters.

    Args:
        known, new: `{order: perplexity}`.
    """
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    axis.semilogy(known.keys(), known.values(), "o--", label="the chapters counted")
    axis.semilogy(new.keys(), new.values(), "o-", label="new chapters")
    axis.axhline(len(ALPHABET), color="0.6", linestyle=":")
    axis.text(max(new), len(ALPHABET), "all letters equally likely", va="bottom", ha="right")
    for order, value in new.items():
        axis.annotate(f"{value:.1f}", (order, value), (0, 6), textcoords="offset points")
    ticks = (2, 3, 5, 10, 20, 30)
    axis.set_yticks(ticks, map(str, ticks))
    axis.set_yticks([], minor=True)
    axis.set(xlabel="order: letters that the chain looks back at", ylabel="perplexity")
    best = min(new, key=new.get)
    axis.set_title(f"New chapters are least surprising to order {best}")
    axis.legend()
    return figure


def plot_samples(texts):
    """Show texts sampled from chains of increasing order.

    Args:
        texts: `{order: text}`.
    """
    figure, axes = plt.subplots(
        len(texts), 1, figsize=(6, 1.2 * len(texts)), layout="constrained", squeeze=False
    )
    for axis, (order, text) in zip(axes[:, 0], texts.items(), strict=True):
        lines = [text[start : start + LINE_LENGTH] for start in range(0, len(text), LINE_LENGTH)]
        axis.set_title(f"Order {order}", loc="left", fontsize=11)
        axis.text(0, 1, "\n".join(lines), va="top", family="monospace", fontsize=8)
        axis.axis("off")
    return figure


def main():
    letters, new_letters = load_text()
    # Markov's own count, by hand in 20,000 letters: vowels after vowels and after consonants.
    sounds = letters[letters > 0]
    is_vowel = np.isin(sounds, [ALPHABET.index(vowel) for vowel in VOWELS]).astype(int)
    two_states = transition_matrix(is_vowel, 2)
    print(
        f"A vowel follows {two_states[1, 1]:.1%} of the vowels and {two_states[0, 1]:.1%} of the "
        "consonants (Eugene Onegin: 12.8 % and 66.3 %); "
        f"stationary: {stationary_distribution(two_states)[1]:.1%} are vowels"
    )
    size = len(ALPHABET)
    matrix = transition_matrix(letters, size)
    walk = simulate(matrix, STEPS)
    difference = np.bincount(walk, minlength=size) / STEPS - stationary_distribution(matrix)
    print(
        f"{STEPS:,} steps differ from the eigenvector by {np.abs(difference).max():.4f} at most; "
        f"second eigenvalue {second_eigenvalue(matrix):.3f}"
    )
    known = {}
    new = {}
    texts = {}
    for order in ORDERS:
        # A chain of order k counts what follows k letters: (k + 1)-grams.
        model = NGramModel([letters], size, order + 1, smoothing="witten_bell")
        known[order] = perplexity(model, letters)
        new[order] = perplexity(model, new_letters)
        print(
            f"Order {order}: perplexity {known[order]:.2f} of the text counted, {new[order]:.2f} "
            f"of new chapters, {np.log2(new[order]):.2f} bits a letter"
        )
        if order in SAMPLED:
            texts[order] = write(model)
    plot_transitions(matrix).savefig("transitions.png")
    plot_stationary(matrix, letters, walk).savefig("stationary.png")
    plot_perplexity(known, new).savefig("perplexity.png")
    plot_samples(texts).savefig("samples.png")


if __name__ == "__main__":
    main()

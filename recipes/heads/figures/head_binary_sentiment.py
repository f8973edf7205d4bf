"""The pictures of head_binary_sentiment: scores of words, bigrams and negated phrases."""

import itertools

import matplotlib.pyplot as plt
import numpy as np

PHRASES = [
    "good",
    "not good",
    "bad",
    "not bad",
    "a waste of time",
    "not a waste of time",
    "well worth seeing",
    "i loved it",
    "i wanted to love it",
]
COMMON = 20_000  # rarer words and bigrams are ignored
NEGATIVE = "#D55E00"
POSITIVE = "#0072B2"


def figures(model, test, history):
    """Scores of words and bigrams, and of phrases with a negation."""
    scores = word_scores(model)
    return {"words": plot_words(scores), "phrases": plot_phrases(scores)}


def word_scores(model):
    """The score of each word or bigram, whose mean over a text is the logit: `{word: score}`.

    In the order of the vocabulary: padding, the unknown word, then the most frequent first.
    """
    words = model.get_layer("vectorize").get_vocabulary()
    embedding = model.get_layer("words").get_weights()[0]  # (words, embed_dim)
    kernel = model.get_layer("head").get_weights()[0]  # (embed_dim, 1)
    scores = (embedding @ kernel)[:, 0]
    return dict(zip(words, scores, strict=True))


def extremes(scores, count=20):
    """The lowest and the highest scores among common words: two lists of (word, score).

    The first list goes from the lowest up, the second from the highest down.
    """
    common = list(scores.items())[2:COMMON]  # without padding and the unknown word
    ordered = sorted(common, key=lambda item: item[1])
    return ordered[:count], ordered[::-1][:count]


def phrase_scores(scores, phrase):
    """The sums of the scores of a phrase's words, and of its bigrams."""
    words = phrase.split()
    bigrams = [" ".join(pair) for pair in itertools.pairwise(words)]
    unknown = scores["[UNK]"]
    of_words = sum(scores.get(word, unknown) for word in words)
    of_bigrams = sum(scores.get(bigram, unknown) for bigram in bigrams)
    return of_words, of_bigrams


def plot_words(scores):
    figure, axes = plt.subplots(1, 2, figsize=(8, 5), layout="constrained")
    lowest, highest = extremes(scores)
    for axis, items, color, kind in (
        (axes[0], lowest, NEGATIVE, "negative"),
        (axes[1], highest, POSITIVE, "positive"),
    ):
        names, values = zip(*items, strict=True)
        axis.barh(names, values, color=color)
        axis.invert_yaxis()  # the first on top
        axis.set(title=f"The most {kind} words\nand bigrams", xlabel="score, added to the mean")
    return figure


def plot_phrases(scores):
    figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
    rows = np.arange(len(PHRASES))
    of_words, of_bigrams = np.transpose([phrase_scores(scores, phrase) for phrase in PHRASES])
    axis.barh(rows - 0.2, of_words, height=0.4, color="#999999", label="its words")
    axis.barh(rows + 0.2, of_bigrams, height=0.4, color="#009E73", label="its bigrams")
    axis.set_yticks(rows, PHRASES)
    axis.invert_yaxis()  # the first on top
    axis.axvline(0, color="black", linewidth=1)
    axis.set(title="Negation: what bigrams add to what the words say alone", xlabel="sum of scores")
    axis.legend()
    return figure

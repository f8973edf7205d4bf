"""One sigmoid unit and binary cross-entropy: is a film review (IMDB) positive or negative?

Slides: 001 «Capas de salida dependiendo de la tarea» (binary classification: sentiment of a text).
Paper:  Maas et al. (2011), https://aclanthology.org/P11-1015 (the data); Joulin et al. (2017),
        https://arxiv.org/abs/1607.01759 (fastText); Wang & Manning (2012), https://aclanthology.org/P12-2018 (NB-SVM).
Departs from Joulin et al.: Adam and a cosine schedule, dropout, and a vocabulary instead of hashing.

A vector for each word and each pair of neighbours ("not good"), their mean, one unit. The logit is therefore the mean
of what each word and each pair says on its own, which `figures` shows. The slides warn of cross-entropy "with a single
output": that holds for the categorical one; a single sigmoid unit has the binary one.
"""

from itertools import pairwise

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds

from layers.masked_average import MaskedAverage
from recipes.common.texts import one_line

EPOCHS = 3
CLASSES = ["negative", "positive"]
PHRASES = [
    "good",
    "not good",
    "bad",
    "not bad",
    "a waste of time",
    "not a waste of time",
    "well worth seeing",
]
PHRASES += ["i loved it", "i wanted to love it"]


def load_data(batch_size=128):
    """Train, validation and test batches of reviews (strings) and labels (0 negative, 1 positive)."""
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("imdb_reviews", split=splits, as_supervised=True)
    train = train.cache().shuffle(25_000).batch(batch_size)
    return train, validation.batch(batch_size).cache(), test.batch(batch_size)


def build_sequential(vectorize, units, dropout):
    """Strings → words and pairs → mean of their vectors → one probability."""
    return keras.Sequential(
        [
            keras.Input((), dtype="string"),
            vectorize,
            keras.layers.Embedding(
                vectorize.vocabulary_size(), units, mask_zero=True, name="words"
            ),
            MaskedAverage(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, activation="sigmoid", name="head"),
        ]
    )


def build_functional(vectorize, units, dropout):
    """The same network, each layer called on the output of the one before."""
    text = keras.Input((), dtype="string")
    x = vectorize(text)
    x = keras.layers.Embedding(vectorize.vocabulary_size(), units, mask_zero=True, name="words")(x)
    x = MaskedAverage()(x)
    x = keras.layers.Dropout(dropout)(x)
    positive = keras.layers.Dense(1, activation="sigmoid", name="head")(x)
    return keras.Model(text, positive)


def build_model(
    api="sequential",
    vocabulary=200_000,
    units=8,
    dropout=0.5,
    learning_rate=0.03,
    steps=EPOCHS * 176,
    train=None,
):
    """The compiled network: a string to the probability that it is positive.

    The words and pairs are those most frequent in `train` (by default, what `load_data` gives).
    """
    train = load_data()[0] if train is None else train
    vectorize = keras.layers.TextVectorization(vocabulary, ngrams=2, name="vectorize")
    vectorize.adapt(train.map(lambda text, label: one_line(text)))
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(vectorize, units, dropout)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule), loss="binary_crossentropy", metrics=["accuracy"]
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning."""
    return {
        "vocabulary": hp.Choice("vocabulary", [20_000, 50_000, 100_000, 200_000], default=200_000),
        "units": hp.Choice("units", [2, 4, 8, 16, 32], default=8),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], default=0.5),
        "learning_rate": hp.Choice("learning_rate", [0.003, 0.01, 0.03, 0.1], default=0.03),
    }


def baseline(train, test):
    """Logistic regression on tf-idf of words and pairs."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    (texts, labels), (test_texts, test_labels) = (
        map(np.concatenate, zip(*batches.as_numpy_iterator(), strict=True))
        for batches in (train, test)
    )
    tf_idf = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    classifier = make_pipeline(tf_idf, LogisticRegression(C=10, solver="liblinear")).fit(
        texts, labels
    )
    return {"accuracy": classifier.score(test_texts, test_labels)}


def figures(model, test, history):
    """What the network reads out of single words and pairs, and what it makes of phrases with a negation."""
    words = np.array(model.get_layer("vectorize").get_vocabulary())
    scores = (model.get_layer("words").get_weights()[0] @ model.get_layer("head").get_weights()[0])[
        :, 0
    ]
    common = np.arange(
        2, min(len(words), 20_000)
    )  # 0 is padding, 1 the unknown word; the rarest say little
    order = common[np.argsort(scores[common])]
    weights, axes = plt.subplots(1, 2, figsize=(8, 5), layout="constrained")
    for axis, indices, color, title in (
        (axes[0], order[:20][::-1], "#D55E00", "The most negative words and pairs"),
        (axes[1], order[-20:], "#0072B2", "… and the most positive ones"),
    ):
        axis.barh(words[indices], scores[indices], color=color)
        axis.set(title=title, xlabel="score: what it adds to the mean")

    number = {word: index for index, word in enumerate(words)}
    phrases, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for shift, color, label, parts in (
        (0.2, "#999999", "its words", [phrase.split() for phrase in PHRASES]),
        (
            -0.2,
            "#009E73",
            "its pairs",
            [[" ".join(pair) for pair in pairwise(p.split())] for p in PHRASES],
        ),
    ):
        sums = [sum(scores[number.get(part, 1)] for part in each) for each in parts]
        axis.barh(np.arange(len(PHRASES))[::-1] + shift, sums, height=0.4, color=color, label=label)
    axis.set_yticks(range(len(PHRASES)), PHRASES[::-1])
    axis.axvline(0, color="black", linewidth=1)
    axis.set(
        title="Negation: what pairs of words add to what the words say alone",
        xlabel="sum of scores",
    )
    axis.legend()
    return {"words": weights, "phrases": phrases}


def main():
    train, validation, test = load_data()
    model = build_model(train=train, steps=EPOCHS * len(train))
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True))
    model.save("head_binary_sentiment.keras")


if __name__ == "__main__":
    main()

"""Sentiment analysis with one sigmoid unit: is a film review (IMDB) positive or negative?

Slides: 001 «Capas de salida dependiendo de la tarea» (binary classification: sentiment of a text).
Paper:  Maas et al. (2011), https://aclanthology.org/P11-1015 (the data);
        Joulin et al. (2017), https://arxiv.org/abs/1607.01759 (fastText);
        Wang & Manning (2012), https://aclanthology.org/P12-2018 (NB-SVM)
Departs from Joulin et al.: Adam and a cosine schedule, dropout, and a vocabulary instead of
hashing.

The network averages the embeddings of all words and bigrams ("not good") and ends with one sigmoid
unit, trained with binary cross-entropy. The logit is therefore the mean of one score for each word
and bigram (tested); the pictures show these scores. With a full vocabulary of 200,000 there are
1,600,009 weights.

The slides warn against cross-entropy "with a single output". This holds for categorical
cross-entropy; a single sigmoid unit needs binary cross-entropy.
"""

import keras
import tensorflow_datasets as tfds
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from layers.masked_average import MaskedAverage
from recipes.common.arrays import to_numpy
from recipes.common.texts import one_line

EPOCHS = 3
CLASSES = ["negative", "positive"]


def load_data(batch_size=128):
    """Train, validation and test batches of reviews (strings) and labels.

    Labels are integers: 0 negative, 1 positive.
    """
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("imdb_reviews", split=splits, as_supervised=True)
    train = train.cache().shuffle(25_000).batch(batch_size)
    return train, validation.batch(batch_size).cache(), test.batch(batch_size)


def build_sequential(vectorize, embed_dim, dropout):
    """Strings → words and bigrams → the mean of their embeddings → one probability."""
    tokens = vectorize.vocabulary_size()
    return keras.Sequential(
        [
            keras.Input((), dtype="string"),
            vectorize,
            keras.layers.Embedding(tokens, embed_dim, mask_zero=True, name="words"),
            MaskedAverage(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, activation="sigmoid", name="head"),
        ]
    )


def build_functional(vectorize, embed_dim, dropout):
    """The same network as a chain of function calls."""
    text = keras.Input((), dtype="string")
    x = vectorize(text)  # (batch, steps): words, then bigrams, then padding
    tokens = vectorize.vocabulary_size()
    x = keras.layers.Embedding(tokens, embed_dim, mask_zero=True, name="words")(x)
    x = MaskedAverage()(x)  # (batch, embed_dim)
    x = keras.layers.Dropout(dropout)(x)
    positive = keras.layers.Dense(1, activation="sigmoid", name="head")(x)
    return keras.Model(text, positive)


def build_model(
    api="sequential",
    vocabulary=200_000,
    embed_dim=8,
    dropout=0.5,
    learning_rate=0.03,
    steps=EPOCHS * 176,
    train=None,
):
    """The compiled network: a string to the probability that it is positive.

    The vocabulary: the most frequent words and bigrams of `train` (by default from `load_data`).
    """
    if train is None:
        train, _, _ = load_data()
    vectorize = keras.layers.TextVectorization(vocabulary, ngrams=2, name="vectorize")
    vectorize.adapt(train.map(lambda text, label: one_line(text)))
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(vectorize, embed_dim, dropout)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; defaults are the recipe's own."""
    return {
        "vocabulary": hp.Choice("vocabulary", [20_000, 50_000, 100_000, 200_000], default=200_000),
        "embed_dim": hp.Choice("embed_dim", [2, 4, 8, 16, 32], default=8),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], default=0.5),
        "learning_rate": hp.Choice("learning_rate", [0.003, 0.01, 0.03, 0.1], default=0.03),
    }


def baseline(train, test):
    """Logistic regression on tf-idf of words and bigrams."""
    texts, labels = to_numpy(train)
    tf_idf = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = make_pipeline(tf_idf, LogisticRegression(C=10, solver="liblinear"))
    model.fit(texts, labels)
    texts, labels = to_numpy(test)
    return {"accuracy": model.score(texts, labels)}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(train=train, steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "head_binary_sentiment.keras", monitor="val_accuracy", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("head_binary_sentiment.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True))
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

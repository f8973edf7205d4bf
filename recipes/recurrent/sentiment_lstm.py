"""LSTM for sentiment analysis of film reviews (IMDB): a text in, one answer out (many-to-one).

Slides: 002 «Modelado muchos:1», «RNN: requisitos»; 001 «Redes LSTM».
Paper:  Hochreiter & Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735; Maas et al.
        (2011), https://aclanthology.org/P11-1015 (the data); bidirectional: Schuster & Paliwal
        (1997), https://doi.org/10.1109/78.650093
Departs from the slides: only the last 200 words of a review are used, and the word embeddings are
learned as well.

The network is the slide's `tf.keras.layers.LSTM(<n>)` between an `Embedding` and one sigmoid unit.
Shorter texts are padded with zeros, which the LSTM skips (`mask_zero`), so the output for a text
does not depend on its batch. `bag_of_words` is the same network with the mean of the embeddings
instead of the LSTM: it cannot distinguish "dog bites man" from "man bites dog". But for whole
reviews the order of words matters little, and a logistic regression on words and bigrams is hard to
beat.
"""

import keras
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from layers.masked_average import MaskedAverage
from recipes.common.arrays import to_numpy
from recipes.common.texts import one_line

EPOCHS = 4
WORDS = 200  # of a review that are used, the last ones
CLASSES = ["negative", "positive"]
VARIANTS = {
    "bag_of_words": {"network": "bag_of_words", "learning_rate": 0.02},
    "lstm": {"network": "lstm"},
    "bidirectional": {"network": "bidirectional"},
}


def last_words(texts):
    """The last WORDS words of each text, (texts,) strings."""
    texts = tf.strings.regex_replace(one_line(texts), "<br />", " ")
    words = tf.strings.split(texts)  # (texts, words), ragged
    return tf.strings.reduce_join(words[:, -WORDS:], axis=-1, separator=" ")


@keras.saving.register_keras_serializable(package="sentiment_lstm")
def standardize(texts):
    """Standardize texts for the network: lower case, without punctuation."""
    texts = tf.strings.lower(last_words(texts))
    return tf.strings.regex_replace(texts, "[[:punct:]]", "")


def load_data(batch_size=128):
    """Train, validation and test batches of reviews (strings) and labels, 1 for positive.

    Each review is reduced to its last WORDS words.
    """

    def shorten(text, label):
        return last_words(text[None])[0], label

    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("imdb_reviews", split=splits, as_supervised=True)
    train = train.map(shorten).cache().shuffle(25_000).batch(batch_size)
    validation = validation.map(shorten).batch(batch_size).cache()
    test = test.map(shorten).batch(batch_size).cache()
    return train, validation, test


def build_model(
    network="lstm",
    vocabulary=20_000,
    embedding=32,
    units=32,
    dropout=0.5,
    learning_rate=0.005,
    steps=EPOCHS * 176,
    train=None,
):
    """The compiled network: a string to the probability that it is positive.

    648,353 parameters with one LSTM. `network` is "bag_of_words", "lstm" or "bidirectional"; the
    vocabulary consists of the most frequent words of `train` (by default from `load_data`).
    """
    if train is None:
        train, _, _ = load_data()
    vectorize = keras.layers.TextVectorization(
        vocabulary, standardize=standardize, name="vectorize"
    )
    vectorize.adapt(train.map(lambda text, label: one_line(text)))
    if network == "bag_of_words":
        reader = MaskedAverage()
    elif network == "lstm":
        reader = keras.layers.LSTM(units)
    elif network == "bidirectional":
        reader = keras.layers.Bidirectional(keras.layers.LSTM(units))
    else:
        raise ValueError(f"network is one of {', '.join(VARIANTS)}, and not {network!r}")
    model = keras.Sequential(
        [
            keras.Input((), dtype="string"),
            vectorize,  # (batch, words), padded with zeros
            keras.layers.Embedding(vocabulary, embedding, mask_zero=True),
            keras.layers.SpatialDropout1D(dropout),
            reader,  # (batch, units)
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    optimizer = keras.optimizers.Adam(schedule, clipnorm=1.0)
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    network = hp.Choice("network", ["bag_of_words", "lstm", "bidirectional"], default="lstm")
    values = {
        "network": network,
        "vocabulary": hp.Choice("vocabulary", [5000, 10_000, 20_000, 40_000], default=20_000),
        "embedding": hp.Choice("embedding", [16, 32, 64, 128], default=32),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], default=0.5),
        "learning_rate": hp.Choice(
            "learning_rate", [0.001, 0.002, 0.005, 0.01, 0.02], default=0.005
        ),
    }
    with hp.conditional_scope("network", ["lstm", "bidirectional"]):
        units = hp.Choice("units", [16, 32, 64, 128], default=32)
    if network != "bag_of_words":
        values["units"] = units
    return values


def baseline(train, test):
    """Logistic regression on tf-idf of words and bigrams."""
    tf_idf = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    classifier = make_pipeline(tf_idf, LogisticRegression(C=10, solver="liblinear"))
    texts, labels = to_numpy(train)
    classifier.fit(texts, labels)
    texts, labels = to_numpy(test)
    return {"accuracy": classifier.score(texts, labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train), train=train)
        best = keras.callbacks.ModelCheckpoint(
            f"sentiment_lstm_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"sentiment_lstm_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

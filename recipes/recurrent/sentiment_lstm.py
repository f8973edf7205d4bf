"""LSTM on film reviews (IMDB): a text of any length in, one answer out; word order, and what it is worth.

Slides: 002 «Modelado muchos:1», «RNN: requisitos»; 001 «Redes LSTM».
Paper:  Hochreiter & Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735; Maas et al. (2011),
        https://aclanthology.org/P11-1015 (the data); backwards as well: Schuster & Paliwal (1997),
        https://doi.org/10.1109/78.650093
Departs from the slides: only the last 200 words of a review are read, and words become vectors that are learned too.

The slide's `tf.keras.layers.LSTM(<n>)` between an `Embedding` and one sigmoid unit. Shorter texts are filled up with
zeros, which `mask_zero` makes the LSTM pass over: a text gets the same answer in any company. `bag_of_words` is the
same network with the mean of the words in place of the LSTM: "dog bites man" and "man bites dog" are one to it. Yet for
reviews as a whole the order matters little, and a logistic regression on words and pairs of words is hard to beat.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from layers.masked_average import MaskedAverage
from recipes.common.texts import one_line

EPOCHS = 4
CLASSES = ["negative", "positive"]
VARIANTS = {
    "bag_of_words": {"network": "bag_of_words", "learning_rate": 0.02},
    "lstm": {"network": "lstm"},
    "bidirectional": {"network": "bidirectional"},
}
READ = [
    "the first half is boring and far too long but in the end it is a wonderful film and i loved it",
    "in the end it is a wonderful film and i loved it but the first half is boring and far too long",
    "i thought i would love this film the actors are great but the story is a complete waste of time",
]
PEOPLE = ["man", "woman", "boy", "girl", "postman", "nurse"]
ANIMALS = ["dog", "cat", "horse", "snake", "donkey", "spider"]


def load_data(batch_size=128, words=200):
    """Train, validation and test batches of reviews (strings, the last words of each) and labels (1 positive)."""

    def end(text, label):
        text = tf.strings.split(tf.strings.regex_replace(one_line(text), "<br />", " "))
        return tf.strings.reduce_join(text[-words:], separator=" "), label

    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = (
        data.map(end) for data in tfds.load("imdb_reviews", split=splits, as_supervised=True)
    )
    train = train.cache().shuffle(25_000).batch(batch_size)
    return train, validation.batch(batch_size).cache(), test.batch(batch_size).cache()


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
    """The compiled network: a string to the probability that it is positive. 648,353 parameters with one LSTM.

    The words are those most frequent in `train` (by default, what `load_data` gives).
    """
    train = load_data()[0] if train is None else train
    vectorize = keras.layers.TextVectorization(vocabulary, name="vectorize")
    vectorize.adapt(train.map(lambda text, label: one_line(text)))
    reader = {
        "bag_of_words": lambda: MaskedAverage(),
        "lstm": lambda: keras.layers.LSTM(units),
        "bidirectional": lambda: keras.layers.Bidirectional(keras.layers.LSTM(units)),
    }[network]()
    model = keras.Sequential(
        [
            keras.Input((), dtype="string"),
            vectorize,
            keras.layers.Embedding(vocabulary, embedding, mask_zero=True),
            keras.layers.SpatialDropout1D(dropout),
            reader,
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule, clipnorm=1.0), "binary_crossentropy", metrics=["accuracy"]
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "network": hp.Choice("network", ["bag_of_words", "lstm", "bidirectional"], default="lstm"),
        "words": hp.Choice("words", [100, 200, 400], default=200),
        "vocabulary": hp.Choice("vocabulary", [5000, 10_000, 20_000, 40_000], default=20_000),
        "embedding": hp.Choice("embedding", [16, 32, 64, 128], default=32),
        "units": hp.Choice("units", [16, 32, 64, 128], default=32),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], default=0.5),
        "learning_rate": hp.Choice(
            "learning_rate", [0.001, 0.002, 0.005, 0.01, 0.02], default=0.005
        ),
    }


def everything(data):
    """The whole of a batched set as two arrays."""
    return tuple(np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True))


def baseline(train, test):
    """Logistic regression on tf-idf of words and pairs."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    (texts, labels), (test_texts, test_labels) = everything(train), everything(test)
    tf_idf = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    classifier = make_pipeline(tf_idf, LogisticRegression(C=10, solver="liblinear")).fit(
        texts, labels
    )
    return {"accuracy": classifier.score(test_texts, test_labels)}


def shuffled(texts, seed=0):
    """The same texts, the words of each in random order."""
    rng = np.random.default_rng(seed)
    return np.array([" ".join(rng.permutation(text.decode().split())) for text in texts])


def positive(model, texts):
    """Probability that each text is positive, (texts,)."""
    data = tf.data.Dataset.from_tensor_slices(np.asarray(texts)).batch(500)
    return np.concatenate([model.predict_on_batch(batch)[:, 0] for batch in data])


def dog_bites_man(network, epochs=40):
    """Is it news (a person bites an animal)? Share of right answers about pairs that were not among the examples."""
    pairs = [(person, animal) for person in PEOPLE for animal in ANIMALS]
    sentences = [
        [f"{animal} bites {person}", f"{person} bites {animal}"] for person, animal in pairs
    ]
    seen = np.arange(len(pairs)) % 7 != 0  # each word in several of them
    known, new = (np.ravel(np.array(sentences)[chosen]) for chosen in (seen, ~seen))
    train = tf.data.Dataset.from_tensors((known, np.arange(len(known)) % 2))
    keras.utils.set_random_seed(0)
    model = build_model(
        network, vocabulary=20, dropout=0.0, learning_rate=0.02, steps=epochs, train=train
    )
    model.fit(train, epochs=epochs, shuffle=False, verbose=0)
    return np.mean((positive(model, new) > 0.5) == np.arange(len(new)) % 2)


def figures(models, test, histories):
    """What the order of words is worth, in reviews and where all depends on it; sentences read word by word."""
    texts, labels = everything(test)
    mixed, places = shuffled(texts), np.arange(len(models))
    order, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for shift, colour, label, given in (
        (-0.2, "#0072B2", "as written", texts),
        (0.2, "#D55E00", "shuffled", mixed),
    ):
        right = [
            100 * np.mean((positive(model, given) > 0.5) == labels) for model in models.values()
        ]
        bars = axes[0].bar(places + shift, right, width=0.4, color=colour, label=label)
        axes[0].bar_label(bars, fmt="%.1f")
    axes[0].set(
        title="Reviews, as they are and with their words shuffled",
        ylabel="right, %",
        ylim=(50, 100),
    )
    axes[0].set_xticks(places, list(models))
    axes[0].legend(ncols=2)
    bars = axes[1].bar(
        list(models), [100 * dog_bites_man(name) for name in models], color="#0072B2", width=0.5
    )
    axes[1].bar_label(bars, fmt="%.0f")
    axes[1].set(
        title='"dog bites man" or "man bites dog": is it news?', ylabel="right, %", ylim=(0, 110)
    )

    reading, axes = plt.subplots(len(READ), 1, figsize=(11, 8.4), layout="constrained")
    for axis, text in zip(axes, READ, strict=True):
        words = text.split()
        beginnings = [" ".join(words[: count + 1]) for count in range(len(words))]
        for (name, model), style in zip(models.items(), ("s:", "o-", "^--"), strict=True):
            axis.plot(positive(model, beginnings), style, label=name, markersize=4)
        axis.axhline(0.5, color="0.7", linewidth=1)
        axis.set_xticks(range(len(words)), words, rotation=40, ha="right", fontsize=10)
        axis.set(ylabel="positive", ylim=(-0.03, 1.3), yticks=(0, 0.5, 1))
    axes[0].set_title("Word by word: the opinion so far")
    axes[0].legend(loc="upper left", ncols=3)
    return {"order": order, "reading": reading}


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data()
        model = build_model(**arguments, train=train, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"sentiment_lstm_{name}.keras")


if __name__ == "__main__":
    main()

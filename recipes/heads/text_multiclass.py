"""Text classification, one class of several: the emotion of a comment (GoEmotions), with softmax.

Slides: 001 «Capas de salida dependiendo de la tarea» (several classes, one label), «Softmax».
Paper:  Demszky et al. (2020), https://arxiv.org/abs/2005.00547 (the data);
        Kim (2014), https://arxiv.org/abs/1408.5882 (the network)
Departs from Kim: filters of one width, and word vectors learned here. Departs from the data: only
comments with exactly one emotion, five of six; a third of them are "neutral".

This is the network of `head_multilabel` with another head: for mutually exclusive emotions the
probabilities sum to 1 (softmax), and the label is one integer ("sparse_categorical_crossentropy").
Most emotions with few examples are rarely predicted. With a full vocabulary of 15,000 words there
are 990,172 weights.
"""

import keras
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from recipes.common import goemotions
from recipes.common.arrays import to_numpy
from recipes.common.texts import one_line

EPOCHS = 3
CLASSES = goemotions.EMOTIONS


def load_data(batch_size=128):
    """Train, validation and test batches of comments (strings) and integer labels 0–27."""
    splits = tfds.load("goemotions", split=goemotions.SPLITS)
    train, validation, test = (goemotions.with_one_emotion(comments) for comments in splits)
    train = train.shuffle(40_000).batch(batch_size).prefetch(2)
    return train, validation.batch(512), test.batch(512)


@keras.saving.register_keras_serializable(package="text_multiclass")
def lower_and_space(text):
    """Text in lower case, with spaces around punctuation marks, so that each becomes a word."""
    text = one_line(tf.strings.lower(text))
    return tf.strings.regex_replace(text, r"([^\pL\pN\s'’])", r" \1 ")


def build_sequential(vectorize, embed_dim, filters, kernel_size, dropout, classes):
    """40 words → embeddings → Conv1D → maximum over the positions → softmax."""
    return keras.Sequential(
        [
            keras.Input((), dtype="string"),
            vectorize,
            keras.layers.Embedding(vectorize.vocabulary_size(), embed_dim),
            keras.layers.SpatialDropout1D(0.2),
            keras.layers.Conv1D(filters, kernel_size, activation="relu"),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )


def build_functional(vectorize, embed_dim, filters, kernel_size, dropout, classes):
    """The same network as a chain of function calls."""
    text = keras.Input((), dtype="string")
    x = vectorize(text)  # (batch, 40)
    x = keras.layers.Embedding(vectorize.vocabulary_size(), embed_dim)(x)  # (batch, 40, embed_dim)
    x = keras.layers.SpatialDropout1D(0.2)(x)
    x = keras.layers.Conv1D(filters, kernel_size, activation="relu")(x)
    x = keras.layers.GlobalMaxPooling1D()(x)  # (batch, filters)
    x = keras.layers.Dropout(dropout)(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    return keras.Model(text, outputs)


def build_model(
    api="sequential",
    embed_dim=64,
    filters=192,
    kernel_size=2,
    dropout=0.5,
    learning_rate=0.005,
    steps=EPOCHS * 284,
    train=None,
    classes=28,
):
    """The compiled network: a string to 28 class probabilities.

    The vocabulary consists of the most frequent words of `train` (by default from `load_data`).
    """
    if train is None:
        train, _, _ = load_data()
    vectorize = keras.layers.TextVectorization(
        15_000, standardize=lower_and_space, output_sequence_length=40
    )
    vectorize.adapt(train.map(lambda text, label: text))
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(vectorize, embed_dim, filters, kernel_size, dropout, classes)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "embed_dim": hp.Choice("embed_dim", [32, 64, 128], default=64),
        "filters": hp.Int("filters", 64, 384, step=64, default=192),
        "kernel_size": hp.Int("kernel_size", 1, 4, default=2),
        "dropout": hp.Choice("dropout", [0.2, 0.3, 0.4, 0.5, 0.6, 0.7], default=0.5),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.002, 0.005, 0.01], default=0.005),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regressions on tf-idf, one for each class."""
    tf_idf = TfidfVectorizer(min_df=2, sublinear_tf=True)
    one_for_each = OneVsRestClassifier(LogisticRegression(C=5, solver="liblinear"))
    classifier = make_pipeline(tf_idf, one_for_each)
    texts, labels = to_numpy(train)
    classifier.fit(texts, labels)
    texts, labels = to_numpy(test)
    return {"accuracy": classifier.score(texts, labels)}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(train=train, steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "text_multiclass.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("text_multiclass.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True))
    print("Logistic regressions on tf-idf, one for each class:", baseline(train, test))


if __name__ == "__main__":
    main()

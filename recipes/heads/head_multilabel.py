"""Multi-label classification: the emotions of a comment (GoEmotions, 28), one sigmoid each.

Slides: 001 «Capas de salida dependiendo de la tarea» (several classes, several labels: tags of a
        text).
Paper:  Demszky et al. (2020), https://arxiv.org/abs/2005.00547 (the data);
        Kim (2014), https://arxiv.org/abs/1408.5882 (the network)
Departs from Kim: filters of one width, and word vectors learned here. Departs from the slides: the
labels are emotions, not tags.

A sixth of the comments have two emotions or more. The 28 sigmoids are independent of each other.
The variant with softmax is wrong: its outputs sum to 1, so at most one of them exceeds 0.5, and its
loss requires targets that sum to 1 as well. For other targets TensorFlow's gradient, p − y, is not
the gradient of the loss that it reports, (Σy) p − y. It never vanishes, and the logits grow without
bound (tested). Both variants are evaluated at the threshold that is best for the sigmoids.

Punctuation and emoji are kept as words: a question mark indicates "curiosity". With a full
vocabulary of 15,000 words there are 990,172 weights.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from recipes.common import goemotions
from recipes.common.arrays import to_numpy
from recipes.common.texts import one_line

EPOCHS = 4
CLASSES = goemotions.EMOTIONS
# Best micro-F1 of the sigmoids on validation data. Emotions are rare, and 0.5 misses most of them.
THRESHOLD = 0.25
BASELINE_THRESHOLD = 0.2  # best micro-F1 of the baseline on validation data
VARIANTS = {
    "sigmoid": {"head": "sigmoid"},
    "softmax": {"head": "softmax"},
}
WRONG = {"softmax": "outputs that sum to 1: what one emotion gains, another loses"}


def load_data(batch_size=128):
    """Train, validation and test batches of comments (strings) and vectors of 28 labels, 0 or 1."""
    splits = tfds.load("goemotions", split=goemotions.SPLITS)
    train, validation, test = (split.map(goemotions.text_and_labels) for split in splits)
    train = train.cache().shuffle(45_000).batch(batch_size).prefetch(2)
    return train, validation.batch(512).cache(), test.batch(512).cache()


@keras.saving.register_keras_serializable(package="head_multilabel")
def lower_and_space(text):
    """Text in lower case, with spaces around punctuation marks, so that each becomes a word."""
    text = one_line(tf.strings.lower(text))
    return tf.strings.regex_replace(text, r"([^\pL\pN\s'’])", r" \1 ")


def build_sequential(vectorize, embed_dim, filters, kernel_size, dropout, activation, classes):
    """40 words → embeddings → Conv1D → maximum over the positions → sigmoid or softmax outputs."""
    return keras.Sequential(
        [
            keras.Input((), dtype="string"),
            vectorize,
            keras.layers.Embedding(vectorize.vocabulary_size(), embed_dim),
            keras.layers.SpatialDropout1D(0.2),
            keras.layers.Conv1D(filters, kernel_size, activation="relu"),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(classes, activation=activation),
        ]
    )


def build_functional(vectorize, embed_dim, filters, kernel_size, dropout, activation, classes):
    """The same network as a chain of function calls."""
    text = keras.Input((), dtype="string")
    x = vectorize(text)  # (batch, 40)
    x = keras.layers.Embedding(vectorize.vocabulary_size(), embed_dim)(x)  # (batch, 40, embed_dim)
    x = keras.layers.SpatialDropout1D(0.2)(x)
    x = keras.layers.Conv1D(filters, kernel_size, activation="relu")(x)
    x = keras.layers.GlobalMaxPooling1D()(x)  # (batch, filters)
    x = keras.layers.Dropout(dropout)(x)
    outputs = keras.layers.Dense(classes, activation=activation)(x)
    return keras.Model(text, outputs)


def build_model(
    api="sequential",
    head="sigmoid",
    embed_dim=64,
    filters=192,
    kernel_size=2,
    dropout=0.5,
    learning_rate=0.005,
    steps=EPOCHS * 340,
    train=None,
    classes=28,
):
    """The compiled network: a string to 28 numbers between 0 and 1.

    The vocabulary consists of the most frequent words of `train` (by default from `load_data`).
    """
    if train is None:
        train, _, _ = load_data()
    vectorize = keras.layers.TextVectorization(
        15_000, standardize=lower_and_space, output_sequence_length=40
    )
    vectorize.adapt(train.map(lambda text, labels: text))
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(vectorize, embed_dim, filters, kernel_size, dropout, head, classes)
    loss = {"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}[head]
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    micro_f1 = keras.metrics.F1Score("micro", THRESHOLD, name="micro_f1")
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=[micro_f1])
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
    """Logistic regressions on tf-idf, one for each emotion."""
    texts, labels = to_numpy(train)
    test_texts, test_labels = to_numpy(test)
    tf_idf = TfidfVectorizer(min_df=2, sublinear_tf=True)
    features = tf_idf.fit_transform(texts)
    test_features = tf_idf.transform(test_texts)
    predicted = np.zeros(test_labels.shape)
    for index in range(labels.shape[1]):
        count = labels[:, index].sum()
        if 0 < count < len(labels):  # an emotion that `train` lacks is never predicted
            regression = LogisticRegression(solver="liblinear").fit(features, labels[:, index])
            probability = regression.predict_proba(test_features)[:, 1]
            predicted[:, index] = probability > BASELINE_THRESHOLD
    return {"micro_f1": f1_score(test_labels, predicted, average="micro", zero_division=0)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, train=train, steps=EPOCHS * len(train))
        path = f"head_multilabel_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_micro_f1", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

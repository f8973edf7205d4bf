"""AutoML for texts: which kind of network, and which hyperparameters, tell emotions apart?

Slides: 000 «AutoML», 003 «AutoML».
Paper:  Demszky et al. (2020), https://arxiv.org/abs/2005.00547 (the data);
        Iyyer et al. (2015), https://aclanthology.org/P15-1162 (averaged embeddings);
        Kim (2014), https://arxiv.org/abs/1408.5882 (convolutions);
        Vaswani et al. (2017), https://arxiv.org/abs/1706.03762 (attention)
Departs from the data: only comments with exactly one emotion are used, five of six.

Five kinds of networks, each in its own function, are trained on the same strings: a linear model of
the bag of words, the average of word embeddings, a CNN, a bidirectional LSTM and a Transformer
block. `main()` trains each with its default hyperparameters: a leaderboard without any search.
`search_space` also includes the kind; hyperparameters that only some kinds have are conditional.
The search starts with the first variant, so its validation score cannot end below that variant's.

To search on your own texts (a CSV with the columns `text` and `label`, or a folder of `.txt` files
for each class) for an hour, with an ensemble of the five best trials; a cell may hold several
labels, as in `joy|love`:

    make tune-automl-text ARGS="--data mine.csv --time-limit 1h --ensemble 5"

For texts much longer than these comments, choose a larger `length` (it is also searched): words
beyond it are ignored.
"""

import keras
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from layers.masked_average import MaskedAverage
from layers.positional_encoding import PositionalEncoding
from layers.transformer import TransformerEncoder
from recipes.common import goemotions
from recipes.common.arrays import to_numpy
from recipes.common.texts import one_line

EPOCHS = 3
CLASSES = goemotions.EMOTIONS
# Of several labels for each text, which are rarer than one of two; as in head_multilabel.
THRESHOLD = 0.25
BASELINE_THRESHOLD = 0.2
VARIANTS = {
    "cnn": {"kind": "cnn"},
    "bag_of_words": {"kind": "bag_of_words", "learning_rate": 0.03},
    "average": {"kind": "average", "learning_rate": 0.02},
    "lstm": {"kind": "lstm"},
    "transformer": {"kind": "transformer", "learning_rate": 0.002},
}


def load_data(batch_size=256):
    """Train, validation and test batches of comments (strings) and integer labels 0–27."""
    splits = tfds.load("goemotions", split=goemotions.SPLITS)
    train, validation, test = (goemotions.with_one_emotion(comments) for comments in splits)
    train = train.shuffle(40_000).batch(batch_size).prefetch(2)
    return train, validation.batch(512), test.batch(512)


@keras.saving.register_keras_serializable(package="automl_text")
def lower_and_space(text):
    """Text in lower case, with spaces around punctuation marks, so that each becomes a word."""
    text = one_line(tf.strings.lower(text))
    return tf.strings.regex_replace(text, r"([^\pL\pN\s'’])", r" \1 ")


def token_ids(text, texts, vocabulary, length, ngrams=1):
    """The indices of the first words of each text, padded with 0, and the size of the vocabulary.

    With `ngrams=2`, the bigrams follow after the words.
    """
    vectorize = keras.layers.TextVectorization(
        vocabulary,
        standardize=lower_and_space,
        ngrams=ngrams,
        output_sequence_length=ngrams * length,
    )
    vectorize.adapt(texts)
    return vectorize(text), vectorize.vocabulary_size()


def bag_of_words_network(words, vocabulary_size, classes):
    """A linear model: a weight for each word and class, summed over the words."""
    weights = keras.layers.Embedding(vocabulary_size, classes)(words)  # (batch, words, classes)
    # Padding, index 0, does not count.
    known = keras.ops.cast(words != 0, weights.dtype)[..., None]
    return keras.ops.sum(known * weights, axis=1)


def classification_head(x, classes, dropout, layer_norm):
    """Logits from a vector for each text, optionally after layer normalization."""
    if layer_norm:
        x = keras.layers.LayerNormalization()(x)
    x = keras.layers.Dropout(dropout)(x)
    return keras.layers.Dense(classes)(x)


def average_network(x, classes, dropout, layer_norm):
    """The mean of the word embeddings (batch, length, embed_dim)."""
    x = MaskedAverage()(x)  # (batch, embed_dim)
    return classification_head(x, classes, dropout, layer_norm)


def cnn_network(x, classes, filters, kernel_size, dropout, layer_norm):
    """A convolution over neighboring words, and the maximum of each filter over the text."""
    x = keras.layers.Conv1D(filters, kernel_size, activation="relu")(x)
    x = keras.layers.GlobalMaxPooling1D()(x)  # (batch, filters)
    return classification_head(x, classes, dropout, layer_norm)


def lstm_network(x, classes, units, dropout, layer_norm):
    """A bidirectional LSTM: one LSTM reads forward, the other backward."""
    x = keras.layers.Bidirectional(keras.layers.LSTM(units))(x)  # (batch, 2 · units)
    return classification_head(x, classes, dropout, layer_norm)


def transformer_network(x, classes, depth, num_heads, dropout):
    """Transformer encoder blocks, and the mean of their outputs."""
    length, embed_dim = x.shape[1:]
    x = PositionalEncoding("learned", length)(x)
    for _ in range(depth):
        x = TransformerEncoder(num_heads, ff_dim=2 * embed_dim, dropout=dropout)(x)
    x = keras.layers.LayerNormalization()(x)
    return average_network(x, classes, dropout, layer_norm=False)


def build_model(
    kind="cnn",
    vocabulary=15_000,
    length=30,
    embed_dim=64,
    ngrams=1,
    filters=192,
    kernel_size=2,
    units=32,
    depth=1,
    num_heads=4,
    dropout=0.5,
    layer_norm=False,
    learning_rate=0.005,
    schedule="cosine",
    weight_decay=0.0,
    steps=EPOCHS * 142,
    train=None,
    classes=28,
    head="softmax",
):
    """The compiled network of a kind: a string to 28 class probabilities.

    The vocabulary consists of the most frequent words of `train` (by default from `load_data`).
    `schedule` is "cosine" or "constant". With `layer_norm`, there is layer normalization before the
    last layer. With a `head` of "sigmoid" instead of "softmax", a text has any number of labels:
    targets are vectors of 0 and 1.
    """
    if train is None:
        train, _, _ = load_data()
    texts = train.map(lambda text, label: text)

    text = keras.Input((), dtype="string")
    if kind == "bag_of_words":
        words, vocabulary_size = token_ids(text, texts, vocabulary, length, ngrams)
        logits = bag_of_words_network(words, vocabulary_size, classes)
    else:
        words, vocabulary_size = token_ids(text, texts, vocabulary, length)  # (batch, length)
        x = keras.layers.Embedding(vocabulary_size, embed_dim, mask_zero=kind != "cnn")(words)
        x = keras.layers.SpatialDropout1D(0.2)(x)  # (batch, length, embed_dim)
    if kind == "average":
        logits = average_network(x, classes, dropout, layer_norm)
    elif kind == "cnn":
        logits = cnn_network(x, classes, filters, kernel_size, dropout, layer_norm)
    elif kind == "lstm":
        logits = lstm_network(x, classes, units, dropout, layer_norm)
    elif kind == "transformer":
        logits = transformer_network(x, classes, depth, num_heads, dropout)
    elif kind != "bag_of_words":
        raise ValueError(f"kind is one of {', '.join(VARIANTS)}, and not {kind!r}")
    model = keras.Model(text, keras.layers.Activation(head)(logits))

    if head == "sigmoid":
        loss = "binary_crossentropy"
        metric = keras.metrics.F1Score("micro", THRESHOLD, name="micro_f1")
    else:
        loss, metric = "sparse_categorical_crossentropy", "accuracy"
    if schedule == "cosine":
        learning_rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay)
    model.compile(optimizer, loss, metrics=[metric])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own.

    Hyperparameters that only some kinds have are searched for these kinds only. `class_weights` is
    for `fit`: with "balanced", rare classes have the same total weight as frequent ones.
    """
    kinds = ["cnn", "bag_of_words", "average", "lstm", "transformer"]
    kind = hp.Choice("kind", kinds, default="cnn")
    values = {
        "kind": kind,
        "vocabulary": hp.Choice("vocabulary", [5_000, 15_000, 30_000], default=15_000),
        "length": hp.Choice("length", [15, 30, 60, 120, 240], default=30),
        "learning_rate": hp.Float("learning_rate", 5e-4, 5e-2, sampling="log", default=0.005),
        "schedule": hp.Choice("schedule", ["cosine", "constant"], default="cosine"),
        "weight_decay": hp.Choice("weight_decay", [0.0, 0.001, 0.01, 0.1], default=0.0),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=256),
        "class_weights": hp.Choice("class_weights", ["none", "balanced"], default="none"),
    }
    with hp.conditional_scope("kind", ["bag_of_words"]):
        ngrams = hp.Choice("ngrams", [1, 2], default=1)
    if kind == "bag_of_words":
        values["ngrams"] = ngrams
    with hp.conditional_scope("kind", ["cnn", "average", "lstm", "transformer"]):
        embedded = {
            "embed_dim": hp.Choice("embed_dim", [32, 64, 128], default=64),
            "dropout": hp.Choice("dropout", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], default=0.5),
        }
    if kind != "bag_of_words":
        values |= embedded
    with hp.conditional_scope("kind", ["cnn", "average", "lstm"]):
        layer_norm = hp.Boolean("layer_norm", default=False)
    if kind in ("cnn", "average", "lstm"):
        values["layer_norm"] = layer_norm
    with hp.conditional_scope("kind", ["cnn"]):
        convolution = {
            "filters": hp.Choice("filters", [64, 128, 192, 256], default=192),
            "kernel_size": hp.Int("kernel_size", 1, 4, default=2),
        }
    if kind == "cnn":
        values |= convolution
    with hp.conditional_scope("kind", ["lstm"]):
        units = hp.Choice("units", [16, 32, 64, 128], default=32)
    if kind == "lstm":
        values["units"] = units
    with hp.conditional_scope("kind", ["transformer"]):
        attention = {
            "depth": hp.Int("depth", 1, 3, default=1),
            "num_heads": hp.Choice("num_heads", [2, 4, 8], default=4),
        }
    if kind == "transformer":
        values |= attention
    return values


def baseline(train, test):
    """Logistic regressions on tf-idf, one for each class."""
    tf_idf = TfidfVectorizer(min_df=2, sublinear_tf=True)
    one_for_each = OneVsRestClassifier(LogisticRegression(C=5, solver="liblinear"))
    classifier = make_pipeline(tf_idf, one_for_each)
    texts, labels = to_numpy(train)
    classifier.fit(texts, labels)
    texts, labels = to_numpy(test)
    if labels.ndim == 1:
        return {"accuracy": classifier.score(texts, labels)}
    predicted = classifier.predict_proba(texts) > BASELINE_THRESHOLD
    return {"micro_f1": f1_score(labels, predicted, average="micro", zero_division=0)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, train=train, steps=EPOCHS * len(train))
        path = f"automl_text_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regressions on tf-idf, one for each class:", baseline(train, test))


if __name__ == "__main__":
    main()

"""Several labels at once: the emotions of a comment (GoEmotions, 28), one sigmoid each, beside a softmax layer.

Slides: 001 «Capas de salida dependiendo de la tarea» (several classes, several labels: tags of a text).
Paper:  Demszky et al. (2020), https://arxiv.org/abs/2005.00547 (the data); Kim (2014), https://arxiv.org/abs/1408.5882.
Departs from Kim: filters of one width, word vectors learned here; from the slides: another kind of tags than theirs.

A sixth of the comments carry two emotions or more. Sigmoids answer 28 separate questions. Softmax outputs sum to 1, so
at most one of them passes 0.5, and its loss asks for targets that sum to 1 as well. On others TensorFlow's gradient,
p − y, is not that of the loss it reports, (Σy) p − y, and never vanishes: the logits grow without end (tested).

Punctuation and emoji are kept as words: a question mark says "curiosity".
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from recipes.common.texts import one_line

EPOCHS = 4
# fmt: off
CLASSES = [
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
    "love", "nervousness", "neutral", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise",
]
# fmt: on
THRESHOLD = 0.25  # of micro-F1, best on validation for the sigmoids; emotions are rare, and 0.5 misses most of them
BASELINE_THRESHOLD = 0.2  # best on validation for the baseline
VARIANTS = {"sigmoid": {"head": "sigmoid"}, "softmax": {"head": "softmax"}}
WRONG = {"softmax": "outputs that sum to 1 cannot say yes to two emotions"}


def load_data(batch_size=128):
    """Train, validation and test batches of comments (strings) and vectors of 28 labels, 0 or 1."""

    def text_and_labels(comment):
        return comment["comment_text"], tf.stack(
            [tf.cast(comment[name], "float32") for name in CLASSES]
        )

    train, validation, test = tfds.load("goemotions", split=["train", "validation", "test"])
    train = train.map(text_and_labels).cache().shuffle(45_000).batch(batch_size).prefetch(2)
    return train, *(split.map(text_and_labels).batch(512).cache() for split in (validation, test))


@keras.saving.register_keras_serializable(package="head_multilabel")
def lower_and_space(text):
    """Lower case, and a space on either side of each mark, so that it becomes a word."""
    return tf.strings.regex_replace(one_line(tf.strings.lower(text)), r"([^\pL\pN\s'’])", r" \1 ")


def build_sequential(vectorize, units, filters, width, dropout, activation):
    """Strings → vectors of 40 words → filters over neighbours → the strongest match of each → 28 probabilities."""
    return keras.Sequential(
        [
            keras.Input((), dtype="string"),
            vectorize,
            keras.layers.Embedding(vectorize.vocabulary_size(), units),
            keras.layers.SpatialDropout1D(0.2),
            keras.layers.Conv1D(filters, width, activation="relu"),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(len(CLASSES), activation=activation),
        ]
    )


def build_functional(vectorize, units, filters, width, dropout, activation):
    """The same network, each layer called on the output of the one before."""
    text = keras.Input((), dtype="string")
    x = vectorize(text)
    x = keras.layers.Embedding(vectorize.vocabulary_size(), units)(x)
    x = keras.layers.SpatialDropout1D(0.2)(x)
    x = keras.layers.Conv1D(filters, width, activation="relu")(x)
    x = keras.layers.GlobalMaxPooling1D()(x)
    x = keras.layers.Dropout(dropout)(x)
    return keras.Model(text, keras.layers.Dense(len(CLASSES), activation=activation)(x))


def build_model(
    api="sequential", head="sigmoid", units=64, filters=192, width=2, dropout=0.5, learning_rate=0.005,
    steps=EPOCHS * 340, train=None,
):  # fmt: skip
    """The compiled network: a string to 28 numbers between 0 and 1.

    The words are those most frequent in `train` (by default, what `load_data` gives).
    """
    train = load_data()[0] if train is None else train
    vectorize = keras.layers.TextVectorization(
        15_000, standardize=lower_and_space, output_sequence_length=40
    )
    vectorize.adapt(train.map(lambda text, labels: text))
    build = {"sequential": build_sequential, "functional": build_functional}[api]
    model = build(vectorize, units, filters, width, dropout, head)
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        ),
        loss={"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}[head],
        metrics=[keras.metrics.F1Score("micro", THRESHOLD, name="micro_f1")],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Choice("units", [32, 64, 128], default=64),
        "filters": hp.Int("filters", 64, 384, step=64, default=192),
        "width": hp.Int("width", 1, 4, default=2),
        "dropout": hp.Choice("dropout", [0.2, 0.3, 0.4, 0.5, 0.6, 0.7], default=0.5),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.002, 0.005, 0.01], default=0.005),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regressions on tf-idf, one for each emotion."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    texts, labels = (np.concatenate(part) for part in zip(*train.as_numpy_iterator(), strict=True))
    test_texts, test_labels = (
        np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True)
    )
    tf_idf = TfidfVectorizer(min_df=2, sublinear_tf=True)
    rows, test_rows = tf_idf.fit_transform(texts), tf_idf.transform(test_texts)
    says_yes = np.zeros(test_labels.shape)
    for index in range(len(CLASSES)):
        if 0 < labels[:, index].sum() < len(labels):  # an emotion that `train` lacks is never found
            regression = LogisticRegression(solver="liblinear").fit(rows, labels[:, index])
            says_yes[:, index] = regression.predict_proba(test_rows)[:, 1] > BASELINE_THRESHOLD
    return {"micro_f1": f1_score(test_labels, says_yes, average="micro", zero_division=0)}


def figures(models, test, histories):
    """How many of a comment's emotions each head finds, what its outputs sum to, and some comments with several."""
    texts, labels = (np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True))
    outputs = {name: model.predict(test, verbose=0) for name, model in models.items()}
    number = labels.sum(-1).astype(int)

    found, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    counts = [n for n in (1, 2, 3) if (number == n).any()]
    for shift, (name, output) in zip((-0.2, 0.2), outputs.items(), strict=True):
        share = [
            np.all((output > THRESHOLD) >= labels, axis=-1)[number == n].mean() for n in counts
        ]
        bars = axes[0].bar(np.array(counts) + shift, share, width=0.4, label=name)
        axes[0].bar_label(bars, [f"{s:.0%}" for s in share])
        axes[1].hist(output.sum(-1), bins=np.linspace(0, 3, 61), alpha=0.7, label=name)
    axes[0].set(
        title=f"All true emotions exceed {THRESHOLD}",
        xlabel="emotions of the comment",
        xticks=counts,
    )
    axes[0].set_ylabel("share of the comments")
    axes[1].set(
        title="Softmax spends exactly 1 on every comment",
        xlabel="sum of the 28 outputs",
        yscale="log",
    )
    axes[1].set_ylabel("comments")
    axes[0].legend()

    short = np.array([len(text) < 65 and text.isascii() for text in texts])
    several = np.flatnonzero((number > 1) & short)
    chosen = several[np.argsort(-np.where(labels, outputs["sigmoid"], 1).min(-1)[several])][
        :6
    ]  # the best found
    examples, axes = plt.subplots(3, 2, figsize=(10, 7), layout="constrained")
    for axis, index in zip(axes.flat, chosen, strict=False):
        top = np.argsort(-outputs["sigmoid"][index])[3::-1]
        for shift, (name, output) in zip((0.2, -0.2), outputs.items(), strict=True):
            axis.barh(np.arange(4) + shift, output[index, top], height=0.4, label=name)
        axis.set_yticks(range(4), [CLASSES[i] + " ✓" * int(labels[index, i]) for i in top])
        axis.axvline(0.5, color="gray", linestyle=":")
        axis.set(xlim=(0, 1))
        axis.set_title(texts[index].decode().replace("$", r"\$"), fontsize="small")
    axes[0, 0].legend()
    examples.suptitle(
        "The best found of several emotions: both pass 0.5 with sigmoids, never with softmax (✓: true)"
    )
    return {"several_labels": found, "examples": examples}


def main():
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(train=train, **arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"head_multilabel_{name}.keras")


if __name__ == "__main__":
    main()

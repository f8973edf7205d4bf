"""Transformer encoder: is a film review (IMDB) positive or negative?

Slides: 001 «Attention is all you need», 000 «Transformers», 002 «Transformers».
Paper:  Vaswani et al. (2017), https://arxiv.org/abs/1706.03762; Maas et al. (2011), https://aclanthology.org/P11-1015
        (the data)
Departs from the paper: of the Transformer only the encoder, one block of it; in place of a decoder the mean of its
outputs and one unit. The slides normalise by batch after each stage; a Transformer does it by layer.

One block sees what a mean of word vectors cannot: which words stand together, and that "not" comes before "good".
Of long reviews the last words are read, where the verdict is: attention costs the square of the length. Whole words are
dropped in training, because the network soon knows the 22,500 reviews by heart.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from layers.masked_average import MaskedAverage
from layers.positional_encoding import PositionalEncoding
from layers.transformer import TransformerEncoder
from recipes.common.texts import one_line

EPOCHS = 3
LENGTH = 400
LENGTHS = [100, 130, 160, 200, 250, 320]
CLASSES = ["negative", "positive"]
REVIEW = (
    "I expected a good film, but this one is not good at all: a waste of time, and not even funny."
)


@keras.saving.register_keras_serializable(package="imdb_transformer")
def last_words(texts):
    """The last LENGTH words of each text, in small letters and without punctuation: (texts,) strings to such."""
    plain = tf.strings.regex_replace(one_line(tf.strings.lower(texts)), "<br />", " ")
    words = tf.strings.split(tf.strings.regex_replace(plain, "[[:punct:]]", ""))
    return tf.strings.reduce_join(words[:, -LENGTH:], axis=-1, separator=" ")


def load_data(batch_size=64):
    """Train, validation and test batches of reviews (strings) and labels (0 negative, 1 positive).

    The reviews of a batch are about equally long, so that little time is spent on padding.
    """
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("imdb_reviews", split=splits, as_supervised=True)

    def batches(reviews, size):
        words = lambda text, label: tf.size(tf.strings.split(text))  # noqa: E731
        return reviews.bucket_by_sequence_length(words, LENGTHS, [size] * (len(LENGTHS) + 1))

    train = batches(train.cache().shuffle(25_000), batch_size).prefetch(4)
    return train, batches(validation, 100).cache(), batches(test, 100)


def build_model(
    vocabulary=20_000,
    features=32,
    heads=2,
    units=64,
    dropout=0.3,
    learning_rate=0.001,
    steps=EPOCHS * 356,
    train=None,
):
    """The compiled network: a string to the probability that it is positive. 661,313 parameters.

    It knows the words most frequent in `train` (by default, what `load_data` gives).
    """
    vectorize = keras.layers.TextVectorization(vocabulary, standardize=last_words, name="vectorize")
    vectorize.adapt((load_data()[0] if train is None else train).map(lambda text, label: text))
    text = keras.Input((), dtype="string")
    x = vectorize(text)
    x = keras.layers.Embedding(vectorize.vocabulary_size(), features, mask_zero=True, name="words")(
        x
    )
    x = keras.layers.Dropout(dropout, noise_shape=(None, None, 1))(x)  # of whole words
    x = PositionalEncoding("learned", LENGTH)(x)
    x = keras.layers.Dropout(dropout)(x)
    x = TransformerEncoder(heads, units, dropout, name="encoder")(x)
    x = keras.layers.LayerNormalization()(x)
    x = MaskedAverage()(x)
    x = keras.layers.Dropout(dropout)(x)
    model = keras.Model(text, keras.layers.Dense(1, activation="sigmoid")(x))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), "binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning."""
    return {
        "features": hp.Choice("features", [16, 32, 64], default=32),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6], default=0.3),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.001),
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


def looked_at(model, text):
    """The words of a review that the network reads, and the weights of its attention: (heads, words, words)."""
    encoder = model.get_layer("encoder")
    vectors, mask = keras.Model(model.input, encoder.input)(tf.constant([text]))
    _, weights = encoder(vectors, mask=mask, return_attention_scores=True)
    vectorize = model.get_layer("vectorize")
    words = [
        vectorize.get_vocabulary()[number]
        for number in vectorize(tf.constant([text]))[0, : weights.shape[-1]]
    ]
    return words, keras.ops.convert_to_numpy(weights[0])


def figures(model, test, history):
    """Who looks at whom in a short review, and the words of a longer one by how much they are looked at."""
    words, weights = looked_at(model, REVIEW)
    probability = float(model(tf.constant([REVIEW]))[0, 0])
    heads, axes = plt.subplots(
        1, len(weights), figsize=(5.5 * len(weights), 5.8), layout="constrained", squeeze=False
    )
    heads.suptitle(
        f"Each word of a row looks at the words of the columns; positive with {probability:.0%}"
    )
    for number, (axis, head) in enumerate(zip(axes[0], weights, strict=True), start=1):
        axis.imshow(head, cmap="Blues", vmin=0)
        axis.set_xticks(range(len(words)), words, rotation=90)
        axis.set_yticks(range(len(words)), words)
        axis.set(title=f"Head {number}")

    texts, labels = next(test.as_numpy_iterator())
    text, label = min(zip(texts, labels, strict=True), key=lambda pair: len(pair[0]))
    words, weights = looked_at(model, text)
    seen = weights.mean(axis=(0, 1)) * len(words)
    review, axis = plt.subplots(figsize=(9, 5), layout="constrained")
    line = column = 0
    for word, share in zip(words, seen, strict=True):
        if column + len(word) > 78:
            line, column = line + 1, 0
        box = {"facecolor": plt.get_cmap("Oranges")(min(share / 4, 1.0)), "linewidth": 0, "pad": 2}
        axis.text(column, line, word, family="monospace", fontsize=9, bbox=box)
        column += len(word) + 1
    axis.set(xlim=(-1, 79), ylim=(line + 1, -1))
    axis.axis("off")
    found = float(model(tf.constant([text]))[0, 0])
    axis.set_title(
        f"How much each word is looked at ({CLASSES[label]} review, positive with {found:.0%})"
    )
    return {"heads": heads, "review": review}


def main():
    train, validation, test = load_data()
    steps = EPOCHS * sum(1 for _ in train)  # how many batches depends on how long the texts are
    model = build_model(train=train, steps=steps)
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True))
    model.save("imdb_transformer.keras")


if __name__ == "__main__":
    main()

"""Transformer encoder: sentiment analysis of film reviews (IMDB) with one block of self-attention.

Slides: 001 «Attention is all you need», 000 «Transformers», 002 «Transformers».
Paper:  Vaswani et al. (2017), https://arxiv.org/abs/1706.03762;
        Maas et al. (2011), https://aclanthology.org/P11-1015 (the data)
Departs from the paper: only the encoder, and one block of it; a classifier on the mean of its
outputs replaces the decoder. The slides have batch normalization after each stage; the Transformer
has layer normalization.

The output of a self-attention block depends on which words occur together, and on the order of
"not" and "good"; a mean of word embeddings does not. The cost of attention grows with the square of
the length, so only the last words of a long review are used, where the verdict usually is. Dropout
of whole words reduces overfitting, since the network soon memorizes the 22,500 reviews.
"""

import keras
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from layers.masked_average import MaskedAverage
from layers.positional_encoding import PositionalEncoding
from layers.transformer import TransformerEncoder
from recipes.common.arrays import to_numpy
from recipes.common.texts import one_line

EPOCHS = 3
LENGTH = 400  # words of a review that are used, the last ones
BUCKETS = [100, 130, 160, 200, 250, 320]  # reviews of similar length share a batch
CLASSES = ["negative", "positive"]


@keras.saving.register_keras_serializable(package="imdb_transformer")
def last_words(texts):
    """The last LENGTH words of each text, lowercase and without punctuation.

    Args:
        texts: String tensor (texts,).

    Returns:
        String tensor (texts,), words separated by a space.
    """
    texts = one_line(tf.strings.lower(texts))
    texts = tf.strings.regex_replace(texts, "<br />", " ")
    texts = tf.strings.regex_replace(texts, "[[:punct:]]", "")
    words = tf.strings.split(texts)  # (texts, words), ragged
    return tf.strings.reduce_join(words[:, -LENGTH:], axis=-1, separator=" ")


def count_words(text, label):
    """The length by which reviews are grouped into buckets."""
    return tf.size(tf.strings.split(text))


def load_data(batch_size=64):
    """Train, validation and test batches of reviews (strings) and labels (0 negative, 1 positive).

    Reviews of similar length share a batch (bucketing), so that there is little padding.
    """
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("imdb_reviews", split=splits, as_supervised=True)

    def batches(reviews, size):
        return reviews.bucket_by_sequence_length(count_words, BUCKETS, [size] * (len(BUCKETS) + 1))

    train = batches(train.cache().shuffle(25_000), batch_size).prefetch(4)
    return train, batches(validation, 100).cache(), batches(test, 100)


def build_model(
    vocabulary_size=20_000,
    embed_dim=32,
    num_heads=2,
    ff_dim=64,
    dropout=0.3,
    learning_rate=0.001,
    steps=EPOCHS * 356,
    train=None,
):
    """The compiled network: a string to the probability that it is positive. 661,313 parameters.

    The vocabulary consists of the most frequent words of `train` (by default from `load_data`).
    """
    if train is None:
        train, _, _ = load_data()
    vectorize = keras.layers.TextVectorization(
        vocabulary_size, standardize=last_words, name="vectorize"
    )
    vectorize.adapt(train.map(lambda text, label: text))

    # Word embeddings; padding is word 0 and masked. The first dropout drops whole words.
    text = keras.Input((), dtype="string")
    x = vectorize(text)  # (batch, words)
    words = vectorize.vocabulary_size()
    x = keras.layers.Embedding(words, embed_dim, mask_zero=True, name="words")(x)
    x = keras.layers.Dropout(dropout, noise_shape=(None, None, 1))(x)
    x = PositionalEncoding("learned", LENGTH)(x)
    x = keras.layers.Dropout(dropout)(x)

    # Encoder block
    x = TransformerEncoder(num_heads, ff_dim, dropout, name="encoder")(x)
    x = keras.layers.LayerNormalization()(x)

    # Classifier
    x = MaskedAverage()(x)  # (batch, embed_dim)
    x = keras.layers.Dropout(dropout)(x)
    probability = keras.layers.Dense(1, activation="sigmoid")(x)

    model = keras.Model(text, probability)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; their defaults are the recipe's."""
    return {
        "embed_dim": hp.Choice("embed_dim", [16, 32, 64], default=32),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6], default=0.3),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.001),
    }


def baseline(train, test):
    """Logistic regression on tf-idf of unigrams and bigrams."""
    classifier = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(C=10, solver="liblinear"),
    )
    texts, labels = to_numpy(train)
    classifier.fit(texts, labels)
    texts, labels = to_numpy(test)
    return {"accuracy": classifier.score(texts, labels)}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    steps = EPOCHS * sum(1 for _ in train)  # the number of batches depends on the buckets
    model = build_model(steps=steps, train=train)
    best = keras.callbacks.ModelCheckpoint(
        "imdb_transformer.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("imdb_transformer.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
    print("Logistic regression on tf-idf of unigrams and bigrams:", baseline(train, test))


if __name__ == "__main__":
    main()

"""The pictures of sentiment_lstm: accuracy with and without word order; reading word by word."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy
from recipes.recurrent import sentiment_lstm

SENTENCES = [
    "the first half is boring and far too long "
    "but in the end it is a wonderful film and i loved it",
    "in the end it is a wonderful film and i loved it "
    "but the first half is boring and far too long",
    "i thought i would love this film the actors are great "
    "but the story is a complete waste of time",
]
STYLES = {"bag_of_words": "s:", "lstm": "o-", "bidirectional": "^--"}
PEOPLE = ["man", "woman", "boy", "girl", "postman", "nurse"]
ANIMALS = ["dog", "cat", "horse", "snake", "donkey", "spider"]


def figures(models, test, histories):
    """Accuracy with and without word order, and the probability after each word of a sentence."""
    texts, labels = to_numpy(test)
    return {"order": plot_order(models, texts, labels), "reading": plot_reading(models)}


def shuffle_words(texts, seed=0):
    """The same texts (bytes), the words of each in random order."""
    rng = np.random.default_rng(seed)
    return np.array([" ".join(rng.permutation(text.decode().split())) for text in texts])


def predict_positive(model, texts):
    """Probability that each text is positive, (texts,)."""
    data = tf.data.Dataset.from_tensor_slices(np.asarray(texts)).batch(500)
    return np.concatenate([model.predict_on_batch(batch)[:, 0] for batch in data])


def accuracy(model, texts, labels):
    """The share of texts that are classified correctly."""
    return np.mean((predict_positive(model, texts) > 0.5) == labels)


def bite_sentences():
    """Sentences such as "dog bites man" (label 0) and "man bites dog" (label 1: news).

    Returns:
        Training sentences and labels, test sentences and labels. The test pairs are not in the
        training set, but each of their words is.
    """
    train = []
    test = []
    pairs = [(person, animal) for person in PEOPLE for animal in ANIMALS]
    for number, (person, animal) in enumerate(pairs):
        sentences = [f"{animal} bites {person}", f"{person} bites {animal}"]
        if number % 7 == 0:
            test.extend(sentences)
        else:
            train.extend(sentences)
    return (
        np.array(train),
        np.arange(len(train)) % 2,
        np.array(test),
        np.arange(len(test)) % 2,
    )


def dog_bites_man(network, epochs=40):
    """Test accuracy of a network that is trained to distinguish who bites whom."""
    train_texts, train_labels, test_texts, test_labels = bite_sentences()
    train = tf.data.Dataset.from_tensors((train_texts, train_labels))
    keras.utils.set_random_seed(0)
    model = sentiment_lstm.build_model(
        network, vocabulary=20, dropout=0.0, learning_rate=0.02, steps=epochs, train=train
    )
    model.fit(train, epochs=epochs, shuffle=False, verbose=0)
    return accuracy(model, test_texts, test_labels)


def plot_order(models, texts, labels):
    """Accuracy on original and shuffled reviews, and on sentences that differ in order only."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    places = np.arange(len(models))
    for shift, color, label, given in (
        (-0.2, "#0072B2", "as written", texts),
        (0.2, "#D55E00", "shuffled", shuffle_words(texts)),
    ):
        heights = [100 * accuracy(model, given, labels) for model in models.values()]
        bars = axes[0].bar(places + shift, heights, width=0.4, color=color, label=label)
        axes[0].bar_label(bars, fmt="%.1f")
    axes[0].set(title="Reviews, as they are and with their words shuffled")
    axes[0].set(ylabel="accuracy, %", ylim=(50, 100))
    axes[0].set_xticks(places, list(models))
    axes[0].legend(ncols=2)

    heights = [100 * dog_bites_man(network) for network in models]
    bars = axes[1].bar(list(models), heights, color="#0072B2", width=0.5)
    axes[1].bar_label(bars, fmt="%.0f")
    axes[1].set(title='"dog bites man" or "man bites dog": is it news?')
    axes[1].set(ylabel="accuracy, %", ylim=(0, 110))
    return figure


def plot_reading(models):
    """The prediction after each word of a sentence, as if the text ended there."""
    figure, axes = plt.subplots(len(SENTENCES), 1, figsize=(11, 8.4), layout="constrained")
    for axis, sentence in zip(axes, SENTENCES, strict=True):
        words = sentence.split()
        beginnings = [" ".join(words[: count + 1]) for count in range(len(words))]
        for name, model in models.items():
            probabilities = predict_positive(model, beginnings)
            axis.plot(probabilities, STYLES[name], label=name, markersize=4)
        axis.axhline(0.5, color="0.7", linewidth=1)
        axis.set_xticks(range(len(words)), words, rotation=40, ha="right", fontsize=10)
        axis.set(ylabel="positive", ylim=(-0.03, 1.3), yticks=(0, 0.5, 1))
    axes[0].set_title("Word by word: the sentiment so far")
    axes[0].legend(loc="upper left", ncols=3)
    return figure

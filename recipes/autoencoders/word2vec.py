"""word2vec on Spanish sentences: words with the same neighbours get similar vectors, rey − hombre + mujer ≈ reina.

Slides: 000 «word2vec», 001 «Autoencoders y sparse data» (word2vec).
Paper:  Mikolov et al. (2013), https://arxiv.org/abs/1310.4546 (skip-gram, negative samples); Levy & Goldberg (2014),
        https://papers.nips.cc/paper/5477 (it factorises a matrix of counts: the baseline)
Departs from Mikolov et al.: a text of 0.6 million words many times over instead of 10⁹ once; a window of two words, as
sentences are short; AdamW, and batches drawn from all pairs.

Deck 000 puts it into the 2000s, it is of 2013; deck 001 calls it an autoencoder, but its target is not its own input.
Scores: `accuracy`, how often in new sentences a true neighbour beats five random words; `analogies`, how often of all
words d is nearest to b − a + c; `top5`, among the five nearest; `families`, how often the nearest is of one family.
"""

import re
from collections import Counter

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from scipy.sparse import coo_matrix
from sklearn.decomposition import PCA
from sklearn.utils.extmath import randomized_svd

import recipes.datasets.spa_eng  # noqa: F401
from layers.word_vectors import analogy_plane, similarities, skip_grams, word_scores
from recipes.datasets.spanish_words import ANALOGIES, FAMILIES, NEIGHBOURS

EPOCHS = 30
OBJECTIVE = ("val_accuracy", "max")


def corpus(minimum=5):
    """Words, the most frequent first, their counts in the training set, and by split the numbers of a text's words and
    of their sentences. Each sentence comes once; those of the training set are left out of the others."""
    text = {}
    for split in ("train", "validation", "test"):
        lines = (
            tfds.load("spa_eng", split=split)
            .map(lambda pair: pair["spanish"])
            .batch(1000)
            .as_numpy_iterator()
        )
        found = (
            tuple(re.findall("[a-záéíóúüñ]+", line.decode().lower()))
            for batch in lines
            for line in batch
        )
        text[split] = dict.fromkeys(
            sentence for sentence in found if sentence not in text.get("train", {})
        )
    counts = Counter(word for sentence in text["train"] for word in sentence)
    words = [word for word, count in counts.most_common() if count >= minimum]
    number = {word: index for index, word in enumerate(words)}
    for split, sentences in text.items():
        place = [
            (number[word], i)
            for i, sentence in enumerate(sentences)
            for word in sentence
            if word in number
        ]
        text[split] = np.array(place).T
    return words, np.array([counts[word] for word in words]), text


def pairs(text, counts, window=2, subsampling=1e-3, rounds=1):
    """Numbers (n, 2) of words and neighbours. Frequent words are left out at random, in each round others."""
    keep = np.sqrt(subsampling * counts.sum() / counts)
    return np.concatenate([skip_grams(*text, window, keep, seed) for seed in range(rounds)])


def load_data(batch_size=2048, window=2, subsampling=1e-3, negatives=5):
    """Training, validation and test batches: words (batch,) and candidates (batch, negatives + 1) as neighbours: random
    ones in proportion to frequency^¾ and, last, a true one; targets say so: 0, …, 0, 1."""
    _, counts, text = corpus()
    table = np.repeat(
        np.arange(len(counts)), np.ceil(1e6 * counts**0.75 / np.sum(counts**0.75)).astype(int)
    )
    target = np.eye(negatives + 1, dtype="float32")[-1]
    near, noise = (
        tf.constant(pairs(text["train"], counts, window, subsampling, 4)),
        tf.constant(table, "int32"),
    )

    def drawn(
        seed,
    ):  # stateless, of seeds that go on from epoch to epoch: the same in a run that was interrupted
        true = tf.gather(
            near, tf.random.stateless_uniform((batch_size,), seed, 0, len(near), tf.int32)
        )
        random = tf.random.stateless_uniform(
            (batch_size, negatives), seed + 1, 0, len(noise), tf.int32
        )
        candidates = tf.concat([tf.gather(noise, random), true[:, 1:]], 1)
        return {"word": true[:, 0], "candidates": candidates}, tf.tile(
            target[None], (batch_size, 1)
        )

    seeds = tf.data.Dataset.random(rerandomize_each_iteration=True).batch(2)
    sets = [seeds.take(max(1, len(near) // 4 // batch_size)).map(drawn).prefetch(2)]
    for split in ("validation", "test"):
        true = pairs(text[split], counts, window, subsampling)
        candidates = np.c_[
            np.random.default_rng(0).choice(table, (len(true), negatives)), true[:, 1:]
        ]
        examples = (
            {"word": true[:, 0], "candidates": candidates.astype("int32")},
            np.tile(target, (len(true), 1)),
        )
        sets.append(tf.data.Dataset.from_tensor_slices(examples).batch(8192))
    return sets


@keras.saving.register_keras_serializable(package="word2vec")
def accuracy(targets, outputs):  # the true neighbour is the last
    return keras.ops.all(outputs[:, -1:] > outputs[:, :-1], axis=1)


@keras.saving.register_keras_serializable(package="word2vec")
class SkipGram(keras.Model):
    """The numbers of a word (batch,) and of candidates (batch, n) to logits (batch, n): is this one beside the word?"""

    def __init__(self, vocabulary, units=100, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary, self.units = tuple(vocabulary), units
        self.words = keras.layers.Embedding(len(self.vocabulary), units, name="words")
        self.neighbours = keras.layers.Embedding(len(self.vocabulary), units, name="neighbours")
        self.words.build()
        self.neighbours.build()
        self.built = True  # here, as no shape of inputs matters

    def call(self, inputs):
        return keras.ops.einsum(
            "bu,bnu->bn", self.words(inputs["word"]), self.neighbours(inputs["candidates"])
        )

    def evaluate(self, *args, return_dict=False, **kwargs):
        """Keras' scores; as a dictionary, those of the words' vectors, too."""
        scores = super().evaluate(*args, return_dict=return_dict, **kwargs)
        asked = word_scores(self.words.get_weights()[0], self.vocabulary, ANALOGIES, FAMILIES)
        return scores | asked if return_dict else scores

    def get_config(self):
        return {**super().get_config(), "vocabulary": list(self.vocabulary), "units": self.units}


def build_model(units=100, learning_rate=0.005, decay=0.3, steps=EPOCHS * 373):
    """The compiled network, for the words of `corpus`. Without the decay, words never seen together drift apart."""
    model = SkipGram(corpus()[0], units)
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.PolynomialDecay(learning_rate, steps, 0.0), decay
    )
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True), metrics=[accuracy])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Choice("units", [50, 100, 200, 300], default=100),
        "learning_rate": hp.Choice("learning_rate", [0.002, 0.005, 0.01], default=0.005),
        "decay": hp.Choice("decay", [0.0, 0.1, 0.3, 1.0], default=0.3),
    }


def counted(units=100, smoothing=0.75):
    """Words, their vectors, and those of neighbours, from counted pairs: the logarithms of how much more often than by
    chance two words are together (PPMI: 0 if less often), factorised by their `units` greatest singular values."""
    words, counts, text = corpus()
    near = pairs(text["train"], counts, rounds=4)
    together = coo_matrix((np.ones(len(near)), near.T), (len(words), len(words))).tocsr().tocoo()
    columns = together.sum(0).A1 ** smoothing
    expected = together.sum(1).A1[together.row] * columns[together.col] / columns.sum()
    together.data = np.maximum(np.log(together.data / expected), 0)
    left, values, right = randomized_svd(together.tocsr(), units, random_state=0)
    return words, left * np.sqrt(values), right.T * np.sqrt(values)


def baseline(train, test):
    """Singular vectors of pointwise mutual information."""
    words, vectors, neighbours = counted()
    inputs, targets = next(test.rebatch(10**6).as_numpy_iterator())
    right = accuracy(
        targets, np.einsum("bu,bnu->bn", vectors[inputs["word"]], neighbours[inputs["candidates"]])
    )
    return {"accuracy": np.mean(right), **word_scores(vectors, words, ANALOGIES, FAMILIES)}


def figures(model, test, history):
    """Families and pairs of words on maps; the nearest words; what each relation scores."""
    words, counts_left, _ = counted()
    number = {word: index for index, word in enumerate(words)}
    rivals = {"word2vec": model.words.get_weights()[0], "counted": counts_left}
    unit = rivals["word2vec"] / np.linalg.norm(rivals["word2vec"], axis=1, keepdims=True)
    maps, axes = plt.subplots(1, 3, figsize=(15, 5.4), layout="constrained")
    drawn = {
        "Five families": [
            FAMILIES[name] for name in ("relatives", "animals", "food", "days", "languages")
        ]
    }
    drawn |= {
        f"“{name}” points to the right": ANALOGIES[name].split(", ")
        for name in ("he, she", "eats, was eating")
    }
    for axis, (title, groups) in zip(axes, drawn.items(), strict=True):
        groups = [
            known
            for group in groups
            if len(known := [word for word in group.split() if word in number]) > 1
        ]
        if not groups:
            continue  # in a small text
        vectors = unit[[number[word] for group in groups for word in group]]
        places = (
            PCA(2).fit_transform(vectors) if max(map(len, groups)) > 2 else analogy_plane(vectors)
        )
        for group in groups:
            dots, places = places[: len(group)], places[len(group) :]
            axis.plot(*dots.T, "o-" if len(group) == 2 else "o", markersize=4, linewidth=1)
            for dot, word in zip(dots, group, strict=True):
                axis.annotate(word, dot, fontsize=9, xytext=(3, 3), textcoords="offset points")
        axis.set(xticks=[], yticks=[], title=title)
    rows = [[word for word in NEIGHBOURS.split() if word in number]]
    for vectors in rivals.values():
        similar = similarities(vectors, vectors[[number[word] for word in rows[0]]])
        rows.append([", ".join(words[index] for index in np.argsort(-row)[1:6]) for row in similar])
    listed, axis = plt.subplots(
        figsize=(11, 4.6), layout="constrained", subplot_kw={"frame_on": False}
    )
    table = {
        "cellText": [*zip(*rows, strict=True)],
        "colLabels": ["", *rivals],
        "colWidths": [0.14, 0.43, 0.43],
    }
    axis.table(**table, cellLoc="left", edges="horizontal", bbox=[0, 0, 1, 1], fontsize=10)
    axis.set(
        xticks=[],
        yticks=[],
        title="The five nearest words, by word2vec and by singular vectors of counts",
    )
    (bars, axis), lines = plt.subplots(layout="constrained"), -np.arange(len(ANALOGIES))
    for (name, vectors), color, shift in zip(
        rivals.items(), ("C0", "C1"), (0.2, -0.2), strict=True
    ):
        scores = [
            word_scores(vectors, words, {relation: pairs}, {})
            for relation, pairs in ANALOGIES.items()
        ]
        for score, alpha, label in (("top5", 0.4, None), ("analogies", 1, name)):
            axis.barh(
                lines + shift,
                [each[score] for each in scores],
                0.4,
                alpha=alpha,
                color=color,
                label=label,
            )
    axis.set(
        yticks=lines,
        yticklabels=ANALOGIES,
        title="How often an analogy is right (pale: among the five nearest)",
    )
    axis.legend()
    return {"maps": maps, "neighbours": listed, "analogies": bars}


def main():
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True))
    model.save("word2vec.keras")


if __name__ == "__main__":
    main()

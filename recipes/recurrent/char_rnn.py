"""Character by character: a GRU that writes Spanish sonnets, compared with counts of six characters in a row.

Slides: 001 «Predicción de texto», «Generación de textos» (char-rnn, poets of the 27).
Paper:  Graves (2013), https://arxiv.org/abs/1308.0850; data: Ruiz Fabo et al. (2021), https://github.com/pruizf/disco;
        Karpathy (2015), https://karpathy.github.io/2015/05/21/rnn-effectiveness; Muon: Jordan et al. (2024),
        https://kellerjordan.github.io/posts/muon; baseline: Witten & Bell (1991), https://doi.org/10.1109/18.87000
Departs from the slides: sonnets by poets long dead instead of those of the 27, many still protected; a GRU; Muon.

Which character comes next? `bits_per_character` is the mean of −log₂ p(the one that does) over poems never seen: their
size when packed with it. Training goes by pieces of 128 characters, tests by whole poems (the few of over 700 in
pieces), each from zero. Poems are drawn from p, sharpened; pages of 60 and 600 steps are kept among the weights.
"""

import collections
import re
import textwrap

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import recipes.datasets.spanish_sonnets  # noqa: F401

EPOCHS = 8
OBJECTIVE = ("val_bits_per_character", "min")
SPLITS = ["train[:85%]", "train[85%:90%]", "train[90%:]"]
END = "¶"  # before each poem and after it
LETTERS = "abcdefghijklmnopqrstuvwxyzáéíóúüñç"
ALPHABET = [
    "",
    "·",
    END,
    *"\n !\"'(),-.:;?¡¿«»",
    *LETTERS,
    *LETTERS.upper(),
]  # filling-up; all other characters
WORDS = re.compile(r"[^\W\d_]+").findall
MOMENTS, PAGE = (60, 600), 280  # steps after which a sample is kept, and its characters


def poems(split):
    """The poems of a split, strings from one END to the other."""
    texts = (
        poem["text"].decode()
        for poem in tfds.load("spanish_sonnets", split=split).as_numpy_iterator()
    )
    return ["".join(c if c in ALPHABET else "·" for c in f"{END}{text}{END}") for text in texts]


def pieces(poem, length):
    """Codes of characters, of those that follow, and ones where something follows: (pieces, length) each."""
    codes = np.array([ALPHABET.index(c) for c in poem], "int32")
    codes = np.pad(codes, (0, -(len(codes) - 1) % length))
    x, y = codes[:-1].reshape(-1, length), codes[1:].reshape(-1, length)
    return x, y, (y > 0).astype("float32")


def load_data(batch_size=32, length=128):
    """Train batches of pieces of poems: codes, those that follow, weights. Validation and test: each poem whole."""
    sets = []
    for split, size in zip(SPLITS, (length, 700, 700), strict=True):
        parts = zip(*(pieces(poem, size) for poem in poems(split)), strict=True)
        sets.append(tf.data.Dataset.from_tensor_slices(tuple(map(np.concatenate, parts))))
    train, validation, test = sets
    return train.shuffle(20_000).batch(batch_size), validation.batch(64), test.batch(64)


@keras.saving.register_keras_serializable(package="char_rnn")
def bits_per_character(y, probabilities):
    return keras.losses.sparse_categorical_crossentropy(y, probabilities) / np.log(2)


@keras.saving.register_keras_serializable(package="char_rnn")
class Notebook(keras.layers.Layer):
    """Passes on what comes; keeps pages of text (codes), one for each of MOMENTS, with the weights of the model."""

    def build(self, input_shape):
        self.pages = self.add_weight(
            (len(MOMENTS), PAGE), "zeros", dtype="int32", trainable=False, name="pages"
        )
        self.built = True

    def call(self, inputs):
        return inputs


class Writing(keras.callbacks.Callback):
    """At certain steps of the training, has the model write a page of its notebook."""

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.optimizer.iterations)
        if step in MOMENTS:
            pages = np.array(self.model.get_layer("notebook").pages)
            codes = [ALPHABET.index(c) for c in written(self.model)]
            pages[MOMENTS.index(step), : len(codes)] = codes
            self.model.get_layer("notebook").pages.assign(pages)


def callbacks():
    """What `fit` needs besides Keras' own."""
    return [Writing()]


def build_model(units=256, embedding=32, dropout=0.2, learning_rate=0.01, steps=EPOCHS * 321):
    """The compiled network: codes (length,) to probabilities of what follows (length, 88). 248,152 to train."""
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(len(ALPHABET), embedding, name="embedding"),
            keras.layers.GRU(units, return_sequences=True, name="gru"),
            keras.layers.Dropout(dropout),
            Notebook(name="notebook"),
            keras.layers.Dense(len(ALPHABET), activation="softmax", name="head"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    muon = keras.optimizers.Muon(
        schedule, exclude_layers=["head", "bias"], clipnorm=1.0
    )  # a GRU's bias has two axes
    loss = keras.losses.SparseCategoricalCrossentropy(
        reduction="mean_with_sample_weight"
    )  # filling-up does not count
    model.compile(muon, loss, weighted_metrics=[bits_per_character])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Choice("units", [128, 256, 512, 1024], default=256),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.2),
        "learning_rate": hp.Choice("learning_rate", [0.003, 0.006, 0.01, 0.02], default=0.01),
        "batch_size": hp.Choice("batch_size", [16, 32, 64], default=32),
        "length": hp.Choice("length", [64, 128, 256], default=128),
    }


def written(model, length=PAGE, temperature=0.7, seed=0):
    """A poem's beginning, drawn character by character; it may end before `length`."""
    embedding, cell, head = (
        model.get_layer("embedding"),
        model.get_layer("gru").cell,
        model.get_layer("head"),
    )
    rng, code, state, text = (
        np.random.default_rng(seed),
        ALPHABET.index(END),
        np.zeros((1, cell.units), "float32"),
        "",
    )
    for _ in range(length):
        state, _ = cell(embedding(np.array([code])), [state])
        p = keras.ops.convert_to_numpy(head(state))[0].astype("float64")
        p[:2] = 0  # nothing to be filled up here, and no unknown characters
        p = (p / p.max()) ** (1 / temperature)
        code = rng.choice(len(p), p=p / p.sum())
        text += ALPHABET[code]
    return text.partition(END)[0]


def ngram_bits(train, test, most=6):
    """Bits per character of `test` by counts of up to `most` characters in a row in `train` (Witten & Bell)."""
    counts, bits = collections.defaultdict(collections.Counter), 0.0
    for poem in train:
        for i in range(1, len(poem)):
            for start in range(max(i - most + 1, 0), i + 1):
                counts[poem[start:i]][poem[i]] += 1
    seen = {context: (following.total(), len(following)) for context, following in counts.items()}
    for poem in test:
        for i in range(1, len(poem)):
            p = 1 / (len(ALPHABET) - 1)
            for start in range(i, max(i - most, -1), -1):
                total, different = seen.get(poem[start:i], (0, 0))
                if total:
                    p = (counts[poem[start:i]][poem[i]] + different * p) / (total + different)
            bits -= np.log2(p)
    return bits / sum(len(poem) - 1 for poem in test)


def baseline(train, test):
    """Counts of six characters in a row, mixed with those of fewer."""
    return {"bits_per_character": ngram_bits(poems(SPLITS[0]), poems(SPLITS[2]))}


def draw_surprise(model, poem):
    """A poem, each character on a ground that is the darker the less it was expected."""
    x, y, _ = pieces(poem, len(poem) - 1)
    bits = -np.log2(np.take_along_axis(model.predict(x, verbose=0), y[..., None], -1)[0, :, 0])
    places = [
        (row, column)
        for row, line in enumerate(poem[1:-1].split("\n"))
        for column in range(len(line) + 1)
    ]
    ground = np.full(np.max(places, axis=0) + 1, np.nan)
    figure, axis = plt.subplots(figsize=(9, 0.3 * len(ground) + 1.2), layout="constrained")
    for (row, column), c, value in zip(places, poem[1:], bits, strict=True):
        ground[row, column] = value
        axis.text(
            column,
            row,
            c if c not in "\n" + END else "",
            ha="center",
            va="center",
            family="monospace",
        )
    figure.colorbar(
        axis.imshow(ground, cmap="Oranges", vmin=0, vmax=12, aspect="auto"), label="bits"
    )
    axis.set(
        title=f"Where a poem never seen surprises: {bits.mean():.2f} bits a character",
        xticks=[],
        yticks=[],
    )
    return figure


def figures(model, test, history):
    """What it writes at three moments of its training; what surprises it in a poem it does not know."""
    known = {word for poem in poems(SPLITS[0]) for word in WORDS(poem.lower())}
    texts = [
        "".join(ALPHABET[code] for code in page)
        for page in np.array(model.get_layer("notebook").pages)
    ]
    texts.append(max((written(model, seed=seed) for seed in range(5)), key=len))
    samples, axes = plt.subplots(1, len(texts), figsize=(13.5, 3.3), layout="constrained")
    for axis, text, when in zip(
        axes, texts, [*(f"After {step} steps" for step in MOMENTS), "At the end"], strict=True
    ):
        axis.set_title(
            f"{when}: {np.mean([word in known for word in WORDS(text.lower())] or [0]):.0%} real words"
        )
        lines = [part for line in text.split("\n") for part in textwrap.wrap(line, 50) or [""]]
        axis.text(0, 1, "\n".join(lines[:14]), va="top", family="serif", parse_math=False)
        axis.axis("off")
    return {"samples": samples, "surprise": draw_surprise(model, poems(SPLITS[2])[0])}


def main():
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    model.fit(
        train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=callbacks()
    )
    print(model.evaluate(test, return_dict=True), written(model, length=600), sep="\n")
    model.save("char_rnn.keras")


if __name__ == "__main__":
    main()

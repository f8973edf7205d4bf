"""Transformer: English to Spanish on 118,964 pairs of sentences, by greedy and by beam search.

Slides: 001 «Attention is all you need», 001 «Fase encoder», 001 «Fase decoder», 001 «Decoder», 001 «Entrenamiento».
Paper:  Vaswani et al. (2017), https://arxiv.org/abs/1706.03762; BLEU: Post (2018), https://arxiv.org/abs/1804.08771
Departs from the paper: small; words instead of pieces of words; normalisation before each sub-layer, not after it.
The slides normalise by batch; a Transformer does it by layer. They give the encoder's keys and values to the masked
attention, but that one sees only what has been written; the second one reads the encoder. They call Stable Diffusion a
modified Transformer: it is a U-Net that has borrowed attention.
In training the decoder is told the true words so far and says the next one, at all places at once (teacher forcing); in
use it has only its own. Words that the vocabulary lacks are all read as one, "[UNK]", which is never written.
"""

import re
from collections import Counter
from itertools import product

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sacrebleu.metrics import BLEU

import recipes.datasets.spa_eng  # noqa: F401
from layers.transformer import Transformer

EPOCHS = 3
OBJECTIVE = ("val_bleu", "max")
LENGTH, SENTENCES = (
    25,
    500,
)  # most words to write; how many sentences of a set are translated for BLEU, the first
START, END = "[start]", "[end]"
METRIC = BLEU(
    lowercase=True, force=True
)  # of whole sentences as they were written, but for capital letters
LENGTHS = [6, 8, 10, 12, 15, 20]
PHRASES = [
    "I am a student.",
    "Where did you buy that red car?",
    "She didn't want to go to school yesterday.",
]


def load_data(batch_size=64):
    """Train, validation and test batches of strings: English and Spanish as input, the Spanish again as target."""
    sets = tfds.load("spa_eng", split=["train", "validation", "test"])
    order = lambda pair: ((pair["english"], pair["spanish"]), pair["spanish"])  # noqa: E731
    train, validation, test = (pairs.map(order) for pairs in sets)
    words = lambda pair, spanish: tf.size(tf.strings.split(separate(spanish)))  # noqa: E731
    train = train.cache().shuffle(
        120_000
    )  # sentences of a batch are about equally long: there is little padding
    train = train.bucket_by_sequence_length(words, LENGTHS, [batch_size] * (len(LENGTHS) + 1))
    return train.prefetch(8), validation.batch(250).cache(), test.batch(250)


@keras.saving.register_keras_serializable(package="transformer_translation")
def separate(text):
    """Lower case, and punctuation as words of its own."""
    return tf.strings.regex_replace(tf.strings.lower(text, "utf-8"), r"([¿?¡!.,;:\"\[\]])", r" \1 ")


@keras.saving.register_keras_serializable(package="transformer_translation")
def enclose(text):
    return tf.strings.join([START, separate(text), END], " ")


def texts(data, count=None):
    """The first English and Spanish strings of a set, as two arrays."""
    return np.concatenate([np.array(pair) for pair, _ in data.as_numpy_iterator()], axis=1)[
        :, :count
    ]


def split(strings):
    return [
        [word.decode() for word in line] for line in tf.strings.split(separate(strings)).to_list()
    ]


def bleu(translations, references):
    return METRIC.corpus_score(translations, [[text.decode() for text in references]]).score


@keras.saving.register_keras_serializable(package="transformer_translation")
class Translator(keras.Model):
    """(English, Spanish) strings to the logits of each next Spanish word; `sizes` are those of the Transformer."""

    def __init__(self, english, spanish, sizes, **kwargs):
        super().__init__(**kwargs)
        self.english = keras.layers.TextVectorization(standardize=separate, vocabulary=english)
        self.spanish = keras.layers.TextVectorization(standardize=enclose, vocabulary=spanish)
        self.transformer = Transformer(len(english) + 2, len(spanish) + 2, **sizes)
        self.config = {"english": english, "spanish": spanish, "sizes": sizes}
        self.words = ["", "[UNK]", *spanish]
        self.transformer.build()
        self.built = True

    def call(self, inputs, training=None):
        english, spanish = inputs
        return self.transformer(
            [self.english(english), self.spanish(spanish)[:, :-1]], training=training
        )

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        following = self.spanish(y)[:, 1:]
        return super().compute_loss(
            x, following, y_pred, tf.cast(following > 0, "float32"), training
        )

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        following = self.spanish(y)[:, 1:]
        return super().compute_metrics(x, following, y_pred, tf.cast(following > 0, "float32"))

    def write(self, english, width=1):
        """The numbers of the Spanish words, from [start] to [end]; greedily, or keeping `width` beginnings."""
        start, end = self.words.index(START), self.words.index(END)
        return self.transformer.generate(
            self.english(english), start, end, LENGTH, width, forbidden=[1, start]
        )

    def translate(self, english, width=1):
        """English strings to Spanish ones."""
        lines = (
            " ".join(self.words[n] for n in row[1:])
            for row in self.write(tf.constant(english), width)
        )
        return [
            re.sub("([¿¡]) ", r"\1", re.sub(" ([?!.,;:])", r"\1", line.split(END)[0].strip()))
            for line in lines
        ]

    def evaluate(self, x=None, *arguments, return_dict=False, **keywords):
        """Loss, accuracy of the next word after true ones, and BLEU."""
        scores = super().evaluate(x, *arguments, return_dict=True, **keywords)
        english, spanish = texts(x, SENTENCES)
        scores["bleu"] = bleu(self.translate(english), spanish)
        if not keywords.get("callbacks"):  # within `fit`, greedy search is enough
            scores["beam_bleu"] = bleu(self.translate(english, width=4), spanish)
        return scores if return_dict else list(scores.values())

    def get_config(self):
        return {**super().get_config(), **self.config}


@keras.saving.register_keras_serializable(package="transformer_translation")
class Deployed(Translator):
    def call(self, english, training=None):
        best = lambda strings: np.array(self.translate(strings, 4), "object")  # noqa: E731
        return tf.ensure_shape(tf.numpy_function(best, [english], tf.string), english.shape)


def deployed(model):
    """English sentences in, Spanish ones out, by beam search."""
    english, translator = keras.Input((), dtype="string"), Deployed(**model.get_config())
    translator.set_weights(model.get_weights())
    return keras.Model(english, translator(english))


def build_model(
    vocabulary=6000,
    features=128,
    blocks=2,
    dropout=0.1,
    learning_rate=0.002,
    steps=EPOCHS * 1677,
    train=None,
):
    """The compiled translator, which knows the most frequent words of `train` (by default, what `load_data` gives)."""
    strings = texts(load_data()[0] if train is None else train)
    counts = [Counter(word for line in split(each) for word in line) for each in strings]
    english, spanish = ([word for word, _ in count.most_common(vocabulary)] for count in counts)
    sizes = {
        "embed_dim": features,
        "num_heads": 4,
        "ff_dim": 4 * features,
        "depth": blocks,
        "dropout": dropout,
    }
    model = Translator(english, [START, END, *spanish], sizes)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=learning_rate, warmup_steps=steps // 10
    )
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    model.compile(keras.optimizers.Adam(schedule, beta_2=0.98), loss, weighted_metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning."""
    rate = hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.002)
    return {"blocks": hp.Int("blocks", 1, 4, default=2), "learning_rate": rate}


def baseline(train, test):
    """Word-by-word lookup: for each English word the Spanish one that most often keeps it company."""
    lines, counts, together = (
        [split(strings) for strings in texts(train)],
        [Counter(), Counter()],
        Counter(),
    )
    for pair in zip(*lines, strict=True):
        for count, words in zip(counts, pair, strict=True):
            count.update(set(words))
        together.update(product(*map(set, pair)))
    company = lambda link: (together[link] / (counts[0][link[0]] + counts[1][link[1]]), link)  # noqa: E731
    likeliest = dict(
        sorted(together, key=company)
    )  # of the Spanish words for an English one, the last stays
    english, spanish = texts(test, SENTENCES)
    return {
        "bleu": bleu(
            [" ".join(likeliest.get(word, word) for word in line) for line in split(english)],
            spanish,
        )
    }


def figures(model, test, history):
    """Where the decoder looks, and how it writes a sentence word by word."""
    attention, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    attention.suptitle(
        "Where the decoder looks as it writes each word (last block, mean of four heads)"
    )
    for axis, phrase in zip(axes, PHRASES[1:], strict=True):
        tokens, memory = (
            model.write(tf.constant([phrase])),
            model.transformer.encode(model.english([phrase])),
        )
        axis.imshow(
            np.mean(model.transformer.decode(tokens[:, :-1], *memory)[1][0], axis=0),
            cmap="Blues",
            vmin=0,
        )
        axis.set_xticks(range(memory[0].shape[1]), split([phrase])[0], rotation=60)
        axis.set_yticks(range(tokens.shape[1] - 1), [model.words[n] for n in tokens[0, 1:]])
    tokens, memory = (
        model.write(tf.constant(PHRASES[:1])),
        model.transformer.encode(model.english(PHRASES[:1])),
    )
    steps, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
    for t in range(1, tokens.shape[1]):
        chances = np.exp(model.transformer.next_log_probabilities(tokens[:, :t], *memory)[0])
        for rank, n in enumerate(np.argsort(-chances)[:4]):
            box = {"facecolor": plt.get_cmap("Blues")(0.6 * chances[n])}
            axis.text(
                t, rank, f"{model.words[n]}\n{chances[n]:.0%}", ha="center", va="center", bbox=box
            )
    axis.set(
        xlim=(0.5, tokens.shape[1] - 0.5),
        ylim=(3.6, -0.6),
        xticks=range(1, tokens.shape[1]),
        yticks=[],
    )
    axis.set(
        xlabel="step",
        title=f"«{PHRASES[0]}» word by word: the likeliest is taken, until it is {END}",
    )
    return {"attention": attention, "steps": steps}


def main():
    train, validation, test = load_data()
    model = build_model(train=train, steps=EPOCHS * sum(1 for _ in train))  # batches by length
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True), METRIC.get_signature())
    for line in zip(PHRASES, model.translate(PHRASES), model.translate(PHRASES, 4), strict=True):
        print("{} → {} (beam: {})".format(*line))
    model.save("transformer_translation.keras")


if __name__ == "__main__":
    main()

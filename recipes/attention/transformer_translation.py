"""Transformer: English-to-Spanish machine translation (seq2seq) by greedy search and beam search.

Slides: 001 «Attention is all you need», 001 «Fase encoder», 001 «Fase decoder», 001 «Decoder»,
        001 «Entrenamiento».
Paper:  Vaswani et al. (2017), https://arxiv.org/abs/1706.03762; BLEU: Post (2018),
        https://arxiv.org/abs/1804.08771
Departs from the paper: small; words instead of subwords; layer normalization before each sub-layer
(pre-norm), not after it. The slides have batch normalization; a Transformer has layer
normalization. In the slides the encoder's keys and values go to the masked attention. But masked
attention is self-attention over the target, with a causal mask; the encoder's keys and values go to
the cross-attention after it. The slides call Stable Diffusion a modified Transformer: it is a U-Net
with attention layers.

In training, the decoder's inputs are the true previous words, and it predicts the next word at all
positions at once (teacher forcing); at inference, its inputs are the words generated so far
(autoregressive decoding). All words outside the vocabulary become one token, "[UNK]", which is
never generated. Padding is masked in attention, loss and metric.
"""

import re
from collections import Counter
from itertools import product

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sacrebleu.metrics import BLEU

import recipes.datasets.spa_eng  # noqa: F401
from layers.transformer import Transformer
from recipes.common.arrays import to_numpy

EPOCHS = 3
OBJECTIVE = ("val_bleu", "max")
BOUNDARIES = [6, 8, 10, 12, 15, 20]  # sentences of similar length, in words, share a batch
MAX_LENGTH = 25  # maximum number of words to generate
BLEU_SENTENCES = 500  # sentences of a set, the first ones, translated for BLEU
BEAM_WIDTH = 4
START = "[start]"
END = "[end]"
CORPUS_BLEU = BLEU(lowercase=True, force=True)  # of unmodified sentences, ignoring case
PHRASES = [
    "I am a student.",
    "Where did you buy that red car?",
    "She didn't want to go to school yesterday.",
]


def load_data(batch_size=64):
    """Train, validation and test batches of ((English, Spanish), Spanish) strings.

    The Spanish sentence is both input, for teacher forcing, and target. Training sentences of
    similar length share a batch, so that there is little padding.
    """
    train, validation, test = tfds.load("spa_eng", split=["train", "validation", "test"])

    def inputs_and_target(pair):
        return (pair["english"], pair["spanish"]), pair["spanish"]

    def count_words(pair, spanish):
        return tf.size(tf.strings.split(standardize(spanish)))

    train = train.map(inputs_and_target).cache().shuffle(120_000)
    batch_sizes = [batch_size] * (len(BOUNDARIES) + 1)
    train = train.bucket_by_sequence_length(count_words, BOUNDARIES, batch_sizes)
    validation = validation.map(inputs_and_target).batch(250).cache()
    test = test.map(inputs_and_target).batch(250)
    return train.prefetch(8), validation, test


@keras.saving.register_keras_serializable(package="transformer_translation")
def standardize(text):
    """Lower case, and spaces around punctuation marks, so that each becomes a word."""
    lower = tf.strings.lower(text, "utf-8")
    return tf.strings.regex_replace(lower, r"([¿?¡!.,;:\"\[\]])", r" \1 ")


@keras.saving.register_keras_serializable(package="transformer_translation")
def standardize_target(text):
    """The same, between the start and end tokens."""
    return tf.strings.join([START, standardize(text), END], " ")


def tokenize(sentences):
    """Sentences (strings or bytes) as lists of words."""
    lines = tf.strings.split(standardize(sentences)).to_list()
    return [[word.decode() for word in line] for line in lines]


def detokenize(words):
    """The sentence of the words before END, without spaces around punctuation."""
    sentence = " ".join(words).split(END)[0].strip()
    sentence = re.sub(" ([?!.,;:])", r"\1", sentence)
    return re.sub("([¿¡]) ", r"\1", sentence)


def frequent_words(sentences, count):
    """The most frequent words of the sentences, at most `count`."""
    counts = Counter()
    for words in tokenize(sentences):
        counts.update(words)
    return [word for word, _ in counts.most_common(count)]


def bleu(translations, references):
    """BLEU, 0–100, of translations (strings) with one reference (bytes) each."""
    references = [reference.decode() for reference in references]
    return CORPUS_BLEU.corpus_score(translations, [references]).score


@keras.saving.register_keras_serializable(package="transformer_translation")
class Translator(keras.Model):
    """(English, Spanish) strings to the logits of each next Spanish word.

    Args:
        english_words: The source vocabulary, without padding and "[UNK]".
        spanish_words: The target vocabulary, including START and END.
        embed_dim, depth, dropout: Arguments of the Transformer.
    """

    def __init__(self, english_words, spanish_words, embed_dim, depth, dropout, **kwargs):
        super().__init__(**kwargs)
        self.config = {
            "english_words": english_words,
            "spanish_words": spanish_words,
            "embed_dim": embed_dim,
            "depth": depth,
            "dropout": dropout,
        }
        self.english_tokenizer = keras.layers.TextVectorization(
            standardize=standardize, vocabulary=english_words
        )
        self.spanish_tokenizer = keras.layers.TextVectorization(
            standardize=standardize_target, vocabulary=spanish_words
        )
        self.spanish_vocabulary = ["", "[UNK]", *spanish_words]
        self.transformer = Transformer(
            source_vocabulary_size=len(english_words) + 2,
            target_vocabulary_size=len(spanish_words) + 2,
            embed_dim=embed_dim,
            num_heads=4,
            ff_dim=4 * embed_dim,
            depth=depth,
            dropout=dropout,
        )
        self.transformer.build()
        self.built = True

    def call(self, inputs, training=None):
        english, spanish = inputs
        source = self.english_tokenizer(english)  # (batch, source_steps)
        target = self.spanish_tokenizer(spanish)[:, :-1]  # (batch, steps): START, then the words
        return self.transformer([source, target], training=training)

    def targets(self, spanish):
        """The tokens to predict, up to END, and their weights: 0 for padding."""
        tokens = self.spanish_tokenizer(spanish)[:, 1:]  # (batch, steps)
        return tokens, tf.cast(tokens > 0, "float32")

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        tokens, weights = self.targets(y)
        return super().compute_loss(x, tokens, y_pred, weights, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        tokens, weights = self.targets(y)
        return super().compute_metrics(x, tokens, y_pred, weights)

    def generate(self, english, beam_width=1):
        """Tokens of the translations, integers (batch, steps), from START to END."""
        return self.transformer.generate(
            self.english_tokenizer(english),
            start=self.spanish_vocabulary.index(START),
            stop=self.spanish_vocabulary.index(END),
            max_length=MAX_LENGTH,
            beam_width=beam_width,
            forbidden=[
                self.spanish_vocabulary.index("[UNK]"),
                self.spanish_vocabulary.index(START),
            ],
        )

    def translate(self, english, beam_width=1):
        """English strings to a list of Spanish ones; a beam of width 1 is greedy search."""
        translations = []
        for row in self.generate(tf.constant(english), beam_width):
            words = [self.spanish_vocabulary[token] for token in row[1:]]
            translations.append(detokenize(words))
        return translations

    def evaluate(self, x=None, *arguments, return_dict=False, **keywords):
        """Loss, next-word accuracy with teacher forcing, and BLEU of greedy and beam search."""
        scores = super().evaluate(x, *arguments, return_dict=True, **keywords)
        (english, spanish), _ = to_numpy(x)
        english = english[:BLEU_SENTENCES]
        spanish = spanish[:BLEU_SENTENCES]
        scores["bleu"] = bleu(self.translate(english), spanish)
        if not keywords.get("callbacks"):  # within `fit`, only greedy search
            scores["beam_bleu"] = bleu(self.translate(english, BEAM_WIDTH), spanish)
        return scores if return_dict else list(scores.values())

    def get_config(self):
        return {**super().get_config(), **self.config}


@keras.saving.register_keras_serializable(package="transformer_translation")
class Deployed(Translator):
    """English strings to Spanish strings, by beam search."""

    def call(self, english, training=None):
        def translate(sentences):
            return np.array(self.translate(sentences, BEAM_WIDTH), "object")

        spanish = tf.numpy_function(translate, [english], tf.string)
        return tf.ensure_shape(spanish, english.shape)


def deployed(model):
    """English sentences in, Spanish ones out, by beam search."""
    translator = Deployed(**model.get_config())
    translator.set_weights(model.get_weights())
    english = keras.Input((), dtype="string")
    return keras.Model(english, translator(english))


def build_model(
    vocabulary_size=6000,
    embed_dim=128,
    depth=2,
    dropout=0.1,
    learning_rate=0.002,
    steps=EPOCHS * 1677,
    train=None,
):
    """The compiled translator, with the most frequent words of `train` (default: of `load_data`).

    Learning-rate schedule: linear warmup for the first tenth of the training `steps`, then cosine
    decay to a tenth of the peak. (Decay to zero has a lower BLEU in validation.)
    """
    (english, spanish), _ = to_numpy(load_data()[0] if train is None else train)
    english_words = frequent_words(english, vocabulary_size)
    spanish_words = [START, END, *frequent_words(spanish, vocabulary_size)]
    model = Translator(english_words, spanish_words, embed_dim, depth, dropout)
    warmup = steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, alpha=0.1, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(schedule, beta_2=0.98),
        keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "depth": hp.Int("depth", 1, 4, default=2),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.002),
    }


def learn_dictionary(english, spanish):
    """For each English word, the Spanish word with the highest Dice coefficient.

    It is 2 n(e, s) / (n(e) + n(s)), where n(e, s) counts sentence pairs with both words, and n(e)
    and n(s) count sentences with either word: a measure of how often they occur together.
    """
    english_counts = Counter()
    spanish_counts = Counter()
    pair_counts = Counter()
    for source, target in zip(tokenize(english), tokenize(spanish), strict=True):
        english_counts.update(set(source))
        spanish_counts.update(set(target))
        pair_counts.update(product(set(source), set(target)))

    best = {}  # English word: (Dice coefficient, Spanish word)
    for (source, target), count in pair_counts.items():
        dice = 2 * count / (english_counts[source] + spanish_counts[target])
        best[source] = max(best.get(source, (0, "")), (dice, target))
    return {source: target for source, (_, target) in best.items()}


def baseline(train, test):
    """Word-by-word dictionary: each word becomes the one with the highest Dice coefficient."""
    (english, spanish), _ = to_numpy(train)
    dictionary = learn_dictionary(english, spanish)
    (english, spanish), _ = to_numpy(test)
    translations = []
    for words in tokenize(english[:BLEU_SENTENCES]):
        translations.append(" ".join(dictionary.get(word, word) for word in words))
    return {"bleu": bleu(translations, spanish[:BLEU_SENTENCES])}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    steps = EPOCHS * sum(1 for _ in train)  # the number of batches depends on the lengths
    model = build_model(steps=steps, train=train)
    best = keras.callbacks.ModelCheckpoint(
        "transformer_translation.keras", monitor="val_bleu", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("transformer_translation.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True), CORPUS_BLEU.get_signature())
    print("Word-by-word dictionary:", baseline(train, test))
    greedy = model.translate(PHRASES)
    beam = model.translate(PHRASES, BEAM_WIDTH)
    for phrase, first, second in zip(PHRASES, greedy, beam, strict=True):
        print(f"{phrase} → {first} (beam search: {second})")
    deployed(model).save("transformer_translation_deployed.keras")


if __name__ == "__main__":
    main()

"""Character-level language model: a GRU that writes Spanish sonnets, beside a 6-gram model.

Slides: 001 «Predicción de texto», «Generación de textos» (char-rnn, poets of the 27).
Paper:  Graves (2013), https://arxiv.org/abs/1308.0850; data: Ruiz Fabo et al. (2021),
        https://github.com/pruizf/disco; Karpathy (2015),
        https://karpathy.github.io/2015/05/21/rnn-effectiveness; Muon: Jordan et al. (2024),
        https://kellerjordan.github.io/posts/muon; baseline: Witten & Bell (1991),
        https://doi.org/10.1109/18.87000
Departs from the slides: sonnets in the public domain instead of poems of the Generation of '27,
many of which are still protected; a GRU instead of an LSTM; Muon, which needs fewer steps.

The network predicts the next character. `bits_per_character` is the mean of −log₂ p(next character)
over new poems: their size when compressed with the model. Training uses chunks of 128 characters;
validation and test use whole poems (chunks only for the few with over 700 characters). In each, the
initial state is zero. Poems are sampled autoregressively: each character is drawn from p at a
temperature, and is the next input.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import recipes.datasets.spanish_sonnets  # noqa: F401
from recipes.common.decoding import sample
from recipes.common.ngrams import NGramModel

EPOCHS = 8
OBJECTIVE = ("val_bits_per_character", "min")
SPLITS = ["train[:85%]", "train[85%:90%]", "train[90%:]"]
LONGEST = 700  # codes; longer poems are split into chunks in validation and test
END = "¶"  # before each poem and after it
PADDING = ""  # code 0
UNKNOWN = "·"  # code 1, for all characters that are not in ALPHABET
LETTERS = "abcdefghijklmnopqrstuvwxyzáéíóúüñç"
PUNCTUATION = "\n !\"'(),-.:;?¡¿«»"
ALPHABET = [PADDING, UNKNOWN, END, *PUNCTUATION, *LETTERS, *LETTERS.upper()]
CODES = {character: code for code, character in enumerate(ALPHABET)}
SAMPLE_LENGTH = 280  # characters


def load_poems(split):
    """The poems of a split: strings from one END to the other."""
    poems = []
    for poem in tfds.load("spanish_sonnets", split=split).as_numpy_iterator():
        poems.append(END + poem["text"].decode() + END)
    return poems


def encode(text):
    """The code of each character, (characters,) int32."""
    return np.array([CODES.get(character, CODES[UNKNOWN]) for character in text], "int32")


def chunks(poem, length):
    """Inputs, targets and weights of a poem's chunks, (chunks, length) each.

    Inputs and targets are codes; the target of each character is the next one. The last chunk is
    padded with zeros, whose weight is 0 instead of 1.
    """
    codes = encode(poem)
    padding = -(len(codes) - 1) % length
    codes = np.pad(codes, (0, padding))
    inputs = codes[:-1].reshape(-1, length)
    targets = codes[1:].reshape(-1, length)
    weights = (targets > 0).astype("float32")
    return inputs, targets, weights


def dataset(split, length):
    """The chunks of all poems of a split: pairs of inputs and targets, with weights."""
    inputs = []
    targets = []
    weights = []
    for poem in load_poems(split):
        poem_inputs, poem_targets, poem_weights = chunks(poem, length)
        inputs.append(poem_inputs)
        targets.append(poem_targets)
        weights.append(poem_weights)
    return tf.data.Dataset.from_tensor_slices(
        (np.concatenate(inputs), np.concatenate(targets), np.concatenate(weights))
    )


def load_data(batch_size=32, length=128):
    """Train, validation and test batches of (length,) codes, the next ones, and weights.

    The training set has chunks of poems; the others have whole poems, of up to LONGEST codes.
    """
    train = dataset(SPLITS[0], length)
    validation = dataset(SPLITS[1], LONGEST)
    test = dataset(SPLITS[2], LONGEST)
    return train.shuffle(20_000).batch(batch_size), validation.batch(64), test.batch(64)


@keras.saving.register_keras_serializable(package="char_rnn")
def bits_per_character(y_true, y_pred):
    """−log₂ of the probability of the true next character."""
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred) / np.log(2)


def build_model(units=256, embedding=32, dropout=0.2, learning_rate=0.01, steps=EPOCHS * 321):
    """The compiled network: codes (length,) to probabilities of the next ones (length, 88).

    248,152 parameters.
    """
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(len(ALPHABET), embedding, name="embedding"),
            keras.layers.GRU(units, return_sequences=True, name="gru"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(len(ALPHABET), activation="softmax", name="head"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    # Muon is for the matrices of hidden layers. A GRU's bias has two axes, too, and is excluded.
    optimizer = keras.optimizers.Muon(schedule, exclude_layers=["head", "bias"], clipnorm=1.0)
    # The mean over the characters without padding.
    loss = keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")
    model.compile(optimizer, loss, weighted_metrics=[bits_per_character])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "units": hp.Choice("units", [128, 256, 512, 1024], default=256),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.2),
        "learning_rate": hp.Choice("learning_rate", [0.003, 0.006, 0.01, 0.02], default=0.01),
        "batch_size": hp.Choice("batch_size", [16, 32, 64], default=32),
        "length": hp.Choice("length", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """6-gram language model (Witten–Bell)."""
    # The n-gram model has no code for padding, so codes are shifted by one.
    train_poems = [encode(poem) - 1 for poem in load_poems(SPLITS[0])]
    test_poems = [encode(poem) - 1 for poem in load_poems(SPLITS[2])]
    ngrams = NGramModel(train_poems, len(ALPHABET) - 1, order=6, smoothing="witten_bell")
    bits = -np.log2(ngrams.score(test_poems))
    return {"bits_per_character": float(bits.mean())}


def generate(model, temperatures, length=SAMPLE_LENGTH, seed=0):
    """Sample poems, one for each temperature, character by character.

    Returns:
        A list of strings of at most `length` characters; a poem may end earlier.
    """
    embedding = model.get_layer("embedding")
    cell = model.get_layer("gru").cell
    head = model.get_layer("head")
    rng = np.random.default_rng(seed)
    codes = np.full(len(temperatures), CODES[END])  # (poems,)
    state = np.zeros((len(temperatures), cell.units), "float32")  # (poems, units)
    texts = [""] * len(temperatures)
    for _ in range(length):
        state, _ = cell(embedding(codes), [state])
        probabilities = np.array(keras.ops.convert_to_numpy(head(state)))  # (poems, 88)
        probabilities[:, [CODES[PADDING], CODES[UNKNOWN]]] = 0
        codes = sample(probabilities, np.reshape(temperatures, (-1, 1)), rng)
        texts = [text + ALPHABET[code] for text, code in zip(texts, codes, strict=True)]
    return [text.partition(END)[0] for text in texts]


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "char_rnn.keras", monitor="val_bits_per_character", mode="min", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("char_rnn.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
    print(generate(model, temperatures=[0.7], length=2 * SAMPLE_LENGTH)[0])


if __name__ == "__main__":
    main()

"""NETtalk: letters become phonemes; a network of 80 hidden neurons learns to read English aloud.

Slides: 000 «NETtalk (1986/87)», «Historia 1987».
Paper:  Sejnowski & Rosenberg (1987), Parallel networks that learn to pronounce English text,
        Complex Systems 1, 145–168
Departs from the paper: the outputs are the probabilities of each phoneme and each stress, instead
of 26 articulatory features, which are mapped to the nearest phoneme (`nettalk`, with its defaults,
is that network); the training set is nine tenths of the dictionary, not the thousand most frequent
words; and the optimizer is Adam. The slide names another journal: its printed pages are those of
another paper.

The input is a window of seven letters, the output the phoneme of the middle one; a silent letter
has the phoneme `-`. Before training the output is babble; after an epoch vowels and consonants are
in their correct positions, and later words are pronounced correctly. The representation is
distributed over all weights: noise on them lowers the accuracy gradually.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import recipes.datasets.nettalk  # noqa: F401
from recipes.common.arrays import to_numpy
from recipes.common.snapshots import SnapshotCallback

EPOCHS = 8
OBJECTIVE = ("val_phoneme_accuracy", "max")
WINDOW = 7  # letters
LETTERS = " abcdefghijklmnopqrstuvwxyz.,"  # the blank pads words at both ends
# The phonemes in the corpus' notation, and in that of the International Phonetic Association.
IPA = {
    "-": "",
    "a": "ɑ",
    "b": "b",
    "c": "ɔ",
    "d": "d",
    "e": "eɪ",
    "f": "f",
    "g": "ɡ",
    "h": "h",
    "i": "i",
    "k": "k",
    "l": "l",
    "m": "m",
    "n": "n",
    "o": "oʊ",
    "p": "p",
    "r": "r",
    "s": "s",
    "t": "t",
    "u": "u",
    "v": "v",
    "w": "w",
    "x": "ə",
    "y": "j",
    "z": "z",
    "A": "aɪ",
    "C": "tʃ",
    "D": "ð",
    "E": "ɛ",
    "G": "ŋ",
    "I": "ɪ",
    "J": "dʒ",
    "K": "kʃ",
    "L": "əl",
    "M": "əm",
    "N": "ən",
    "O": "ɔɪ",
    "R": "ər",
    "S": "ʃ",
    "T": "θ",
    "U": "ʊ",
    "W": "aʊ",
    "X": "ks",
    "Y": "ju",
    "Z": "ʒ",
    "@": "æ",
    "!": "ts",
    "#": "ɡz",
    "*": "wʌ",
    "+": "wɑ",
    "^": "ʌ",
}
PHONEMES = "".join(IPA)
STRESSES = "<>012"
SAMPLE = "a network learns which sounds the letters of a word have"


def windows(word):
    """The indices of the seven letters around each letter of a word, (letters, 7)."""
    side = " " * (WINDOW // 2)
    numbers = [LETTERS.index(letter) for letter in side + word + side]
    return np.lib.stride_tricks.sliding_window_view(numbers, WINDOW)


def letters_and_sounds(words):
    """The network's inputs and targets for all words of a split.

    Returns:
        Integers (letters, 7), and a dictionary of the integers (letters,) of phonemes and stresses.
    """
    inputs = []
    phonemes = []
    stresses = []
    for row in words.as_numpy_iterator():
        inputs.append(windows(row["word"].decode()))
        phonemes.extend(PHONEMES.index(symbol) for symbol in row["phonemes"].decode())
        stresses.extend(STRESSES.index(symbol) for symbol in row["stress"].decode())
    targets = {"phoneme": np.array(phonemes), "stress": np.array(stresses)}
    return np.concatenate(inputs).astype("int32"), targets


def load_data(batch_size=256):
    """Train, validation and test batches of (7,) letters, with phoneme 0–50 and stress 0–4."""
    splits = tfds.load("nettalk", split=["train", "validation", "test"])
    train, validation, test = (
        tf.data.Dataset.from_tensor_slices(letters_and_sounds(words)) for words in splits
    )
    train = train.shuffle(200_000).batch(batch_size).prefetch(2)
    return train, validation.batch(1000), test.batch(1000)


def nettalk(letters, hidden=80, outputs=26, activation="sigmoid"):
    """The paper's layers, from the indices of 7 letters to its 26 features: 18,426 parameters.

    Args:
        letters: Integers (batch, 7).
        hidden: Number of hidden neurons; with 0 there is no hidden layer.
        outputs: Number of output neurons; with 0 there is no output layer.
        activation: Of both layers.
    """
    x = keras.ops.one_hot(letters, len(LETTERS))  # (batch, 7, 29)
    x = keras.layers.Flatten()(x)  # (batch, 203)
    if hidden:
        x = keras.layers.Dense(hidden, activation=activation)(x)
    if outputs:
        x = keras.layers.Dense(outputs, activation=activation)(x)
    return x


def build_model(hidden=80, learning_rate=0.01, steps=EPOCHS * 517):
    """The compiled network: (7,) letters to 51 phonemes and 5 stresses. 20,856 parameters.

    Args:
        hidden: Number of hidden neurons; with 0 the network is a logistic regression.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Of the whole training.
    """
    letters = keras.Input((WINDOW,), dtype="int32")
    x = nettalk(letters, hidden, outputs=0)
    phoneme = keras.layers.Dense(len(PHONEMES), activation="softmax", name="phoneme")(x)
    stress = keras.layers.Dense(len(STRESSES), activation="softmax", name="stress")(x)
    model = keras.Model(letters, {"phoneme": phoneme, "stress": stress})
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics={"phoneme": "accuracy", "stress": "accuracy"},
    )
    return model


def pronounced(model, text=SAMPLE):
    """The network's pronunciation of a text, in the phonetic alphabet."""
    words = text.split()
    letters = np.concatenate([windows(word) for word in words])
    answers = model.predict(letters, batch_size=1000, verbose=0)["phoneme"].argmax(axis=-1)
    sounds = [IPA[PHONEMES[number]] for number in answers]
    said = []
    for word in words:
        said.append("".join(sounds[: len(word)]))
        sounds = sounds[len(word) :]
    return " ".join(said)


def callbacks():
    """Records the sample's pronunciation before training and after each epoch, for the figures."""
    return [SnapshotCallback(pronounced)]


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "hidden": hp.Choice("hidden", [0, 40, 80, 120, 240], default=80),
        "learning_rate": hp.Float(
            "learning_rate", 0.0025, 0.04, step=2, sampling="log", default=0.01
        ),
        "batch_size": hp.Choice("batch_size", [128, 256, 512], default=256),
    }


def most_frequent(inputs, targets, count):
    """The most frequent class for each letter in the middle of a window: (29,).

    Args:
        inputs: Integers (letters, 7).
        targets: Integers (letters,), below `count`.
    """
    table = np.zeros((len(LETTERS), count), int)
    np.add.at(table, (inputs[:, WINDOW // 2], targets), 1)
    return table.argmax(axis=1)


def baseline(train, test):
    """The most frequent phoneme and stress of each letter."""
    inputs, targets = to_numpy(train)
    test_inputs, test_targets = to_numpy(test)
    scores = {}
    for name, count in (("phoneme", len(PHONEMES)), ("stress", len(STRESSES))):
        by_letter = most_frequent(inputs, targets[name], count)
        answers = by_letter[test_inputs[:, WINDOW // 2]]
        scores[f"{name}_accuracy"] = np.mean(answers == test_targets[name])
    return scores


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    print("Before the training:", pronounced(model))
    best = keras.callbacks.ModelCheckpoint(
        "nettalk.keras", monitor="val_phoneme_accuracy", mode="max", save_best_only=True
    )
    model.fit(
        train,
        validation_data=validation,
        epochs=EPOCHS,
        shuffle=False,
        callbacks=[*callbacks(), best],
    )
    model = keras.saving.load_model("nettalk.keras")  # the best epoch
    print("After it:", pronounced(model))
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()

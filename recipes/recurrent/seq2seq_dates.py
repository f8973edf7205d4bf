"""Sequence to sequence (encoder–decoder): two LSTMs translate dates in words to ISO dates.

Slides: 002 «Modelado muchos:muchos (codificador–decodificador)».
Paper:  Sutskever, Vinyals & Le (2014), Sequence to sequence learning with neural networks,
        https://arxiv.org/abs/1409.3215; Cho et al. (2014), Learning phrase representations using
        RNN encoder–decoder, https://arxiv.org/abs/1406.1078 (the code is an input of the decoder
        at every step, as here)
Departs from the papers: an output always has ten characters, so the decoder needs no end token, and
its earlier outputs are not fed back (no teacher forcing).

The encoder reads "martes, 3 de mayo de 2033" character by character and returns one vector, the
code. The decoder generates "2033-05-03" from the code alone. The variants differ in the size of the
code, the bottleneck of every encoder–decoder without attention. No day of the test set occurs in
training in any format. The dates are generated.

For your own dates, one per line:

    make predict-seq2seq-dates/code_128 FILES="dates.txt"
"""

import datetime

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import OneHotEncoder

from recipes.common.arrays import to_numpy

EPOCHS = 3
OBJECTIVE = ("val_exact", "max")
VARIANTS = {
    "code_128": {},
    "code_16": {"code": 16},
    "code_4": {"code": 4},
}
DAYS = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"]
MONTHS = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
]
FORMATS = (
    "{day} de {month} de {year}",
    "{weekday}, {day} de {month} de {year}",
    "{day} {month:.3} {year}",
    "{month} {day}, {year}",
    "{day:02}/{number:02}/{year}",
    "{day}-{number}-{year}",
)
FIRST = datetime.date(1900, 1, 1)
LAST = datetime.date(2099, 12, 31)
LENGTH = 35  # characters of the longest date, "miércoles, 30 de septiembre de 2026"
READ = sorted(set("".join(DAYS + MONTHS)) | set("0123456789 ,/-"))  # characters of the inputs
WRITTEN = "0123456789-"  # characters of the outputs


def written(date, form):
    """A date in one of the FORMATS, in Spanish.

    >>> written(datetime.date(1999, 5, 3), FORMATS[1])
    'lunes, 3 de mayo de 1999'
    """
    return form.format(
        day=date.day,
        weekday=DAYS[date.weekday()],
        month=MONTHS[date.month - 1],
        number=date.month,
        year=date.year,
    )


def sample(days, count, seed):
    """Dates in words and their ISO form, drawn with replacement.

    Args:
        days: Numbers of the days to draw from; 0 is the first of January 1900.
        count: Number of dates.
        seed: Seed of the random numbers.

    Returns:
        Two lists of strings.
    """
    rng = np.random.default_rng(seed)
    texts = []
    answers = []
    for day, form in zip(rng.choice(days, count), rng.choice(FORMATS, count), strict=True):
        date = FIRST + datetime.timedelta(days=int(day))
        texts.append(written(date, form))
        answers.append(date.isoformat())
    return texts, answers


def reader():
    """The layer that turns strings (batch,) into character indices (batch, 35); 0 is padding."""
    return keras.layers.TextVectorization(
        standardize="lower", split="character", output_sequence_length=LENGTH, vocabulary=READ
    )


def symbols(answers):
    """ISO dates as the indices of their characters in WRITTEN, (count, 10)."""
    rows = []
    for answer in answers:
        rows.append([WRITTEN.index(character) for character in answer])
    return np.array(rows, "int32")


def load_data(batch_size=64, count=20_000):
    """Train, validation and test batches of (35,) input and (10,) output character indices.

    A tenth of all days is reserved for validation, another tenth for the test.
    """
    days = np.random.default_rng(0).permutation((LAST - FIRST).days + 1)
    tenth = len(days) // 10
    parts = (
        (days[2 * tenth :], count, 1),
        (days[tenth : 2 * tenth], 2000, 2),
        (days[:tenth], 5000, 3),
    )
    read = reader()
    sets = []
    for part, size, seed in parts:
        texts, answers = sample(part, size, seed)
        sets.append(tf.data.Dataset.from_tensor_slices((read(texts), symbols(answers))))
    train, validation, test = sets
    return train.shuffle(count).batch(batch_size), validation.batch(500), test.batch(500)


@keras.saving.register_keras_serializable(package="seq2seq_dates")
def exact(symbols, probabilities):
    """Whether all ten characters are correct: (batch,)."""
    likeliest = keras.ops.argmax(probabilities, axis=-1)  # (batch, 10)
    right = keras.ops.equal(likeliest, keras.ops.cast(symbols, likeliest.dtype))
    return keras.ops.cast(keras.ops.all(right, axis=-1), "float32")


def build_sequential(embed_dim, code, units):
    """Encoder and decoder as a list of layers."""
    return keras.Sequential(
        [
            keras.Input((LENGTH,), dtype="int32"),
            keras.layers.Embedding(len(READ) + 2, embed_dim, mask_zero=True),
            keras.layers.LSTM(code, name="encoder"),
            keras.layers.RepeatVector(len("1999-05-03")),
            keras.layers.LSTM(units, return_sequences=True, name="decoder"),
            keras.layers.Dense(len(WRITTEN), activation="softmax"),
        ]
    )


def build_functional(embed_dim, code, units):
    """The same network as a chain of function calls."""
    characters = keras.Input((LENGTH,), dtype="int32")
    # Padding, 0, is masked: it does not change the encoder's state.
    x = keras.layers.Embedding(len(READ) + 2, embed_dim, mask_zero=True)(characters)
    x = keras.layers.LSTM(code, name="encoder")(x)  # (batch, code)
    x = keras.layers.RepeatVector(len("1999-05-03"))(x)  # (batch, 10, code)
    x = keras.layers.LSTM(units, return_sequences=True, name="decoder")(x)
    outputs = keras.layers.Dense(len(WRITTEN), activation="softmax")(x)
    return keras.Model(characters, outputs)


def build_model(
    api="functional",
    embed_dim=32,
    code=128,
    units=128,
    learning_rate=0.004,
    steps=EPOCHS * 313,
):
    """The compiled network: (35,) characters to probabilities (10, 11). 216,683 parameters.

    Args:
        api: `"functional"` or `"sequential"`: the same network.
        embed_dim: Dimensions of the character embeddings.
        code: Number of units of the encoder, the size of the code.
        units: Number of units of the decoder.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    build = build_sequential if api == "sequential" else build_functional
    model = build(embed_dim, code, units)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule, clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", exact],
    )
    return model


@keras.saving.register_keras_serializable(package="seq2seq_dates")
class Write(keras.layers.Layer):
    """Probabilities (batch, 10, 11) to strings (batch,) of the most probable characters."""

    def call(self, probabilities):
        characters = tf.gather(tf.constant(list(WRITTEN)), tf.argmax(probabilities, axis=-1))
        return tf.strings.reduce_join(characters, axis=-1)

    def compute_output_spec(self, probabilities):
        return keras.KerasTensor(probabilities.shape[:1], "string")


def deployed(model):
    """The network from strings to strings: "3 de mayo de 1999" to "1999-05-03"."""
    texts = keras.Input((), dtype="string")
    return keras.Model(texts, Write()(model(reader()(texts))))


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "embed_dim": hp.Int("embed_dim", 16, 64, step=16, default=32),
        "code": hp.Choice("code", [4, 8, 16, 32, 64, 128, 256], default=128),
        "units": hp.Int("units", 64, 256, step=64, default=128),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.002, 0.004, 0.008], default=0.004),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """Ridge classifiers on the characters at their places of 5,000 dates."""
    # One classifier for each character of the output.
    texts, answers = to_numpy(train.unbatch().take(5000).batch(500))
    test_texts, test_answers = to_numpy(test)
    encoder = OneHotEncoder(handle_unknown="ignore").fit(texts)
    rows = encoder.transform(texts)
    test_rows = encoder.transform(test_texts)
    right = np.ones(test_answers.shape, bool)
    for place in range(answers.shape[1]):
        # The hyphens are constant and need no classifier.
        found = answers[0, place]
        if len(np.unique(answers[:, place])) > 1:
            classifier = RidgeClassifier().fit(rows, answers[:, place])
            found = classifier.predict(test_rows)
        right[:, place] = found == test_answers[:, place]
    return {"exact": right.all(axis=1).mean(), "accuracy": right.mean()}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        path = f"seq2seq_dates_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_exact", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print("Ridge classifiers on the characters:", baseline(train, test))
        deployed(model).save(f"seq2seq_dates_{name}_deployed.keras")


if __name__ == "__main__":
    main()

"""GPT on Don Quijote: the next character, by a Transformer, an LSTM of the same size and counts of n-grams.

Slides: 001 «GPT2», 001 «GPT3», 000 «ChatGPT», 000 «GPT-4».
Paper:  Radford et al. (2018), Improving language understanding by generative pre-training; counts: Kneser & Ney (1995),
        https://doi.org/10.1109/ICASSP.1995.479394; optimizer: Jordan et al. (2024), https://kellerjordan.github.io/posts/muon
Departs from the papers: characters instead of pieces of words, 0.6 million weights instead of 117 million, Muon (needs
fewer steps) instead of Adam. The 175,000 million on the slides are more of the same: blocks in which nobody sees ahead.

All are scored in bits per character, −log₂ p(next), on chapters that they were not trained on: 2 bits mean as unsure as
between four characters that are equally likely. Scored windows overlap, and only their second half counts: each
character is guessed from the 33 to 64 before it. Line breaks, which fill the lines of the file, are taken for spaces.
"""

import math
import textwrap

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import recipes.datasets.don_quijote  # noqa: F401
from layers.positional_encoding import PositionalEncoding
from layers.transformer import TransformerEncoder

EPOCHS = 3
OBJECTIVE = ("val_bits_per_character", "min")
VARIANTS = {"gpt": {"network": "gpt"}, "lstm": {"network": "lstm"}}
CHARACTERS = "� !\"'(),-.:;?ABCDEFGHIJLMNOPQRSTUVXYZabcdefghijlmnopqrstuvxyz¡«»¿ÁÉÍÓÚáéíñóúü—"
CONTEXT, WRITTEN = 64, 200  # characters before the guessed one, and of a sample


def encode(text):
    """The number of each character, 0 for any that is not known."""
    numbers = {character: number for number, character in enumerate(CHARACTERS)}
    return np.array([numbers.get(character, 0) for character in text])


def decode(numbers):
    return "".join(CHARACTERS[number] for number in numbers)


def read():
    """The characters, as numbers, of chapters to train on, of others to validate with, and of others to test with."""
    splits = tfds.load("don_quijote", split=["train[:90%]", "train[90%:95%]", "train[95%:]"])
    chapters = [
        sorted(split.as_numpy_iterator(), key=lambda chapter: chapter["chapter"])
        for split in splits
    ]
    return [
        encode(" ".join(" ".join(c["text"].decode() for c in part).split())) for part in chapters
    ]


def load_data(batch_size=32, context=CONTEXT):
    """Batches of (context,) characters, those that follow each and, except to train on, which of these count."""
    train, *others = read()
    window = np.arange(context + 1)
    starts = tf.data.Dataset.random(seed=1, rerandomize_each_iteration=True).take(
        len(train) // context
    )
    batches = starts.batch(batch_size, drop_remainder=True).map(
        lambda start: start[:, None] % (len(train) - context)
    )
    batches = batches.map(lambda start: tf.gather(tf.constant(train), start + window))
    sets = [batches.map(lambda seen: (seen[:, :-1], seen[:, 1:])).prefetch(2)]
    for numbers in others:
        seen = numbers[np.arange(0, len(numbers) - context, context // 2)[:, None] + window]
        counts = np.broadcast_to(window[1:] > context // 2, seen[:, 1:].shape).astype("float32")
        sets.append(
            tf.data.Dataset.from_tensor_slices((seen[:, :-1], seen[:, 1:], counts)).batch(100)
        )
    return sets


@keras.saving.register_keras_serializable(package="gpt")
def bits_per_character(y_true, y_pred):
    """−log₂ of the probability of the character that came."""
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred) / math.log(2)


def build_model(
    network="gpt", width=128, blocks=3, dropout=0.0, learning_rate=0.006, steps=EPOCHS * 895
):
    """The compiled network: (characters,) numbers to the probabilities of what follows each.

    The rate climbs for a tenth of `steps`, then falls in a cosine. Muon trains 2-D kernels, AdamW the 3-D of attention.
    """
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(len(CHARACTERS), width)(inputs)
    if network == "gpt":
        x = PositionalEncoding()(
            keras.layers.Rescaling(width**0.5)(x)
        )  # else the waves drown the characters
        block = {"num_heads": 4, "ff_dim": 4 * width, "dropout": dropout, "causal": True}
        for _ in range(blocks):
            x = TransformerEncoder(
                **block, kernel_initializer=keras.initializers.RandomNormal(stddev=width**-0.5)
            )(x)
        x = keras.layers.LayerNormalization()(x)
    else:
        x = keras.layers.LSTM(round(2.51 * width), return_sequences=True)(
            x
        )  # about as many weights as three blocks
        x = keras.layers.Dropout(dropout)(x)
    model = keras.Model(
        inputs, keras.layers.Dense(len(CHARACTERS), activation="softmax", name="head")(x)
    )
    climb = {"warmup_target": learning_rate, "warmup_steps": steps // 10}
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps - steps // 10, **climb)
    model.compile(
        keras.optimizers.Muon(
            schedule, weight_decay=0.01, adam_beta_2=0.99, exclude_layers=["head"], clipnorm=1.0
        ),
        keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
        weighted_metrics=[
            keras.metrics.MeanMetricWrapper(bits_per_character, name="bits_per_character")
        ],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "width": hp.Int("width", 64, 256, step=64, default=128),
        "blocks": hp.Int("blocks", 1, 6, default=3),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3], default=0.0),
        "learning_rate": hp.Choice(
            "learning_rate", [0.002, 0.003, 0.004, 0.006, 0.008], default=0.006
        ),
    }


def ngrams(seen, new, order=8, discount=0.92):
    """p(character | the `order` before it) of each new character but the first few: interpolated Kneser–Ney.

    A part of each count goes to the guess from one character less, where not every occurrence counts, but every
    *different* context.
    """
    base = len(CHARACTERS)
    seen, new = (
        sum(part[order - j : len(part) - j].astype("int64") * base**j for j in range(order + 1))
        for part in (seen, new)
    )
    found, left = 0.0, 1.0
    for length in range(order, -1, -1):
        grams, counts = np.unique(seen, return_counts=True)
        contexts, which = np.unique(grams // base, return_inverse=True)
        total, kinds = np.bincount(which, counts), np.bincount(which)
        gram, context = (
            np.minimum(np.searchsorted(a, b), len(a) - 1)
            for a, b in ((grams, new), (contexts, new // base))
        )
        count, known = (
            np.where(grams[gram] == new, counts[gram], 0),
            contexts[context] == new // base,
        )
        found = found + left * known * np.maximum(count - discount, 0) / total[context]
        left = left * np.where(known, discount * kinds[context] / total[context], 1)
        seen, new = grams % base**length, new % base**length
    return found + left / base


def baseline(train, test):
    """Counts of nine characters in a row (Kneser–Ney)."""
    seen, _, new = read()
    return {"bits_per_character": -np.log2(ngrams(seen, new)).mean()}


def draw(probabilities, rng, temperature=1.0, top_k=None):
    """One number for each row, with probability ∝ p^(1 / temperature), from the `top_k` likeliest only."""
    scores = np.log(np.maximum(probabilities, 1e-30))
    if top_k is not None:
        scores = np.where(scores < np.sort(scores)[:, -top_k, None], -np.inf, scores)
    return np.argmax(scores + temperature * rng.gumbel(size=scores.shape), axis=-1)


def generate(model, prompts, length, temperature=0.8, top_k=None, seed=0):
    """Continues prompts, all of one length, by `length` characters; `temperature` is one number or (prompts, 1)."""
    rng, given = np.random.default_rng(seed), np.array([encode(prompt) for prompt in prompts])
    numbers = np.pad(
        given, ((0, 0), (0, max(length, CONTEXT)))
    )  # nobody sees the zeros: they come after
    predict = tf.function(model).get_concrete_function(
        tf.TensorSpec((len(given), CONTEXT), "int32")
    )
    for now in range(given.shape[1], given.shape[1] + length):
        start = max(0, now - CONTEXT)
        after = predict(tf.constant(numbers[:, start : start + CONTEXT], "int32"))[
            :, now - 1 - start
        ]
        numbers[:, now] = draw(after.numpy(), rng, temperature, top_k)
    return [decode(row) for row in numbers[:, : given.shape[1] + length]]


def figures(models, test, histories):
    """How much each further character helps, and what the networks write."""
    context, axis = plt.subplots(figsize=(9, 5), layout="constrained")
    for name, model in models.items():
        windows = [(y.numpy()[..., None], model.predict_on_batch(x)) for x, y, _ in test]
        bits = np.concatenate(
            [-np.log2(np.take_along_axis(p, y, -1)[..., 0]) for y, p in windows]
        ).mean(0)
        first = np.unique(np.geomspace(1, len(bits), 15).astype(int)) - 1
        ends = np.append(first[1:], len(bits))
        axis.plot(
            (first + ends + 1) / 2,
            np.add.reduceat(bits, first) / (ends - first),
            "o-",
            label=name.upper(),
        )
    seen, _, new = read()
    orders = range(1, 9)
    axis.plot(
        orders,
        [-np.log2(ngrams(seen, new, order)).mean() for order in orders],
        "s--",
        c="0.4",
        label="counts",
    )
    axis.set(xscale="log", xlabel="characters seen before", ylabel="bits per character")
    axis.set_xticks(2 ** np.arange(7), 2 ** np.arange(7))
    axis.set_title("How much it helps to have seen one character more")
    axis.legend()

    written, axes = plt.subplots(1, 2, figsize=(10.5, 7), layout="constrained")
    heat, prompt = (0.0, 0.5, 0.8, 1.0, 1.2), "Respondió Sancho: "
    for axis, (name, model) in zip(axes, models.items(), strict=True):
        samples = generate(model, [prompt] * len(heat), WRITTEN, np.array(heat)[:, None])
        samples = [
            f"temperature {t}\n" + textwrap.fill(sample, 58)
            for t, sample in zip(heat, samples, strict=True)
        ]
        few = textwrap.fill(generate(model, [prompt], WRITTEN, temperature=1.0, top_k=5)[0], 58)
        text = "\n\n".join([*samples, f"temperature 1, of the five likeliest\n{few}"])
        axis.text(0, 1, text, va="top", family="monospace", fontsize=10, transform=axis.transAxes)
        axis.set_title(f"{name.upper()} goes on after «{prompt}»", loc="left")
        axis.axis("off")
    return {"context": context, "samples": written}


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"gpt_{name}.keras")


if __name__ == "__main__":
    main()

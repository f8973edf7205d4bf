"""Code completion: a small GPT goes on with Python functions; how many of them compile, beside counts of tokens?

Slides: 002 «Copilot».
Paper:  Chen et al. (2021), Evaluating large language models trained on code, https://arxiv.org/abs/2107.03374
Departs from both: it learns from functions of a small grammar, not from the code of the world, and no words tell what a
function is for.

A half of a function is given; the network writes token by token until it says that the function ends. `right` is the
share of the results that compile and read no name that was never set. To get there it must close brackets, keep to the
indentation of a block and go back to names that it has seen long before. Counts see the last few tokens only.
"""

import collections
import textwrap

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from layers.positional_encoding import PositionalEncoding
from layers.transformer import TransformerEncoder
from recipes.datasets.python_functions import TOKENS, as_code, functions, problem

EPOCHS = 3
OBJECTIVE = ("val_right", "max")
LENGTH, GIVEN = (
    64,
    100,
)  # most tokens of a function; how many functions of a set are completed, the first


def load_data(batch_size=32, examples=16_000):
    """Train, validation and test batches of (63,) numbers of tokens, of those that follow, and what of these counts."""
    sets = []
    for seed, count in enumerate((examples, 1000, 1000)):
        rows = np.zeros((count, LENGTH), "int32")
        for row, tokens in zip(rows, functions(count, LENGTH, seed), strict=True):
            row[: len(tokens)] = [TOKENS.index(token) for token in tokens]
        x, y = rows[:, :-1], rows[:, 1:]
        sets.append(tf.data.Dataset.from_tensor_slices((x, y, (y > 0).astype("float32"))))
    train, validation, test = sets
    return train.shuffle(examples).batch(batch_size), validation.batch(100), test.batch(100)


def starts(data, count=GIVEN):
    """The first half of the tokens of the first functions of a set, as lists of numbers."""
    rows = np.concatenate([x for x, _, _ in data.as_numpy_iterator()])[:count]
    return [row[: np.count_nonzero(row) // 2] for row in rows]


def complete(guess, given, temperature=0.5, seed=0):
    """Goes on with lists of numbers up to END or LENGTH tokens. Returns lists of tokens, without END.

    `guess` is told the numbers so far, (functions, tokens), and gives the probabilities of each next one; one is drawn
    with probability ∝ p^(1 / temperature).
    """
    rng, first, end = np.random.default_rng(seed), min(map(len, given)), TOKENS.index("END")
    rows = np.array([np.pad(row, (0, LENGTH - len(row))) for row in given])
    for now in range(first, LENGTH):
        scores = np.log(np.maximum(guess(rows[:, :now]), 1e-30)) / temperature
        drawn = 1 + (scores + rng.gumbel(size=scores.shape))[:, 1:].argmax(
            -1
        )  # the first token only fills up
        rows[:, now] = np.where(rows[:, now] > 0, rows[:, now], drawn)
        if np.all(np.any(rows == end, axis=1)):
            break
    words = [[TOKENS[number] for number in row if number] for row in rows]
    return [row[: row.index("END")] if "END" in row else row for row in words]


def share_right(guess, given, temperature=0.5):
    """The share of the completed functions that compile, and read only names that are set."""
    completed = complete(guess, given, temperature)
    return sum(problem(as_code(tokens)) is None for tokens in completed) / len(completed)


@keras.saving.register_keras_serializable(package="code_completion")
class Completer(keras.Model):
    """Numbers of tokens to the probabilities of what follows each."""

    def guess(self, rows):
        return self.predict_on_batch(rows)[:, -1]

    def evaluate(self, x=None, *arguments, return_dict=False, **keywords):
        """Loss, accuracy of the next token, and the share of completed functions that are right."""
        scores = super().evaluate(x, *arguments, return_dict=True, **keywords)
        scores["right"] = share_right(self.guess, starts(x))
        return scores if return_dict else list(scores.values())


def build_model(width=96, blocks=3, dropout=0.0, learning_rate=0.003, steps=EPOCHS * 500):
    """The compiled network: numbers of tokens (length,) to the probabilities (length, 66) of each next one.

    347,298 parameters. The learning rate climbs for the first tenth of the training `steps`, then falls along a cosine.
    """
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(len(TOKENS), width)(inputs)
    x = PositionalEncoding()(
        keras.layers.Rescaling(width**0.5)(x)
    )  # else the waves drown the tokens
    for _ in range(blocks):
        start = keras.initializers.RandomNormal(stddev=width**-0.5)
        block = {
            "num_heads": 4,
            "ff_dim": 4 * width,
            "dropout": dropout,
            "kernel_initializer": start,
        }
        x = TransformerEncoder(**block, causal=True)(x)
    x = keras.layers.LayerNormalization()(x)
    model = Completer(inputs, keras.layers.Dense(len(TOKENS), activation="softmax")(x))
    climb = {"warmup_target": learning_rate, "warmup_steps": steps // 10}
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps - steps // 10, **climb)
    loss = keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")
    model.compile(
        keras.optimizers.Adam(schedule, beta_2=0.99, clipnorm=1.0),
        loss,
        weighted_metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "width": hp.Int("width", 32, 160, step=32, default=96),
        "blocks": hp.Int("blocks", 1, 4, default=3),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2], default=0.0),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.002, 0.003, 0.005], default=0.003),
    }


def counted(data, most=4):
    """A `guess` from counts: what has followed the last `most` tokens, or as many of them as have been seen."""
    after = collections.defaultdict(collections.Counter)
    for x, y, counts in data.as_numpy_iterator():
        for row, following, length in zip(x.tolist(), y.tolist(), counts.sum(-1), strict=True):
            for now in range(1, int(length) + 1):
                for start in range(max(0, now - most), now + 1):
                    after[tuple(row[start:now])][following[now - 1]] += 1

    def guess(rows):
        found = np.zeros((len(rows), len(TOKENS)))
        for row, seen in zip(found, rows.tolist(), strict=True):
            last = (tuple(seen[len(seen) - length :]) for length in range(most, -1, -1))
            counts = after[next(tokens for tokens in last if tokens in after)]
            row[list(counts)] = list(counts.values())
        return found / found.sum(-1, keepdims=True)

    return guess


def baseline(train, test):
    """Counts of up to five tokens in a row."""
    return {"right": share_right(counted(train), starts(test))}


def figures(model, test, history):
    """Functions completed by the network and by counts, and what the temperature does to both."""
    writers = {"GPT": model.guess, "counts of five tokens": counted(load_data()[0])}
    given = starts(test)
    shown = sorted(given, key=len)[-4:]
    samples, axes = plt.subplots(len(writers), 4, figsize=(14, 4.6), layout="constrained")
    for line, (name, guess) in zip(axes, writers.items(), strict=True):
        for axis, start, tokens in zip(line, shown, complete(guess, shown), strict=True):
            code, known = as_code(tokens), as_code([TOKENS[number] for number in start])
            found = problem(code)
            style = {"va": "top", "family": "monospace", "fontsize": 9, "parse_math": False}
            axis.text(0, 1, code, color="#D55E00" if found else "#009E73", **style)
            axis.text(0, 1, known, **style)
            axis.set_title(textwrap.shorten(found or "right", 40), fontsize=10, loc="left")
            axis.axis("off")
        line[0].text(
            -0.08, 0.5, name, rotation=90, va="center", ha="center", transform=line[0].transAxes
        )
    samples.suptitle("The given half (black) and what is written, right (green) or not (orange)")

    heat, axis = plt.subplots(layout="constrained")
    temperatures = (0.2, 0.6, 1.0, 1.4)
    for name, guess in writers.items():
        shares = [100 * share_right(guess, given[:50], temperature) for temperature in temperatures]
        axis.plot(temperatures, shares, "o-", label=name)
    axis.set(xlabel="temperature", ylabel="right, %", ylim=(0, 103))
    axis.set_title("Completed functions that compile and know their names")
    axis.legend()
    return {"completions": samples, "temperature": heat}


def main():
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True))
    print(*(as_code(tokens) for tokens in complete(model.guess, starts(test, 5))), sep="\n\n")
    model.save("code_completion.keras")


if __name__ == "__main__":
    main()

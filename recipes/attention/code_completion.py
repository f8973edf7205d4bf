"""Code completion: a small GPT completes Python functions. How many compile, beside a 5-gram model?

Slides: 002 «Copilot».
Paper:  Chen et al. (2021), Evaluating large language models trained on code,
        https://arxiv.org/abs/2107.03374
Departs from both: it learns from functions that a small grammar generates, not from the world's
code, and no comments say what a function is for.

The first half of a function is given; the network generates token by token (autoregressive) until
it says that the function ends. The pass rate is the share of completions that compile and read no
name that was never set. To pass, the network must close brackets, keep the indentation of a block
and use names from much earlier. An n-gram language model sees only the last few tokens.
"""

import random
import re
import types
import warnings

import keras
import numpy as np
import tensorflow as tf

from layers.positional_encoding import PositionalEncoding
from layers.transformer import TransformerEncoder
from recipes.common.arrays import to_numpy
from recipes.common.decoding import sample
from recipes.common.ngrams import NGramModel

EPOCHS = 3
OBJECTIVE = ("val_pass_rate", "max")
MAX_LENGTH = 64  # tokens of a function, at most
COMPLETIONS = 100  # how many functions of a set are completed for the pass rate, the first

NAMES = "abcdhkmnpqrstuvwxyz"
FUNCTIONS = ["area", "cost", "count", "mix", "price", "rank", "score", "step"]
CALLS = ["abs", "max", "min"]
OPERATORS = "+-*/%"
COMPARISONS = ["<", ">", "==", "!="]
LINES = ["\n" + "    " * depth for depth in range(4)]  # a line break with the next indentation
PADDING = ""
END = "END"
TOKENS = [PADDING, END, "def", "return", "if", "else", "for", "in", "range"]
TOKENS += [*"(),:=", *LINES[1:], *"0123456789"]
TOKENS += [*OPERATORS, *COMPARISONS, *CALLS, *FUNCTIONS, *NAMES]


def random_expression(rng, known, depth=0):
    """Tokens of an expression of known names; at depth 0 there is something to compute."""
    kind = rng.random() if depth < 3 else 0.0
    if depth > 0 and kind < 0.6:
        if rng.random() < 0.75:
            return [rng.choice(known)]
        return [str(rng.randrange(10))]
    first = random_expression(rng, known, depth + 1)
    second = random_expression(rng, known, depth + 1)
    if kind > 0.85:
        name = rng.choice(CALLS)
        if name == "abs":
            return [name, "(", *first, ")"]
        return [name, "(", *first, ",", *second, ")"]
    tokens = [*first, rng.choice(OPERATORS), *second]
    return ["(", *tokens, ")"] if depth > 0 else tokens


def random_block(rng, known, depth=1):
    """Tokens of the statements of a block.

    What it sets is known in it and in the blocks inside it, but not after it.
    """
    known = list(known)
    tokens = []
    for _ in range(rng.randint(1, 3)):
        kind = rng.random() if depth < 3 else 0.0
        name = rng.choice(NAMES)
        tokens.append(LINES[depth])
        if kind < 0.6:  # an assignment, to a new name or to a known one
            if rng.random() >= 0.5:
                name = rng.choice(known)
            tokens += [name, "=", *random_expression(rng, known)]
            known.append(name)
        elif kind < 0.85:
            left = random_expression(rng, known, depth=1)
            comparison = rng.choice(COMPARISONS)
            right = random_expression(rng, known, depth=3)
            tokens += ["if", *left, comparison, *right, ":"]
            tokens += random_block(rng, known, depth + 1)
            if rng.random() < 0.4:
                tokens += [LINES[depth], "else", ":", *random_block(rng, known, depth + 1)]
        else:
            count = random_expression(rng, known, depth=3)
            tokens += ["for", name, "in", "range", "(", *count, ")", ":"]
            tokens += random_block(rng, [*known, name], depth + 1)
    if depth == 1 or rng.random() < 0.3:
        tokens += [LINES[depth], "return", *random_expression(rng, known, depth=1)]
    return tokens


def random_functions(count, max_length, seed):
    """Different functions that compile, and read only names that are set before.

    Returns:
        `count` tuples of at most `max_length` of TOKENS, the last of them END.
    """
    rng = random.Random(seed)
    found = {}  # a dictionary keeps the order
    while len(found) < count:
        parameters = rng.sample(NAMES, rng.randint(1, 3))
        name = rng.choice(FUNCTIONS)
        head = ["def", name, "(", *",".join(parameters), ")", ":"]
        tokens = (*head, *random_block(rng, parameters), END)
        if len(tokens) <= max_length:
            found[tokens] = None
    return list(found)


def to_code(tokens):
    """Tokens, without END, as Python."""
    code = " ".join(tokens)
    code = re.sub(r" ?(\n(?:    )*) ?", r"\1", code)  # no spaces around line breaks
    code = code.replace("( ", "(")
    code = re.sub(r" ([),:])", r"\1", code)
    called = "|".join(["range", *CALLS, *FUNCTIONS])
    return re.sub(rf"\b({called}) \(", r"\1(", code)


def find_error(code):
    """The syntax error of a function, or a name that it reads and never sets; else None."""
    try:
        with warnings.catch_warnings(action="error"):  # such as of calling a number
            module = compile(code, "function", "exec")
    except SyntaxError as error:
        return error.msg
    unknown = set()
    for constant in module.co_consts:
        if isinstance(constant, types.CodeType):  # the function
            unknown |= set(constant.co_names) - {"range", *CALLS}
    return f"{min(unknown)} is never set" if unknown else None


def load_data(batch_size=32, examples=16_000):
    """Train, validation and test batches of (63,) tokens, of the tokens that follow, and weights.

    Tokens are numbers, 0 the padding; weights are 1, and 0 where padding follows.
    """
    numbers = {token: number for number, token in enumerate(TOKENS)}
    datasets = []
    for seed, count in enumerate((examples, 1000, 1000)):
        rows = np.zeros((count, MAX_LENGTH), "int32")
        functions = random_functions(count, MAX_LENGTH, seed)
        for row, tokens in zip(rows, functions, strict=True):
            row[: len(tokens)] = [numbers[token] for token in tokens]
        inputs = rows[:, :-1]
        targets = rows[:, 1:]
        weights = (targets > 0).astype("float32")
        datasets.append(tf.data.Dataset.from_tensor_slices((inputs, targets, weights)))
    train, validation, test = datasets
    return train.shuffle(examples).batch(batch_size), validation.batch(100), test.batch(100)


def prompts(data, count):
    """The first half of the tokens of the first functions of a set: a list of arrays."""
    inputs, _, _ = to_numpy(data)
    return [row[: np.count_nonzero(row) // 2] for row in inputs[:count]]


def complete(predict, prompts, temperature=0.5, seed=0):
    """Continues prompts, token by token, up to END or MAX_LENGTH.

    Args:
        predict: A function of tokens so far (functions, tokens), numbers, that returns the
            probabilities of each next one, (functions, tokens of the vocabulary).
        prompts: List of arrays (tokens,).
        temperature: Of the sampling.
        seed: Of the sampling.

    Returns:
        List of lists of tokens (strings), prompt included, without END.
    """
    rng = np.random.default_rng(seed)
    rows = np.zeros((len(prompts), MAX_LENGTH), "int64")
    for row, prompt in zip(rows, prompts, strict=True):
        row[: len(prompt)] = prompt
    for now in range(min(map(len, prompts)), MAX_LENGTH):
        probabilities = np.array(predict(rows[:, :now]))
        probabilities[:, TOKENS.index(PADDING)] = 0  # never generated
        sampled = sample(probabilities, temperature, rng)
        # Where the prompt goes on, it stays.
        rows[:, now] = np.where(rows[:, now] > 0, rows[:, now], sampled)
        if np.all(np.any(rows == TOKENS.index(END), axis=1)):
            break

    completed = []
    for row in rows:
        tokens = [TOKENS[number] for number in row if number > 0]
        completed.append(tokens[: tokens.index(END)] if END in tokens else tokens)
    return completed


def pass_rate(predict, prompts, temperature=0.5):
    """The share of completed functions that compile, and read only names that are set."""
    passed = 0
    for tokens in complete(predict, prompts, temperature):
        if find_error(to_code(tokens)) is None:
            passed += 1
    return passed / len(prompts)


@keras.saving.register_keras_serializable(package="code_completion")
class CompletionModel(keras.Model):
    """From tokens to the probabilities of the token after each."""

    def next_token_predictor(self):
        """A function from tokens, (functions, tokens), to the probabilities of each next one.

        The network is traced once, for MAX_LENGTH tokens: what pads those known comes after them,
        and the causal mask hides it.
        """
        shape = tf.TensorSpec((None, MAX_LENGTH), "int32")
        network = tf.function(self).get_concrete_function(shape)

        def predict(tokens):
            known = tokens.shape[1]
            padded = np.pad(tokens, ((0, 0), (0, MAX_LENGTH - known)))
            probabilities = network(tf.constant(padded, "int32"))  # (functions, MAX_LENGTH, 66)
            return probabilities[:, known - 1].numpy()

        return predict

    def evaluate(self, x=None, *arguments, return_dict=False, **keywords):
        """Loss, accuracy of the next token, and the pass rate of completed functions."""
        scores = super().evaluate(x, *arguments, return_dict=True, **keywords)
        predict = self.next_token_predictor()
        scores["pass_rate"] = pass_rate(predict, prompts(x, COMPLETIONS))
        return scores if return_dict else list(scores.values())


def build_model(embed_dim=96, depth=3, dropout=0.0, learning_rate=0.003, steps=EPOCHS * 500):
    """The compiled network: (tokens,) numbers to the probabilities (tokens, 66) of each next one.

    347,298 parameters. The learning rate climbs for the first tenth of the training `steps`
    (warmup), then falls along a cosine.
    """
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(len(TOKENS), embed_dim)(inputs)  # (batch, tokens, embed_dim)
    # Embeddings start small: unscaled, they would drown in the positional encoding.
    x = keras.layers.Rescaling(embed_dim**0.5)(x)
    x = PositionalEncoding()(x)
    for _ in range(depth):
        x = TransformerEncoder(
            num_heads=4,
            ff_dim=4 * embed_dim,
            dropout=dropout,
            causal=True,
            kernel_initializer=keras.initializers.RandomNormal(stddev=embed_dim**-0.5),
        )(x)
    x = keras.layers.LayerNormalization()(x)
    outputs = keras.layers.Dense(len(TOKENS), activation="softmax")(x)
    model = CompletionModel(inputs, outputs)
    warmup = steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(schedule, beta_2=0.99, clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
        weighted_metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "embed_dim": hp.Int("embed_dim", 32, 160, step=32, default=96),
        "depth": hp.Int("depth", 1, 4, default=3),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2], default=0.0),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.002, 0.003, 0.005], default=0.003),
    }


def ngram_model(data, order=5):
    """An n-gram model of a set's tokens: the counts after the longest context that was seen."""
    inputs, targets, weights = to_numpy(data)
    sequences = []
    for row, following, weight in zip(inputs, targets, weights, strict=True):
        length = int(weight.sum())
        sequences.append(np.concatenate([row[:1], following[:length]]))
    return NGramModel(sequences, len(TOKENS), order)


def baseline(train, test):
    """5-gram language model that backs off to shorter contexts."""
    return {"pass_rate": pass_rate(ngram_model(train).predict, prompts(test, COMPLETIONS))}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "code_completion.keras", monitor="val_pass_rate", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("code_completion.keras")
    print(model.evaluate(test, return_dict=True))
    print("5-gram language model:", baseline(train, test))
    for tokens in complete(model.next_token_predictor(), prompts(test, count=5)):
        print(to_code(tokens), end="\n\n")


if __name__ == "__main__":
    main()

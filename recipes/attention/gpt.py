"""GPT on Don Quijote: a character-level language model, beside an LSTM of its size and n-grams.

Slides: 001 «GPT2», 001 «GPT3», 000 «ChatGPT», 000 «GPT-4».
Paper:  Radford et al. (2018), Improving language understanding by generative pre-training; n-grams:
        Kneser & Ney (1995), https://doi.org/10.1109/ICASSP.1995.479394; optimizer: Jordan et al.
        (2024), https://kellerjordan.github.io/posts/muon
Departs from the papers: characters instead of subwords, 0.6 million parameters instead of 117
million, and Muon, which needs fewer steps, instead of Adam. The networks with 175,000 million
parameters on the slides have more of the same blocks: causal self-attention, in which a causal mask
hides later positions.

All models are scored in bits per character, −log₂ p(next), the logarithm of the perplexity, on new
chapters: 2 bits are the uncertainty between four equally likely characters. The windows for scoring
overlap, and only the targets in their second half count, so each character is predicted from the 33
to 64 before it. Line breaks of the file are replaced by spaces. Text is generated one character at
a time (autoregressive), at a temperature.
"""

import math

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import recipes.datasets.don_quijote  # noqa: F401
from layers.positional_encoding import PositionalEncoding
from layers.transformer import TransformerEncoder
from recipes.common.decoding import sample
from recipes.common.ngrams import NGramModel

EPOCHS = 3
OBJECTIVE = ("val_bits_per_character", "min")
VARIANTS = {"gpt": {"network": "gpt"}, "lstm": {"network": "lstm"}}
CHARACTERS = "� !\"'(),-.:;?ABCDEFGHIJLMNOPQRSTUVXYZabcdefghijlmnopqrstuvxyz¡«»¿ÁÉÍÓÚáéíñóúü—"
CONTEXT = 64  # characters in the input
PROMPT = "Respondió Sancho: "
SAMPLE_LENGTH = 200  # characters generated after the prompt


def encode(text):
    """The index of each character, 0 for unknown ones: array (characters,)."""
    numbers = {character: number for number, character in enumerate(CHARACTERS)}
    return np.array([numbers.get(character, 0) for character in text])


def decode(numbers):
    """The text for character indices."""
    return "".join(CHARACTERS[number] for number in numbers)


def load_text():
    """The text of training, validation and test chapters, each as an array of character indices."""
    splits = ["train[:90%]", "train[90%:95%]", "train[95%:]"]
    texts = []
    for split in tfds.load("don_quijote", split=splits):
        chapters = sorted(split.as_numpy_iterator(), key=lambda chapter: chapter["chapter"])
        text = " ".join(chapter["text"].decode() for chapter in chapters)
        texts.append(encode(" ".join(text.split())))
    return texts


def random_windows(text, batch_size, context):
    """Batches of windows at random positions of a text, which change in each epoch."""
    tokens = tf.constant(text)
    offsets = np.arange(context + 1)
    places = len(text) - context

    def cut(numbers):
        starts = numbers[:, None] % places  # (batch, 1)
        windows = tf.gather(tokens, starts + offsets)  # (batch, context + 1)
        return windows[:, :-1], windows[:, 1:]

    numbers = tf.data.Dataset.random(seed=1, rerandomize_each_iteration=True)
    numbers = numbers.take(len(text) // context)
    return numbers.batch(batch_size, drop_remainder=True).map(cut).prefetch(2)


def scored_windows(text, context):
    """Batches of windows that overlap by half, with weights of 1 for targets in the second half."""
    starts = np.arange(0, len(text) - context, context // 2)
    offsets = np.arange(context + 1)
    windows = text[starts[:, None] + offsets]  # (windows, context + 1)
    inputs = windows[:, :-1]
    targets = windows[:, 1:]
    weights = np.broadcast_to(offsets[1:] > context // 2, targets.shape).astype("float32")
    return tf.data.Dataset.from_tensor_slices((inputs, targets, weights)).batch(100)


def load_data(batch_size=32, context=CONTEXT):
    """Train, validation and test batches of (context,) characters, and the next character of each.

    Characters are integers. Validation and test batches also have weights: 1 for characters that
    count, else 0.
    """
    train, validation, test = load_text()
    return (
        random_windows(train, batch_size, context),
        scored_windows(validation, context),
        scored_windows(test, context),
    )


@keras.saving.register_keras_serializable(package="gpt")
def bits_per_character(y_true, y_pred):
    """−log₂ of the probability of the true next character."""
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred) / math.log(2)


def gpt_blocks(x, embed_dim, depth, dropout):
    """Sinusoidal positional encoding, blocks of causal self-attention, and layer normalization."""
    # Initial embeddings are small: unscaled, the positional encoding would dominate them.
    x = keras.layers.Rescaling(embed_dim**0.5)(x)
    x = PositionalEncoding()(x)  # (batch, characters, embed_dim)
    for _ in range(depth):
        x = TransformerEncoder(
            num_heads=4,
            ff_dim=4 * embed_dim,
            dropout=dropout,
            causal=True,
            kernel_initializer=keras.initializers.RandomNormal(stddev=embed_dim**-0.5),
        )(x)
    return keras.layers.LayerNormalization()(x)


def lstm_layers(x, embed_dim, dropout):
    """One LSTM with about as many weights as three blocks."""
    x = keras.layers.LSTM(round(2.51 * embed_dim), return_sequences=True)(x)
    return keras.layers.Dropout(dropout)(x)


def build_model(
    network="gpt", embed_dim=128, depth=3, dropout=0.0, learning_rate=0.006, steps=EPOCHS * 895
):
    """The compiled network: (characters,) integers to probabilities of the next ones.

    613,582 parameters; 612,900 as an `lstm`, which has no `depth`. Learning-rate schedule: linear
    warmup for the first tenth of the `steps`, then cosine decay to zero. Muon trains the matrices
    of the blocks' dense layers and of the LSTM; AdamW trains the embedding, attention, head, biases
    and scales.
    """
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(len(CHARACTERS), embed_dim)(inputs)
    if network == "gpt":
        x = gpt_blocks(x, embed_dim, depth, dropout)
    else:
        x = lstm_layers(x, embed_dim, dropout)
    outputs = keras.layers.Dense(len(CHARACTERS), activation="softmax", name="head")(x)
    model = keras.Model(inputs, outputs)
    warmup = steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.Muon(
        schedule, weight_decay=0.01, adam_beta_2=0.99, exclude_layers=["head"], clipnorm=1.0
    )
    metric = keras.metrics.MeanMetricWrapper(bits_per_character, name="bits_per_character")
    loss = keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")
    model.compile(optimizer, loss, weighted_metrics=[metric])
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    rates = [0.002, 0.003, 0.004, 0.006, 0.008]
    return {
        "embed_dim": hp.Int("embed_dim", 64, 256, step=64, default=128),
        "depth": hp.Int("depth", 1, 6, default=3),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3], default=0.0),
        "learning_rate": hp.Choice("learning_rate", rates, default=0.006),
    }


def ngram_bits(train, test, order=9):
    """Bits per character of test by n-grams of `order` characters, counted in train."""
    model = NGramModel([train], len(CHARACTERS), order=order, smoothing="kneser_ney", discount=0.92)
    probabilities = model.score([test])[order - 2 :]  # of characters with order - 1 before them
    return -np.log2(probabilities).mean()


def baseline(train, test):
    """9-gram language model of characters (Kneser–Ney)."""
    train, _, test = load_text()
    return {"bits_per_character": ngram_bits(train, test)}


def generate(model, prompts, length, temperature=0.8, top_k=None, seed=0):
    """Continue prompts by sampling one character after the other.

    Args:
        model: The network.
        prompts: Texts of the same length.
        length: Number of characters to add.
        temperature: Sampling temperature, one number or an array (prompts, 1).
        top_k: If given, only the `top_k` most probable characters are sampled from.
        seed: Seed of the sampling.

    Returns:
        List of texts, each a prompt with its continuation.
    """
    rng = np.random.default_rng(seed)
    tokens = np.array([encode(prompt) for prompt in prompts])
    first = tokens.shape[1]
    # The input is CONTEXT characters. The causal mask hides the zeros after the known ones.
    tokens = np.pad(tokens, ((0, 0), (0, max(length, CONTEXT))))
    shape = tf.TensorSpec((len(prompts), CONTEXT), "int32")
    predict = tf.function(model).get_concrete_function(shape)
    for now in range(first, first + length):
        start = max(0, now - CONTEXT)
        window = tf.constant(tokens[:, start : start + CONTEXT], "int32")
        probabilities = predict(window)[:, now - 1 - start].numpy()  # (prompts, characters)
        tokens[:, now] = sample(probabilities, temperature, rng, top_k)
    return [decode(row) for row in tokens[:, : first + length]]


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"gpt_{name}.keras", monitor="val_bits_per_character", mode="min", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"gpt_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print(generate(model, [PROMPT], SAMPLE_LENGTH)[0])
    print("9-gram language model:", baseline(train, test))


if __name__ == "__main__":
    main()

"""The Transformer and its two blocks: a sequence looking at itself, and one that looks at another as well."""

import warnings

import keras
import numpy as np
from keras import ops

from layers.beam_search import beam_search
from layers.positional_encoding import PositionalEncoding

NORMS = ("before", "after")


class _Block(keras.layers.Layer):
    """Sub-layers one after the other, each with dropout, a residual connection and a layer normalisation of its own."""

    attentions = ()  # names of the attention sub-layers, which come before the feed-forward one

    def __init__(
        self, num_heads, units, dropout, norm, activation, kernel_initializer, seed, **kwargs
    ):
        super().__init__(**kwargs)
        for name, value in (("num_heads", num_heads), ("units", units)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"`{name}` must be a whole number, at least 1. Received: {name}={value!r}"
                )
        if not 0 <= dropout < 1:
            raise ValueError(
                f"`dropout` must be at least 0 and below 1. Received: dropout={dropout}"
            )
        if norm not in NORMS:
            raise ValueError(f"`norm` must be one of {NORMS}. Received: norm={norm!r}")
        self.num_heads = num_heads
        self.units = units
        self.dropout = dropout
        self.norm = norm
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.seed = seed
        self.supports_masking = True

    def _build(self, shape, seen):
        """Makes the sub-layers, for inputs of `shape`, of which each attention looks at the shape in `seen`."""
        features = shape[-1]
        if features is None or features % self.num_heads:
            message = "The number of features must be a multiple of `num_heads`, and known."
            raise ValueError(
                f"{message} Received: num_heads={self.num_heads}, inputs of shape {tuple(shape)}"
            )

        def make(layer_class, *arguments, build=(shape,), **keywords):
            layer = layer_class(*arguments, dtype=self.dtype_policy, **keywords)
            layer.build(*build)
            return layer

        def initial():
            return keras.initializers.get(keras.initializers.serialize(self.kernel_initializer))

        for name, other in zip(self.attentions, seen, strict=True):
            attention, size = keras.layers.MultiHeadAttention, features // self.num_heads
            how = {
                "use_bias": False,
                "kernel_initializer": initial(),
                "build": (shape, other),
                "name": name,
            }
            setattr(self, name, make(attention, self.num_heads, size, **how))
        self.widen = make(
            keras.layers.Dense,
            self.units,
            self.activation,
            kernel_initializer=initial(),
            name="widen",
        )
        wide = (*shape[:-1], self.units)
        self.narrow = make(
            keras.layers.Dense, features, kernel_initializer=initial(), build=(wide,), name="narrow"
        )
        count = range(len(self.attentions) + 1)
        self.norms = [
            make(keras.layers.LayerNormalization, epsilon=1e-5, name=f"norm_{i}") for i in count
        ]
        seeds = [None if self.seed is None else self.seed + i for i in count]
        self.dropouts = [make(keras.layers.Dropout, self.dropout, seed=seed) for seed in seeds]

    def _residual(self, place, function, x, training):
        """`x + f(norm(x))`, or `norm(x + f(x))`, where f includes dropout."""
        norm, before = self.norms[place], self.norm == "before"
        y = x + self.dropouts[place](function(norm(x) if before else x), training=training)
        return y if before else norm(y)

    def _feed_forward(self, x):
        return self.narrow(self.widen(x))

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "units": self.units,
            "dropout": self.dropout,
            "norm": self.norm,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "seed": self.seed,
        }


def _keys(mask):
    """A mask of steps, as one of keys: all queries may look at what it keeps."""
    return None if mask is None else ops.cast(mask, "bool")[:, None, :]


@keras.saving.register_keras_serializable(package="layers")
class TransformerEncoder(_Block):
    """Self-attention, then two dense layers applied to each step alone; both added to what comes in.

    With `causal=True` a step sees itself and the steps before it only: that is a block of GPT. The attention has no
    biases, as in the paper; that of a key would cancel in the softmax.

    Args:
        num_heads: attention heads, each of which looks at `features / num_heads` numbers of its own.
        units: width of the hidden layer of the feed-forward part; the paper has four times the features.
        dropout: share of each sub-layer's output that training drops before it is added.
        causal: whether later steps are hidden from earlier ones.
        norm: where layer normalisation stands. `"before"` each sub-layer (GPT-2; trains without warm-up; a stack of
            blocks wants one more normalisation at its end) or `"after"` each addition (the paper).
        activation: of the hidden layer.
        kernel_initializer: of all matrices.
        seed: of the dropout.

    Input shape:
        `(batch, steps, features)`, with or without a mask: nobody looks at masked steps. It is passed on.

    Output shape:
        The same. With `return_attention_scores=True` in the call, also the weights of the attention,
        `(batch, num_heads, steps, steps)`: who looks, at whom.

    Reference:
        Vaswani et al. (2017), https://arxiv.org/abs/1706.03762, section 3; norm before: Xiong et al. (2020),
        https://arxiv.org/abs/2002.04745. With A for attention and F for the feed-forward part,
        before: `y = x + A(N(x)); z = y + F(N(y))`; after: `y = N(x + A(x)); z = N(y + F(y))`.

    Example:

    >>> words = keras.random.normal((2, 7, 16))
    >>> TransformerEncoder(num_heads=4, units=32)(words).shape == words.shape
    True
    """

    attentions = ("attention",)

    def __init__(
        self,
        num_heads,
        units,
        dropout=0.0,
        causal=False,
        norm="before",
        activation="relu",
        kernel_initializer="glorot_uniform",
        seed=None,
        **kwargs,
    ):
        super().__init__(
            num_heads, units, dropout, norm, activation, kernel_initializer, seed, **kwargs
        )
        self.causal = causal
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        self._build(input_shape, [input_shape])
        self.built = True

    def call(self, inputs, mask=None, training=None, return_attention_scores=False):
        scores = None

        def look(x):
            nonlocal scores
            how = {"attention_mask": _keys(mask), "use_causal_mask": self.causal}
            if not return_attention_scores:
                return self.attention(x, x, **how)
            y, scores = self.attention(x, x, return_attention_scores=True, **how)
            return y

        x = ops.copy(
            inputs
        )  # without its Keras mask, which MultiHeadAttention would take away from the caller
        x = self._residual(0, look, x, training)
        x = self._residual(1, self._feed_forward, x, training)
        return (x, scores) if return_attention_scores else x

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "causal": self.causal}


@keras.saving.register_keras_serializable(package="layers")
class TransformerDecoder(_Block):
    """Causal self-attention, attention to what an encoder made of another sequence, then the feed-forward part.

    In the first attention, queries, keys and values come from the sequence that is being written, where a step sees
    itself and those before it; in the second, keys and values come from the encoder.

    Args:
        num_heads: attention heads, in both attentions.
        units: width of the hidden layer of the feed-forward part.
        dropout: share of each sub-layer's output that training drops before it is added.
        norm: where layer normalisation stands: `"before"` each sub-layer or `"after"` each addition.
        activation: of the hidden layer.
        kernel_initializer: of all matrices.
        seed: of the dropout.

    Input shape:
        A list: `(batch, steps, features)`, what is being written, and `(batch, read_steps, read_features)`, what the
        encoder gives; each with or without a mask. The first one's mask is passed on.

    Output shape:
        `(batch, steps, features)`. With `return_attention_scores=True` in the call, also the weights of both
        attentions: `(batch, num_heads, steps, steps)` and `(batch, num_heads, steps, read_steps)`.

    Reference:
        Vaswani et al. (2017), https://arxiv.org/abs/1706.03762, section 3

    Example:

    >>> written, read = keras.random.normal((2, 5, 16)), keras.random.normal((2, 9, 24))
    >>> tuple(TransformerDecoder(num_heads=4, units=32)([written, read]).shape)
    (2, 5, 16)
    """

    attentions = ("attention", "cross_attention")

    def __init__(
        self,
        num_heads,
        units,
        dropout=0.0,
        norm="before",
        activation="relu",
        kernel_initializer="glorot_uniform",
        seed=None,
        **kwargs,
    ):
        super().__init__(
            num_heads, units, dropout, norm, activation, kernel_initializer, seed, **kwargs
        )
        self.input_spec = [keras.layers.InputSpec(ndim=3), keras.layers.InputSpec(ndim=3)]

    def build(self, input_shape):
        self._build(input_shape[0], input_shape)
        self.built = True

    def call(self, inputs, mask=None, training=None, return_attention_scores=False):
        written, read = map(ops.copy, inputs)
        own, other = mask or (None, None)
        scores = []

        def look(layer, x, at, **how):
            if not return_attention_scores:
                return layer(x, at, **how)
            y, weights = layer(x, at, return_attention_scores=True, **how)
            scores.append(weights)
            return y

        def look_back(x):
            return look(self.attention, x, x, attention_mask=_keys(own), use_causal_mask=True)

        def look_across(x):
            return look(self.cross_attention, x, read, attention_mask=_keys(other))

        x = self._residual(0, look_back, written, training)
        x = self._residual(1, look_across, x, training)
        x = self._residual(2, self._feed_forward, x, training)
        return (x, *scores) if return_attention_scores else x

    def compute_mask(self, inputs, mask=None):
        return mask[0] if mask else None

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])


@keras.saving.register_keras_serializable(package="layers")
class Transformer(keras.layers.Layer):
    """Encoder and decoder: what is read and what has been written so far, to the scores of each next token.

    Tokens are whole numbers; 0 is padding, which nobody looks at. Sinusoids tell the places; normalisation stands
    before each sub-layer. The matrix that turns written tokens into vectors also turns vectors back into scores.

    `generate` writes: it calls `encode` once, and `decode` and `score` at each step.

    Args:
        read_tokens: how many different tokens can be read, padding included.
        written_tokens: how many can be written.
        features: size of all vectors.
        num_heads: attention heads in each block.
        units: width of the feed-forward parts.
        blocks: of the encoder, and of the decoder.
        dropout: share of each sub-layer's output, and of the embeddings, that training drops.
        seed: of the dropout.

    Input shape:
        A list of whole numbers: `(batch, read_steps)` and `(batch, steps)`.

    Output shape:
        `(batch, steps, written_tokens)`: logits of the token after each of the written ones.

    Reference:
        Vaswani et al. (2017), https://arxiv.org/abs/1706.03762

    Example:

    >>> read, written = keras.ops.array([[5, 3, 0]]), keras.ops.array([[1, 4, 2, 6]])
    >>> tuple(Transformer(read_tokens=10, written_tokens=7, features=16, num_heads=4, units=32)([read, written]).shape)
    (1, 4, 7)
    """

    def __init__(
        self,
        read_tokens,
        written_tokens,
        features,
        num_heads,
        units,
        blocks=2,
        dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value in (
            ("blocks", blocks),
            ("read_tokens", read_tokens),
            ("written_tokens", written_tokens),
        ):
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
        self.read_tokens, self.written_tokens = read_tokens, written_tokens
        self.features, self.num_heads, self.units, self.blocks = features, num_heads, units, blocks
        self.dropout, self.seed = dropout, seed
        self.input_spec = [keras.layers.InputSpec(ndim=2), keras.layers.InputSpec(ndim=2)]
        how, seeds = (
            {"dtype": self.dtype_policy},
            (None if seed is None else seed + 10 * i for i in range(10**6)),
        )

        def start():
            return {
                "embeddings_initializer": keras.initializers.RandomNormal(stddev=features**-0.5),
                **how,
            }

        self.read = keras.layers.Embedding(read_tokens, features, name="read", **start())
        self.write = keras.layers.ReversibleEmbedding(
            written_tokens, features, name="write", **start()
        )
        self.place = PositionalEncoding(**how)
        self.drops = [keras.layers.Dropout(dropout, seed=next(seeds), **how) for _ in range(2)]
        arguments = {"num_heads": num_heads, "units": units, "dropout": dropout, **how}
        self.encoder = [TransformerEncoder(seed=next(seeds), **arguments) for _ in range(blocks)]
        self.decoder = [TransformerDecoder(seed=next(seeds), **arguments) for _ in range(blocks)]
        self.norms = [keras.layers.LayerNormalization(epsilon=1e-5, **how) for _ in range(2)]

    def build(self, input_shape=None):
        shape = (None, None, self.features)
        for layer in (self.read, self.write, *self.encoder, *self.norms):
            layer.build(shape)
        for block in self.decoder:
            block.build([shape, shape])
        self.built = True

    def encode(self, read, training=None):
        """Of each token a vector that knows the others, and which tokens are no padding."""
        x, real = self.read(read) * self.features**0.5, ops.not_equal(read, 0)
        x = self.drops[0](self.place(x), training=training)
        for block in self.encoder:
            x = block(x, mask=real, training=training)
        return self.norms[0](x), real

    def decode(self, written, memory, real, training=None):
        """Of each written token a vector that tells the next one, from `encode`'s two outputs.

        And the last block's weights of attention to what was read, `(batch, num_heads, steps, read_steps)`.
        """
        y = self.drops[1](self.place(self.write(written) * self.features**0.5), training=training)
        for block in self.decoder:
            y, _, looks = block(
                [y, memory], mask=[None, real], training=training, return_attention_scores=True
            )
        return self.norms[1](y), looks

    def score(self, vectors):
        """Logits of all tokens from `decode`'s vectors."""
        return ops.cast(self.write(vectors, reverse=True), self.compute_dtype)

    def next_token(self, written, memory, real):
        """Log-probabilities of the token after each beginning, `(batch, written_tokens)`."""
        with warnings.catch_warnings():  # of the first token, which has only itself to look at
            warnings.filterwarnings("ignore", message="You are using a softmax over axis")
            logits = self.score(self.decode(written, memory, real)[0][:, -1])
        return ops.log_softmax(ops.cast(logits, "float32"))

    def generate(self, read, start, stop, length, width=1, forbidden=()):
        """The likeliest sequences per token by beam search, NumPy integers `(batch, 1 + written)`; width 1 is greedy.

        Each begins with `start` and ends with `stop`, which also fills it up, after at most `length` tokens more.
        Padding is not written, nor are the tokens in `forbidden`.
        """
        memory, real = (ops.repeat(each, width, axis=0) for each in self.encode(read))

        def step(written):
            logs = np.array(
                ops.convert_to_numpy(self.next_token(ops.convert_to_tensor(written), memory, real))
            )
            logs[:, [0, *forbidden]] = -np.inf
            return logs

        return beam_search(step, np.full((len(read), 1), start), stop, length, width, penalty=1.0)[
            0
        ][:, 0]

    def call(self, inputs, training=None):
        read, written = inputs
        return self.score(self.decode(written, *self.encode(read, training), training)[0])

    def compute_output_shape(self, input_shape):
        return (*input_shape[1], self.written_tokens)

    def get_config(self):
        names = (
            "read_tokens",
            "written_tokens",
            "features",
            "num_heads",
            "units",
            "blocks",
            "dropout",
            "seed",
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

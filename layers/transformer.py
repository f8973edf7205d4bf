"""The encoder–decoder Transformer, and its two blocks as separate layers."""

import warnings

import keras
import numpy as np
from keras import ops

from layers.beam_search import beam_search
from layers.positional_encoding import PositionalEncoding


class _TransformerBlock(keras.layers.Layer):
    """Base class of the encoder and decoder blocks: their arguments and feed-forward network."""

    def __init__(
        self,
        num_heads,
        ff_dim,
        dropout=0.0,
        norm_first=True,
        activation="relu",
        kernel_initializer="glorot_uniform",
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value in (("num_heads", num_heads), ("ff_dim", ff_dim)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"`{name}` must be a whole number, at least 1. Received: {name}={value!r}"
                )
        if not 0 <= dropout < 1:
            raise ValueError(
                f"`dropout` must be at least 0 and below 1. Received: dropout={dropout}"
            )
        if not isinstance(norm_first, bool):
            raise ValueError(
                f"`norm_first` must be True or False. Received: norm_first={norm_first!r}"
            )
        self.num_heads = num_heads
        self.ff_dim = ff_dim
        self.dropout = dropout
        self.norm_first = norm_first
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.seed = seed
        self.supports_masking = True

    def _attention(self, name, query_shape, value_shape):
        """An attention sub-layer, without biases, built for its inputs."""
        embed_dim = query_shape[-1]
        if embed_dim is None or embed_dim % self.num_heads:
            raise ValueError(
                "The embedding dimension must be known, and a multiple of `num_heads`. "
                f"Received: num_heads={self.num_heads}, inputs of shape {tuple(query_shape)}"
            )
        layer = keras.layers.MultiHeadAttention(
            self.num_heads,
            key_dim=embed_dim // self.num_heads,
            use_bias=False,
            kernel_initializer=self._initializer(),
            dtype=self.dtype_policy,
            name=name,
        )
        layer.build(query_shape, value_shape)
        return layer

    def _dense(self, name, units, input_shape, activation=None):
        layer = keras.layers.Dense(
            units,
            activation,
            kernel_initializer=self._initializer(),
            dtype=self.dtype_policy,
            name=name,
        )
        layer.build(input_shape)
        return layer

    def _norm(self, name, input_shape):
        layer = keras.layers.LayerNormalization(epsilon=1e-5, dtype=self.dtype_policy, name=name)
        layer.build(input_shape)
        return layer

    def _dropout(self, name, number):
        """The dropout of the sub-layer of that number, each with a separate seed."""
        seed = None if self.seed is None else self.seed + number
        return keras.layers.Dropout(self.dropout, seed=seed, dtype=self.dtype_policy, name=name)

    def _initializer(self):
        """A new initializer: one used twice would give two matrices the same values."""
        return self.kernel_initializer.clone()

    def _feed_forward(self, x, training):
        x = self.intermediate_dense(x)  # (batch, steps, ff_dim)
        x = self.output_dense(x)  # (batch, steps, embed_dim)
        return self.feed_forward_dropout(x, training=training)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "ff_dim": self.ff_dim,
            "dropout": self.dropout,
            "norm_first": self.norm_first,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "seed": self.seed,
        }


def _attend(layer, query, value, value_mask, causal, return_attention_scores):
    """Output of an attention layer, and its attention weights or None.

    Every query may attend to every value that `value_mask`, (batch, value_steps), keeps, but with
    `causal` to no later one.
    """
    if value_mask is not None:
        value_mask = ops.cast(value_mask, "bool")[:, None, :]  # (batch, 1, value_steps)
    outputs = layer(
        query,
        value,
        attention_mask=value_mask,
        use_causal_mask=causal,
        return_attention_scores=return_attention_scores,
    )
    return outputs if return_attention_scores else (outputs, None)


@keras.saving.register_keras_serializable(package="layers")
class TransformerEncoder(_TransformerBlock):
    """Encoder block: self-attention, then a feed-forward network, each with a residual connection.

    With `causal=True`, a causal mask hides later steps from earlier ones, as in a block of GPT.
    The feed-forward network, two dense layers, is applied to each step separately. The attention
    has no biases, as in the paper; a bias of the keys would cancel in the softmax.

    Args:
        num_heads: Number of attention heads, each of dimension `embed_dim / num_heads`.
        ff_dim: Units of the hidden layer of the feed-forward network; `4 * embed_dim` in the paper.
        dropout: Dropout rate of each sub-layer's output, before the residual is added.
        causal: Whether later steps are hidden from earlier ones.
        norm_first: Whether layer normalization precedes each sub-layer (pre-norm, as in GPT-2:
            trains without warmup; a stack of such blocks needs a final normalization) or follows
            each addition (post-norm, as in the paper).
        activation: Of the hidden layer of the feed-forward network.
        kernel_initializer: Of all matrices.
        seed: Of the dropout.

    Call arguments:
        inputs: As below.
        mask: Boolean `(batch, steps)`; masked steps are not attended to. Passed on.
        training: Whether dropout is applied.
        return_attention_scores: Whether to return the attention weights as well.

    Input shape:
        `(batch, steps, embed_dim)`.

    Output shape:
        The same. With `return_attention_scores=True`, also the attention weights,
        `(batch, num_heads, query steps, key steps)`.

    Raises:
        ValueError: For arguments out of range, and if `embed_dim` is no multiple of `num_heads`.

    Reference:
        Vaswani et al. (2017), https://arxiv.org/abs/1706.03762, section 3; pre-norm: Xiong et al.
        (2020), https://arxiv.org/abs/2002.04745. With A for attention, F for the feed-forward
        network and N for normalization,
        pre-norm: `y = x + A(N(x)); z = y + F(N(y))`;
        post-norm: `y = N(x + A(x)); z = N(y + F(y))`.

    Example:

    >>> x = keras.random.normal((2, 7, 16))
    >>> TransformerEncoder(num_heads=4, ff_dim=32)(x).shape == x.shape
    True
    """

    def __init__(
        self,
        num_heads,
        ff_dim,
        dropout=0.0,
        causal=False,
        norm_first=True,
        activation="relu",
        kernel_initializer="glorot_uniform",
        seed=None,
        **kwargs,
    ):
        super().__init__(
            num_heads, ff_dim, dropout, norm_first, activation, kernel_initializer, seed, **kwargs
        )
        self.causal = causal
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        steps, embed_dim = input_shape[1:]
        self.attention = self._attention("attention", input_shape, input_shape)
        self.intermediate_dense = self._dense(
            "intermediate_dense", self.ff_dim, input_shape, self.activation
        )
        self.output_dense = self._dense("output_dense", embed_dim, (None, steps, self.ff_dim))
        self.attention_norm = self._norm("attention_norm", input_shape)
        self.feed_forward_norm = self._norm("feed_forward_norm", input_shape)
        self.attention_dropout = self._dropout("attention_dropout", 0)
        self.feed_forward_dropout = self._dropout("feed_forward_dropout", 1)
        self.built = True

    def call(self, inputs, mask=None, training=None, return_attention_scores=False):
        def self_attention(x):
            y, weights = _attend(self.attention, x, x, mask, self.causal, return_attention_scores)
            return self.attention_dropout(y, training=training), weights

        # A copy has no Keras mask, which MultiHeadAttention would remove from the caller's tensor.
        x = ops.copy(inputs)
        if self.norm_first:
            y, weights = self_attention(self.attention_norm(x))
            x = x + y
            x = x + self._feed_forward(self.feed_forward_norm(x), training)
        else:
            y, weights = self_attention(x)
            x = self.attention_norm(x + y)
            x = self.feed_forward_norm(x + self._feed_forward(x, training))
        return (x, weights) if return_attention_scores else x

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "causal": self.causal}


@keras.saving.register_keras_serializable(package="layers")
class TransformerDecoder(_TransformerBlock):
    """Decoder block: causal self-attention, cross-attention to an encoder, feed-forward network.

    In the self-attention, queries, keys and values come from the target sequence, and a causal mask
    hides later steps from earlier ones; in the cross-attention, keys and values come from the
    encoder. Each of the three sub-layers has a residual connection.

    Args:
        num_heads: Number of heads of the self-attention and of the cross-attention.
        ff_dim: Units of the hidden layer of the feed-forward network.
        dropout: Dropout rate of each sub-layer's output, before the residual is added.
        norm_first: Whether layer normalization precedes each sub-layer (pre-norm) or follows each
            addition (post-norm).
        activation: Of the hidden layer of the feed-forward network.
        kernel_initializer: Of all matrices.
        seed: Of the dropout.

    Call arguments:
        inputs: As below.
        mask: A list of two masks, of the target and of the encoder's outputs: boolean
            `(batch, steps)` and `(batch, source_steps)`, or None. Masked steps are not attended to.
            The first mask is passed on.
        training: Whether dropout is applied.
        return_attention_scores: Whether to return the attention weights as well.

    Input shape:
        A list: the target sequence, `(batch, steps, embed_dim)`, and the encoder's outputs,
        `(batch, source_steps, source_embed_dim)`.

    Output shape:
        `(batch, steps, embed_dim)`. With `return_attention_scores=True`, also the weights of
        self-attention, `(batch, num_heads, steps, steps)`, and those of cross-attention,
        `(batch, num_heads, steps, source_steps)`.

    Raises:
        ValueError: For arguments out of range, and if `embed_dim` is no multiple of `num_heads`.

    Reference:
        Vaswani et al. (2017), https://arxiv.org/abs/1706.03762, section 3

    Example:

    >>> target, encoded = keras.random.normal((2, 5, 16)), keras.random.normal((2, 9, 24))
    >>> tuple(TransformerDecoder(num_heads=4, ff_dim=32)([target, encoded]).shape)
    (2, 5, 16)
    """

    def __init__(
        self,
        num_heads,
        ff_dim,
        dropout=0.0,
        norm_first=True,
        activation="relu",
        kernel_initializer="glorot_uniform",
        seed=None,
        **kwargs,
    ):
        super().__init__(
            num_heads, ff_dim, dropout, norm_first, activation, kernel_initializer, seed, **kwargs
        )
        self.input_spec = [keras.layers.InputSpec(ndim=3), keras.layers.InputSpec(ndim=3)]

    def build(self, input_shape):
        target_shape, source_shape = input_shape
        steps, embed_dim = target_shape[1:]
        self.attention = self._attention("attention", target_shape, target_shape)
        self.cross_attention = self._attention("cross_attention", target_shape, source_shape)
        self.intermediate_dense = self._dense(
            "intermediate_dense", self.ff_dim, target_shape, self.activation
        )
        self.output_dense = self._dense("output_dense", embed_dim, (None, steps, self.ff_dim))
        self.attention_norm = self._norm("attention_norm", target_shape)
        self.cross_attention_norm = self._norm("cross_attention_norm", target_shape)
        self.feed_forward_norm = self._norm("feed_forward_norm", target_shape)
        self.attention_dropout = self._dropout("attention_dropout", 0)
        self.cross_attention_dropout = self._dropout("cross_attention_dropout", 1)
        self.feed_forward_dropout = self._dropout("feed_forward_dropout", 2)
        self.built = True

    def call(self, inputs, mask=None, training=None, return_attention_scores=False):
        target_mask, source_mask = mask or (None, None)

        def self_attention(x):
            y, weights = _attend(self.attention, x, x, target_mask, True, return_attention_scores)
            return self.attention_dropout(y, training=training), weights

        def cross_attention(x):
            y, weights = _attend(
                self.cross_attention, x, source, source_mask, False, return_attention_scores
            )
            return self.cross_attention_dropout(y, training=training), weights

        # Copies have no Keras mask, which MultiHeadAttention would take from the caller's tensors.
        x = ops.copy(inputs[0])
        source = ops.copy(inputs[1])
        if self.norm_first:
            y, self_weights = self_attention(self.attention_norm(x))
            x = x + y
            y, cross_weights = cross_attention(self.cross_attention_norm(x))
            x = x + y
            x = x + self._feed_forward(self.feed_forward_norm(x), training)
        else:
            y, self_weights = self_attention(x)
            x = self.attention_norm(x + y)
            y, cross_weights = cross_attention(x)
            x = self.cross_attention_norm(x + y)
            x = self.feed_forward_norm(x + self._feed_forward(x, training))
        return (x, self_weights, cross_weights) if return_attention_scores else x

    def compute_mask(self, inputs, mask=None):
        return mask[0] if mask else None

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])


@keras.saving.register_keras_serializable(package="layers")
class Transformer(keras.layers.Layer):
    """Encoder–decoder Transformer: source and target tokens to logits of each next target token.

    Tokens are integers; 0 is padding, to which nothing attends. Positional encodings are sinusoids;
    normalization precedes each sub-layer (pre-norm). The output layer shares the matrix of the
    target embedding (tied weights).

    `generate` decodes: it calls `encode` once, then `decode` and `logits` for each token.

    Args:
        source_vocabulary_size: Number of source tokens, padding included.
        target_vocabulary_size: Number of target tokens, padding included.
        embed_dim: Dimension of embeddings and of all vectors between the blocks.
        num_heads: Number of attention heads in each block.
        ff_dim: Units of the hidden layer of each feed-forward network.
        depth: Number of blocks, in the encoder as well as in the decoder.
        dropout: Dropout rate of the embeddings and of each sub-layer's output.
        seed: Of the dropout.

    Input shape:
        A list of integers: source `(batch, source_steps)` and target `(batch, steps)`.

    Output shape:
        `(batch, steps, target_vocabulary_size)`: logits of the token after each target token.

    Raises:
        ValueError: For arguments out of range, and if `embed_dim` is no multiple of `num_heads`.

    Reference:
        Vaswani et al. (2017), https://arxiv.org/abs/1706.03762

    Example:

    >>> source, target = keras.ops.array([[5, 3, 0]]), keras.ops.array([[1, 4, 2, 6]])
    >>> transformer = Transformer(10, 7, embed_dim=16, num_heads=4, ff_dim=32)
    >>> tuple(transformer([source, target]).shape)
    (1, 4, 7)
    """

    def __init__(
        self,
        source_vocabulary_size,
        target_vocabulary_size,
        embed_dim,
        num_heads,
        ff_dim,
        depth=2,
        dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value in (
            ("depth", depth),
            ("source_vocabulary_size", source_vocabulary_size),
            ("target_vocabulary_size", target_vocabulary_size),
        ):
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
        self.source_vocabulary_size = source_vocabulary_size
        self.target_vocabulary_size = target_vocabulary_size
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.ff_dim = ff_dim
        self.depth = depth
        self.dropout = dropout
        self.seed = seed
        self.input_spec = [keras.layers.InputSpec(ndim=2), keras.layers.InputSpec(ndim=2)]

        dtype = self.dtype_policy
        self.source_embedding = keras.layers.Embedding(
            source_vocabulary_size,
            embed_dim,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=embed_dim**-0.5),
            dtype=dtype,
            name="source_embedding",
        )
        self.target_embedding = keras.layers.ReversibleEmbedding(
            target_vocabulary_size,
            embed_dim,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=embed_dim**-0.5),
            dtype=dtype,
            name="target_embedding",
        )
        self.positional_encoding = PositionalEncoding(dtype=dtype)
        self.source_dropout = keras.layers.Dropout(dropout, seed=self._seed(0), dtype=dtype)
        self.target_dropout = keras.layers.Dropout(dropout, seed=self._seed(1), dtype=dtype)
        self.encoder = []
        self.decoder = []
        for number in range(depth):
            seed = self._seed(2 + number)
            block = TransformerEncoder(num_heads, ff_dim, dropout, seed=seed, dtype=dtype)
            self.encoder.append(block)
        for number in range(depth):
            seed = self._seed(2 + depth + number)
            block = TransformerDecoder(num_heads, ff_dim, dropout, seed=seed, dtype=dtype)
            self.decoder.append(block)
        self.encoder_norm = keras.layers.LayerNormalization(epsilon=1e-5, dtype=dtype)
        self.decoder_norm = keras.layers.LayerNormalization(epsilon=1e-5, dtype=dtype)

    def _seed(self, number):
        """A seed for each layer, ten apart: a block has a seed for each of its dropouts."""
        return None if self.seed is None else self.seed + 10 * number

    def build(self, input_shape=None):
        shape = (None, None, self.embed_dim)
        self.source_embedding.build(shape)
        self.target_embedding.build(shape)
        for block in self.encoder:
            block.build(shape)
        self.encoder_norm.build(shape)
        self.decoder_norm.build(shape)
        for block in self.decoder:
            block.build([shape, shape])
        self.built = True

    def encode(self, source, training=None):
        """Runs the encoder.

        Args:
            source: Integers `(batch, source_steps)`.

        Returns:
            Its outputs, `(batch, source_steps, embed_dim)`, and their mask, boolean
            `(batch, source_steps)`: True where there is no padding.
        """
        mask = ops.not_equal(source, 0)
        x = self.source_embedding(source) * self.embed_dim**0.5
        x = self.source_dropout(self.positional_encoding(x), training=training)
        for block in self.encoder:
            x = block(x, mask=mask, training=training)
        return self.encoder_norm(x), mask

    def decode(self, target, encoded, source_mask, training=None):
        """Runs the decoder.

        Args:
            target: Integers `(batch, steps)`.
            encoded, source_mask: As `encode` returns them.

        Returns:
            Its outputs, `(batch, steps, embed_dim)`, and the cross-attention weights of its last
            block, `(batch, num_heads, steps, source_steps)`.
        """
        x = self.target_embedding(target) * self.embed_dim**0.5
        x = self.target_dropout(self.positional_encoding(x), training=training)
        for block in self.decoder:
            x, _, cross_weights = block(
                [x, encoded],
                mask=[None, source_mask],
                training=training,
                return_attention_scores=True,
            )
        return self.decoder_norm(x), cross_weights

    def logits(self, decoded):
        """Logits of all target tokens from `decode`'s outputs, by the transposed embedding."""
        return ops.cast(self.target_embedding(decoded, reverse=True), self.compute_dtype)

    def next_log_probabilities(self, target, encoded, source_mask):
        """Log-probabilities of the token after each prefix: `(batch, target_vocabulary_size)`."""
        with warnings.catch_warnings():  # the first token has only itself to attend to
            warnings.filterwarnings("ignore", message="You are using a softmax over axis")
            decoded, _ = self.decode(target, encoded, source_mask)
        return ops.log_softmax(ops.cast(self.logits(decoded[:, -1]), "float32"))

    def generate(self, source, start, stop, max_length, beam_width=1, forbidden=()):
        """Decodes by beam search; the score of a sequence is its mean log-probability per token.

        Args:
            source: Integers `(batch, source_steps)`.
            start: The first token of each target sequence.
            stop: The token that ends a target sequence.
            max_length: Maximum number of tokens to generate after `start`, including `stop`.
            beam_width: Prefixes kept at each step; 1 is greedy decoding.
            forbidden: Tokens that are never generated, besides padding.

        Returns:
            The best sequences, NumPy integers `(batch, 1 + steps)`. Shorter ones are padded with
            `stop`.
        """
        encoded, source_mask = self.encode(source)
        # Repeat each source for each of its prefixes: (batch * beam_width, source_steps, …).
        encoded = ops.repeat(encoded, beam_width, axis=0)
        source_mask = ops.repeat(source_mask, beam_width, axis=0)

        def step(prefixes):
            prefixes = ops.convert_to_tensor(prefixes)
            log_probabilities = self.next_log_probabilities(prefixes, encoded, source_mask)
            log_probabilities = np.array(ops.convert_to_numpy(log_probabilities))
            log_probabilities[:, [0, *forbidden]] = -np.inf
            return log_probabilities

        prefixes = np.full((len(source), 1), start)
        sequences, _ = beam_search(step, prefixes, stop, max_length, beam_width, length_penalty=1.0)
        return sequences[:, 0]

    def call(self, inputs, training=None):
        source, target = inputs
        encoded, source_mask = self.encode(source, training)
        decoded, _ = self.decode(target, encoded, source_mask, training)
        return self.logits(decoded)

    def compute_output_shape(self, input_shape):
        return (*input_shape[1], self.target_vocabulary_size)

    def get_config(self):
        return {
            **super().get_config(),
            "source_vocabulary_size": self.source_vocabulary_size,
            "target_vocabulary_size": self.target_vocabulary_size,
            "embed_dim": self.embed_dim,
            "num_heads": self.num_heads,
            "ff_dim": self.ff_dim,
            "depth": self.depth,
            "dropout": self.dropout,
            "seed": self.seed,
        }

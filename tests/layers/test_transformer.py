import keras
import numpy as np
import pytest
from keras import ops

from layers.beam_search import beam_search
from layers.transformer import Transformer, TransformerDecoder, TransformerEncoder
from tests.layers.conformance import check_layer

RNG = np.random.default_rng(1)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def attend(x, other, weights, allowed):
    """Multi-head attention of one sequence to another, a head and a query at a time."""
    w_q, w_k, w_v, w_o = weights
    _, heads, size = w_q.shape
    result = np.zeros((len(x), w_o.shape[-1]))
    for head in range(heads):
        keys = other @ w_k[:, head]
        values = other @ w_v[:, head]
        for t, query in enumerate(x @ w_q[:, head]):
            kept = np.flatnonzero(allowed[t])
            powers = np.exp(keys[kept] @ query / np.sqrt(size))
            result[t] += powers / powers.sum() @ values[kept] @ w_o[head]
    return result


def normalize(x, scale, offset):
    centered = x - x.mean(-1, keepdims=True)
    return scale * centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-5) + offset


def block(x, weights, attentions, norm_first, activate):
    """A block on one sequence.

    `attentions` has, for each attention, the sequence that it attends to (None: its own) and the
    keys allowed to each query, (queries, keys).
    """
    count = len(attentions)
    w1, b1, w2, b2 = weights[4 * count : 4 * count + 4]
    norms = weights[4 * count + 4 :]
    for number in range(count + 1):
        scale, offset = norms[2 * number : 2 * number + 2]
        y = normalize(x, scale, offset) if norm_first else x
        if number < count:
            other, allowed = attentions[number]
            other = y if other is None else other
            y = attend(y, other, weights[4 * number : 4 * number + 4], allowed)
        else:
            y = activate(y @ w1 + b1) @ w2 + b2
        x = x + y if norm_first else normalize(x + y, scale, offset)
    return x


def relu(x):
    return np.maximum(x, 0)


@pytest.mark.parametrize(
    ("norm_first", "causal"),
    [pytest.param(True, False, marks=pytest.mark.full), (False, True)],
)
def test_encoder_conforms(norm_first, causal):
    steps, embed_dim, ff_dim = 5, 6, 7
    allowed = np.tri(steps) if causal else np.ones((steps, steps))

    def reference(inputs, weights):
        rows = [block(x, weights, [(None, allowed)], norm_first, np.tanh) for x in inputs]
        return np.stack(rows)

    check_layer(
        TransformerEncoder,
        {
            "num_heads": 3,
            "ff_dim": ff_dim,
            "dropout": 0.3,
            "causal": causal,
            "norm_first": norm_first,
            "activation": "tanh",
            "seed": 4,
        },
        (3, steps, embed_dim),
        reference=reference,
        parameters=4 * embed_dim**2 + 2 * embed_dim * ff_dim + ff_dim + embed_dim + 4 * embed_dim,
        large=300,  # attention multiplies inputs by inputs, in 16 bits
        mask="passed",
        random=True,
        bad_arguments=[
            {"num_heads": 0},
            {"ff_dim": 1.5},
            {"dropout": 1.0},
            {"norm_first": "before"},
        ],
        bad_shapes=[(2, 5), (2, 5, 4), (2, 5, 6, 6)],
    )


def test_decoder_conforms():
    steps, embed_dim, ff_dim, source_dim = 4, 6, 7, 10

    def reference(inputs, weights):
        rows = []
        for target, source in zip(*inputs, strict=True):
            attentions = [(None, np.tri(steps)), (source, np.ones((steps, 5)))]
            rows.append(block(target, weights, attentions, False, relu))
        return np.stack(rows)

    self_attention = 4 * embed_dim**2
    cross_attention = 2 * embed_dim**2 + 2 * embed_dim * source_dim
    feed_forward = 2 * embed_dim * ff_dim + ff_dim + embed_dim
    norms = 6 * embed_dim
    check_layer(
        TransformerDecoder,
        {"num_heads": 2, "ff_dim": ff_dim, "dropout": 0.3, "norm_first": False, "seed": 4},
        [(3, steps, embed_dim), (3, 5, source_dim)],
        reference=reference,
        parameters=self_attention + cross_attention + feed_forward + norms,
        large=300,
        random=True,
        bad_arguments=[{"num_heads": -1}, {"ff_dim": 0}, {"dropout": -0.1}, {"norm_first": None}],
        bad_shapes=[[(2, 5), (2, 5, 6)], [(2, 5, 6), (2, 5)], [(2, 5, 3), (2, 5, 6)]],
    )


def sinusoids(steps, embed_dim):
    column = np.arange(embed_dim)
    angles = np.arange(steps)[:, None] / 10_000 ** (column // 2 * 2 / embed_dim)
    return np.where(column % 2, np.cos(angles), np.sin(angles))


def whole_transformer(inputs, weights):
    """A Transformer with blocks of depth 1, weights in the order of the layer's; 0 is padding."""
    source_embedding, target_embedding, *rest = weights
    encoder, decoder, norms = rest[:12], rest[12:-4], rest[-4:]
    embed_dim = source_embedding.shape[1]
    answers = []
    for source, target in zip(*inputs, strict=True):
        source = source[source > 0]
        x = source_embedding[source] * embed_dim**0.5 + sinusoids(len(source), embed_dim)
        encoded = block(x, encoder, [(None, np.ones((len(x), len(x))))], True, relu)
        encoded = normalize(encoded, *norms[:2])
        y = target_embedding[target] * embed_dim**0.5 + sinusoids(len(target), embed_dim)
        attentions = [(None, np.tri(len(y))), (encoded, np.ones((len(y), len(x))))]
        decoded = normalize(block(y, decoder, attentions, True, relu), *norms[2:])
        answers.append(decoded @ target_embedding.T)
    return np.stack(answers)


@pytest.mark.full
def test_transformer_conforms():
    check_layer(
        Transformer,
        {
            "source_vocabulary_size": 9,
            "target_vocabulary_size": 7,
            "embed_dim": 6,
            "num_heads": 2,
            "ff_dim": 5,
            "depth": 1,
            "dropout": 0.3,
            "seed": 4,
        },
        inputs=[
            np.array([[3, 8, 0, 0], [2, 2, 5, 1]], "int32"),
            np.array([[1, 6, 5], [1, 3, 0]], "int32"),
        ],
        reference=whole_transformer,
        parameters=16 * 6 + 12 * 36 + 2 * (2 * 30 + 11) + 7 * 12,
        random=True,
        bad_arguments=[{"depth": 0}, {"source_vocabulary_size": 0}, {"dropout": 1.0}],
        bad_shapes=[[(2, 5, 3), (2, 5)]],
    )


STOP, START, FORBIDDEN, LENGTH = 2, 1, 5, 5
SOURCES = np.array([[3, 5, 0, 0], [2, 7, 6, 1], [4, 1, 0, 0]], "int32")


def sharp_transformer(seed):
    """An untrained network that is nevertheless sure of something, other things for each source."""
    keras.utils.set_random_seed(seed)
    layer = Transformer(8, 7, embed_dim=8, num_heads=2, ff_dim=16, depth=1)
    layer([SOURCES, np.ones((3, 1), "int32")])
    rng = np.random.default_rng(seed)
    layer.set_weights([weight + rng.normal(0, 0.4, weight.shape) for weight in layer.get_weights()])
    # What must not be generated is what it would like to generate.
    logits = layer.logits
    wanted = np.zeros(7, "float32")
    wanted[[0, FORBIDDEN]] = 3
    layer.logits = lambda decoded: logits(decoded) + wanted
    return layer


def likeliest(layer, source, beam_width, length_penalty):
    """Beam search over what a call says, one source at a time and without its padding."""
    source = source[source > 0]

    def step(target):
        logits = layer([np.tile(source, (len(target), 1)), np.asarray(target, "int32")])
        logs = np.array(ops.convert_to_numpy(ops.log_softmax(logits[:, -1])))
        logs[:, [0, FORBIDDEN]] = -np.inf
        return logs

    sequences, _ = beam_search(step, [[START]], STOP, LENGTH, beam_width, length_penalty)
    found = sequences[0, 0].tolist()
    return found + [STOP] * (1 + LENGTH - len(found))


@pytest.mark.parametrize("beam_width", [pytest.param(1, marks=pytest.mark.full), 3])
def test_generation_is_beam_search_by_the_score_per_token(beam_width):
    """Batches, padding, start, stop, forbidden tokens and penalty, against one source at a time."""
    differs = False
    for seed in range(2):
        layer = sharp_transformer(seed)
        found = layer.generate(SOURCES, START, STOP, LENGTH, beam_width, forbidden=(FORBIDDEN,))
        missing = 1 + LENGTH - found.shape[1]
        found = np.pad(found, ((0, 0), (0, missing)), constant_values=STOP).tolist()
        assert found == [likeliest(layer, source, beam_width, 1.0) for source in SOURCES]
        differs = differs or found != [
            likeliest(layer, source, beam_width, 0.0) for source in SOURCES
        ]
    assert differs == (beam_width > 1), (
        "where the penalty changes nothing this test would not notice its absence"
    )


def test_padding_of_the_source_changes_no_score():
    """Neither in the encoder nor in the decoder."""
    layer = sharp_transformer(0)
    target = np.array([[1, 4, 3], [1, 3, 6]], "int32")
    sources = np.array([[3, 5, 2], [6, 1, 4]], "int32")
    expected = ops.convert_to_numpy(layer([sources, target]))
    for width in (1, 5):
        padded = np.pad(sources, ((0, 0), (0, width)))
        found = ops.convert_to_numpy(layer([padded, target]))
        np.testing.assert_allclose(found, expected, atol=1e-4)
        encoded, mask = layer.encode(padded)
        weights = ops.convert_to_numpy(layer.decode(target, encoded, mask)[1])
        assert weights[..., 3:].max() < 1e-6
        assert weights[..., :3].sum(-1) == pytest.approx(1, abs=1e-4)


def test_dropouts_of_one_block_have_seeds_of_their_own():
    """With one seed for all, the same units would be dropped in each sub-layer."""
    layer = TransformerDecoder(2, 8, dropout=0.5, seed=3)
    layer.build([(None, None, 8), (None, None, 8)])
    dropouts = [
        layer.attention_dropout,
        layer.cross_attention_dropout,
        layer.feed_forward_dropout,
    ]
    assert len({dropout.seed for dropout in dropouts}) == 3


def test_each_matrix_begins_with_numbers_of_its_own():
    layer = TransformerEncoder(2, 8)
    layer.build((None, None, 8))
    matrices = [
        layer.intermediate_dense.kernel,
        layer.output_dense.kernel,
        *layer.attention.weights,
    ]
    assert len({float(ops.ravel(matrix)[0]) for matrix in matrices}) == 6


@pytest.mark.parametrize("norm_first", [True, False])
def test_causal_a_later_token_changes_no_earlier_output(norm_first):
    x, memory = normal(2, 6, 8), normal(2, 3, 8)
    changed = x.copy()
    changed[:, 4:] = normal(2, 2, 8)
    encoder = TransformerEncoder(2, 16, causal=True, norm_first=norm_first)
    decoder = TransformerDecoder(2, 16, norm_first=norm_first)
    for before, after in (
        (encoder(x), encoder(changed)),
        (decoder([x, memory]), decoder([changed, memory])),
    ):
        before, after = map(ops.convert_to_numpy, (before, after))
        np.testing.assert_allclose(before[:, :4], after[:, :4], atol=1e-6)
        assert (np.abs(before - after)[:, 4:].max(-1) > 1e-3).all()
    plain = TransformerEncoder(2, 16, norm_first=norm_first)
    assert (np.abs(ops.convert_to_numpy(plain(x) - plain(changed)))[:, :4].max(-1) > 1e-4).all()


def test_feed_forward_network_sees_one_step_at_a_time():
    """M18: with attention silenced, an output depends on the word at its own place only."""
    layer, x = TransformerEncoder(2, 16), normal(1, 5, 8)
    layer.build(x.shape)
    layer.attention.set_weights([np.zeros_like(w) for w in layer.attention.get_weights()])
    changed = x.copy()
    changed[:, 2] = normal(8)
    difference = np.abs(ops.convert_to_numpy(layer(x) - layer(changed)))[0].max(-1)
    assert difference[2] > 0.1
    assert (difference[[0, 1, 3, 4]] < 1e-6).all()


def test_only_the_cross_attention_sees_the_source():
    """M22: the encoder's keys and values go to cross-attention (the slide: to the masked one)."""
    decoder, x, source = TransformerDecoder(2, 16), normal(2, 4, 8), normal(2, 6, 8)
    first = decoder([x, source])
    assert np.abs(ops.convert_to_numpy(first - decoder([x, source[::-1].copy()]))).max() > 1e-3
    _, own, cross = decoder([x, source], return_attention_scores=True)
    _, own_again, cross_again = decoder([x, source[::-1].copy()], return_attention_scores=True)
    np.testing.assert_array_equal(ops.convert_to_numpy(own), ops.convert_to_numpy(own_again))
    assert np.abs(ops.convert_to_numpy(cross - cross_again)).max() > 1e-3


@pytest.mark.parametrize("causal", [False, True])
def test_attention_weights_follow_the_masks(causal):
    words = keras.layers.Embedding(10, 8, mask_zero=True)
    texts = words(np.array([[3, 7, 4, 0], [5, 0, 0, 0]]))
    layer = TransformerEncoder(2, 16, causal=causal)
    plain = layer(texts)
    outputs, scores = layer(texts, return_attention_scores=True)
    outputs, scores, plain = map(ops.convert_to_numpy, (outputs, scores, plain))
    np.testing.assert_allclose(outputs, plain, atol=1e-5)
    assert scores.shape == (2, 2, 4, 4)
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)
    assert (scores[0, :, :, 3] < 1e-6).all()
    assert (scores[1, :, :, 1:] < 1e-6).all()
    assert (scores[0, :, 0, 1] < 1e-6).all() == causal


@pytest.mark.parametrize("norm_first", [True, False])
def test_padding_of_either_sequence_is_not_attended_to(norm_first):
    """Two decoders on one encoder: the second one knows the encoder's mask as well as the first."""
    tokens = [keras.Input((None,), dtype="int32") for _ in range(2)]
    embed = keras.layers.Embedding(10, 8, mask_zero=True)
    encoded = TransformerEncoder(2, 16, norm_first=norm_first)(embed(tokens[0]))
    x = embed(tokens[1])
    for _ in range(2):
        x = TransformerDecoder(2, 16, norm_first=norm_first)([x, encoded])
    model = keras.Model(tokens, x)
    source, target = np.array([[4, 2, 9]]), np.array([[1, 5]])
    expected = ops.convert_to_numpy(model([source, target]))
    for pad in (1, 4):
        padded = np.pad(source, ((0, 0), (0, pad))), np.pad(target, ((0, 0), (0, pad)))
        np.testing.assert_allclose(
            ops.convert_to_numpy(model(list(padded)))[:, :2], expected, atol=1e-5
        )
        after = ops.convert_to_numpy(model([source, np.pad(target, ((0, 0), (pad, 0)))]))[:, pad:]
        np.testing.assert_allclose(after, expected, atol=1e-5)


def test_a_text_of_padding_only_gives_numbers():
    texts = keras.layers.Embedding(10, 8, mask_zero=True)(np.zeros((2, 3), "int32"))
    for layer in (
        TransformerEncoder(2, 16),
        TransformerEncoder(2, 16, causal=True, norm_first=False),
    ):
        assert np.isfinite(ops.convert_to_numpy(layer(texts))).all()


def test_layer_takes_no_mask_away_from_its_inputs():
    texts = keras.layers.Embedding(10, 8, mask_zero=True)(np.array([[3, 0]]))
    for norm_first in (True, False):
        outputs = TransformerEncoder(2, 16, norm_first=norm_first)(texts)
        TransformerDecoder(2, 16, norm_first=norm_first)([texts, texts])
        for kept in (texts, outputs):
            assert ops.convert_to_numpy(keras.src.backend.get_keras_mask(kept)).tolist() == [
                [True, False]
            ]

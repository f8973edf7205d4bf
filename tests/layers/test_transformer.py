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


def attend(queries, seen, weights, allowed):
    """Multi-head attention of one sequence, a head and a query at a time."""
    w_q, w_k, w_v, w_o = weights
    _, heads, size = w_q.shape
    result = np.zeros((len(queries), w_o.shape[-1]))
    for head in range(heads):
        keys, values = seen @ w_k[:, head], seen @ w_v[:, head]
        for t, query in enumerate(queries @ w_q[:, head]):
            may = np.flatnonzero(allowed[t])
            powers = np.exp(keys[may] @ query / np.sqrt(size))
            result[t] += powers / powers.sum() @ values[may] @ w_o[head]
    return result


def normalise(x, scale, offset):
    away = x - x.mean(-1, keepdims=True)
    return scale * away / np.sqrt((away**2).mean(-1, keepdims=True) + 1e-5) + offset


def block(x, weights, attentions, norm, activate):
    """A block on one sequence: `attentions` says for each of them what it looks at (None: itself) and may look at."""
    count = len(attentions)
    w1, b1, w2, b2 = weights[4 * count : 4 * count + 4]
    norms = list(zip(weights[4 * count + 4 :: 2], weights[4 * count + 5 :: 2], strict=True))
    parts = [
        lambda y, i=i, seen=seen, allowed=allowed: attend(
            y, y if seen is None else seen, weights[4 * i : 4 * i + 4], allowed
        )
        for i, (seen, allowed) in enumerate(attentions)
    ]
    parts.append(lambda y: activate(y @ w1 + b1) @ w2 + b2)
    for part, (scale, offset) in zip(parts, norms, strict=True):
        x = (
            x + part(normalise(x, scale, offset))
            if norm == "before"
            else normalise(x + part(x), scale, offset)
        )
    return x


def relu(x):
    return np.maximum(x, 0)


@pytest.mark.parametrize(("norm", "causal"), [("before", False), ("after", True)])
def test_encoder_conforms(norm, causal):
    steps, features, units = 5, 6, 7
    allowed = np.tri(steps) if causal else np.ones((steps, steps))
    check_layer(
        TransformerEncoder,
        {
            "num_heads": 3,
            "units": units,
            "dropout": 0.3,
            "causal": causal,
            "norm": norm,
            "activation": "tanh",
            "seed": 4,
        },
        (3, steps, features),
        reference=lambda x, w: np.stack(
            [block(row, w, [(None, allowed)], norm, np.tanh) for row in x]
        ),
        parameters=4 * features**2 + 2 * features * units + units + features + 4 * features,
        mask="passed",
        random=True,
        bad_arguments=[{"num_heads": 0}, {"units": 1.5}, {"dropout": 1.0}, {"norm": "between"}],
        bad_shapes=[(2, 5), (2, 5, 4), (2, 5, 6, 6)],
    )


def test_decoder_conforms():
    norm = "after"
    steps, features, units, read = 4, 6, 7, 10
    look = lambda seen: [(None, np.tri(steps)), (seen, np.ones((steps, 5)))]  # noqa: E731
    check_layer(
        TransformerDecoder,
        {"num_heads": 2, "units": units, "dropout": 0.3, "norm": norm, "seed": 4},
        [(3, steps, features), (3, 5, read)],
        reference=lambda x, w: np.stack(
            [block(row, w, look(seen), norm, relu) for row, seen in zip(*x, strict=True)]
        ),
        parameters=6 * features**2
        + 2 * features * read
        + 2 * features * units
        + units
        + features
        + 6 * features,
        random=True,
        bad_arguments=[{"num_heads": -1}, {"units": 0}, {"dropout": -0.1}, {"norm": None}],
        bad_shapes=[[(2, 5), (2, 5, 6)], [(2, 5, 6), (2, 5)], [(2, 5, 3), (2, 5, 6)]],
    )


def places(steps, features):
    waves = np.arange(steps)[:, None] / 10_000 ** (np.arange(features) // 2 * 2 / features)
    return np.where(np.arange(features) % 2, np.cos(waves), np.sin(waves))


def whole(inputs, weights):
    """A Transformer of one block each, with its weights in the order in which it makes them; 0 is padding."""
    read, write, *rest = weights
    encoder, decoder, norms = rest[:12], rest[12:-4], rest[-4:]
    answers = []
    for source, target in zip(*inputs, strict=True):
        source, features = source[source > 0], read.shape[1]
        x, y = (
            e[t] * features**0.5 + places(len(t), features)
            for e, t in ((read, source), (write, target))
        )
        memory = normalise(
            block(x, encoder, [(None, np.ones((len(x), len(x))))], "before", relu), *norms[:2]
        )
        looks = [(None, np.tri(len(y))), (memory, np.ones((len(y), len(x))))]
        answers.append(normalise(block(y, decoder, looks, "before", relu), *norms[2:]) @ write.T)
    return np.stack(answers)


def test_transformer_conforms():
    check_layer(
        Transformer,
        {
            "read_tokens": 9,
            "written_tokens": 7,
            "features": 6,
            "num_heads": 2,
            "units": 5,
            "blocks": 1,
            "dropout": 0.3,
            "seed": 4,
        },
        inputs=[
            np.array([[3, 8, 0, 0], [2, 2, 5, 1]], "int32"),
            np.array([[1, 6, 5], [1, 3, 0]], "int32"),
        ],
        reference=whole,
        parameters=16 * 6 + 12 * 36 + 2 * (2 * 30 + 11) + 7 * 12,
        random=True,
        bad_arguments=[{"blocks": 0}, {"read_tokens": 0}, {"dropout": 1.0}],
        bad_shapes=[[(2, 5, 3), (2, 5)]],
    )


STOP, START, FORBIDDEN, LENGTH = 2, 1, 5, 5
SOURCES = np.array([[3, 5, 0, 0], [2, 7, 6, 1], [4, 1, 0, 0]], "int32")


def sharp_transformer(seed):
    """An untrained network that is nevertheless sure of something, other things for each source."""
    keras.utils.set_random_seed(seed)
    layer = Transformer(8, 7, features=8, num_heads=2, units=16, blocks=1)
    layer([SOURCES, np.ones((3, 1), "int32")])
    rng = np.random.default_rng(seed)
    layer.set_weights([weight + rng.normal(0, 0.4, weight.shape) for weight in layer.get_weights()])
    score, wanted = layer.score, np.zeros(7, "float32")
    wanted[[0, FORBIDDEN]] = 3  # what must not be written is what it would like to write
    layer.score = lambda vectors: score(vectors) + wanted
    return layer


def likeliest(layer, source, width, penalty):
    """Beam search over what a call says, one source at a time and without its padding."""
    source = source[source > 0]

    def step(written):
        logits = layer([np.tile(source, (len(written), 1)), np.asarray(written, "int32")])
        logs = np.array(ops.convert_to_numpy(ops.log_softmax(logits[:, -1])))
        logs[:, [0, FORBIDDEN]] = -np.inf
        return logs

    found = beam_search(step, [[START]], STOP, LENGTH, width, penalty)[0][0, 0].tolist()
    return found + [STOP] * (1 + LENGTH - len(found))


@pytest.mark.parametrize("width", [1, 3])
def test_generation_is_beam_search_by_the_score_per_token(width):
    """Batches, padding, start, stop, forbidden tokens and the length penalty, against one source at a time."""
    differs = False
    for seed in range(2):
        layer = sharp_transformer(seed)
        found = layer.generate(SOURCES, START, STOP, LENGTH, width=width, forbidden=(FORBIDDEN,))
        found = np.pad(
            found, ((0, 0), (0, 1 + LENGTH - found.shape[1])), constant_values=STOP
        ).tolist()
        assert found == [likeliest(layer, source, width, penalty=1.0) for source in SOURCES]
        differs = differs or found != [
            likeliest(layer, source, width, penalty=0.0) for source in SOURCES
        ]
    assert differs == (width > 1), (
        "where the penalty changes nothing this test would not notice its absence"
    )


def test_padding_of_the_source_changes_no_score():
    """Neither in the encoder nor in the decoder."""
    layer, written = sharp_transformer(0), np.array([[1, 4, 3], [1, 3, 6]], "int32")
    sources = np.array([[3, 5, 2], [6, 1, 4]], "int32")
    expected = ops.convert_to_numpy(layer([sources, written]))
    for width in (1, 5):
        padded = np.pad(sources, ((0, 0), (0, width)))
        np.testing.assert_allclose(
            ops.convert_to_numpy(layer([padded, written])), expected, atol=1e-4
        )
        memory, real = layer.encode(padded)
        weights = ops.convert_to_numpy(layer.decode(written, memory, real)[1])
        assert weights[..., 3:].max() < 1e-6
        assert weights[..., :3].sum(-1) == pytest.approx(1, abs=1e-4)


def test_each_matrix_begins_with_numbers_of_its_own():
    layer = TransformerEncoder(2, 8)
    layer.build((None, None, 8))
    matrices = [layer.widen.kernel, layer.narrow.kernel, *layer.attention.weights]
    assert len({float(ops.ravel(matrix)[0]) for matrix in matrices}) == 6


@pytest.mark.parametrize("norm", ["before", "after"])
def test_causal_a_later_token_changes_no_earlier_output(norm):
    x, memory = normal(2, 6, 8), normal(2, 3, 8)
    changed = x.copy()
    changed[:, 4:] = normal(2, 2, 8)
    encoder = TransformerEncoder(2, 16, causal=True, norm=norm)
    decoder = TransformerDecoder(2, 16, norm=norm)
    for before, after in (
        (encoder(x), encoder(changed)),
        (decoder([x, memory]), decoder([changed, memory])),
    ):
        before, after = map(ops.convert_to_numpy, (before, after))
        np.testing.assert_allclose(before[:, :4], after[:, :4], atol=1e-6)
        assert (np.abs(before - after)[:, 4:].max(-1) > 1e-3).all()
    plain = TransformerEncoder(2, 16, norm=norm)
    assert (np.abs(ops.convert_to_numpy(plain(x) - plain(changed)))[:, :4].max(-1) > 1e-4).all()


def test_feed_forward_part_looks_at_one_word_at_a_time():
    """M18: with attention silenced, an output depends on the word at its own place only."""
    layer, x = TransformerEncoder(2, 16), normal(1, 5, 8)
    layer.build(x.shape)
    layer.attention.set_weights([np.zeros_like(w) for w in layer.attention.get_weights()])
    changed = x.copy()
    changed[:, 2] = normal(8)
    difference = np.abs(ops.convert_to_numpy(layer(x) - layer(changed)))[0].max(-1)
    assert difference[2] > 0.1
    assert (difference[[0, 1, 3, 4]] < 1e-6).all()


def test_only_the_second_attention_reads_the_source():
    """M22: keys and values of the encoder go to the cross-attention (the slide draws them into the masked one)."""
    decoder, x, source = TransformerDecoder(2, 16), normal(2, 4, 8), normal(2, 6, 8)
    first = decoder([x, source])
    assert np.abs(ops.convert_to_numpy(first - decoder([x, source[::-1].copy()]))).max() > 1e-3
    _, own, cross = decoder([x, source], return_attention_scores=True)
    _, own_again, cross_again = decoder([x, source[::-1].copy()], return_attention_scores=True)
    np.testing.assert_array_equal(ops.convert_to_numpy(own), ops.convert_to_numpy(own_again))
    assert np.abs(ops.convert_to_numpy(cross - cross_again)).max() > 1e-3


@pytest.mark.parametrize("causal", [False, True])
def test_scores_show_who_looks_at_whom(causal):
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


@pytest.mark.parametrize("norm", ["before", "after"])
def test_padding_of_either_sequence_is_not_looked_at(norm):
    """Two decoders on one encoder: the second one knows the encoder's mask as well as the first."""
    tokens, words = (
        [keras.Input((None,), dtype="int32") for _ in range(2)],
        keras.layers.Embedding(10, 8, mask_zero=True),
    )
    read, x = TransformerEncoder(2, 16, norm=norm)(words(tokens[0])), words(tokens[1])
    for _ in range(2):
        x = TransformerDecoder(2, 16, norm=norm)([x, read])
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
    for layer in (TransformerEncoder(2, 16), TransformerEncoder(2, 16, causal=True, norm="after")):
        assert np.isfinite(ops.convert_to_numpy(layer(texts))).all()


def test_layer_takes_no_mask_away_from_its_inputs():
    texts = keras.layers.Embedding(10, 8, mask_zero=True)(np.array([[3, 0]]))
    for norm in ("before", "after"):
        outputs = TransformerEncoder(2, 16, norm=norm)(texts)
        TransformerDecoder(2, 16, norm=norm)([texts, texts])
        for kept in (texts, outputs):
            assert ops.convert_to_numpy(keras.src.backend.get_keras_mask(kept)).tolist() == [
                [True, False]
            ]

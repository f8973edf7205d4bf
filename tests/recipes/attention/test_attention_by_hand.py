"""M2 to M5, M7 to M10, M39: table, scores, masks, heads, against Keras' own layers (N45, N46)."""

import keras
import numpy as np
import pytest

from recipes.attention import attention_by_hand as recipe

RNG = np.random.default_rng(0)
QUERY, VALUE, KEY = (RNG.normal(size=(2, steps, 8)).astype("float32") for steps in (5, 7, 7))


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_thinking_machines():
    weights = recipe.softmax(np.array([112, 96]) / np.sqrt(64))
    assert weights.round(4).tolist() == [0.8808, 0.1192]
    assert weights == pytest.approx([1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))])
    key = np.zeros((2, 64))
    key[:, 0] = 14, 12
    query, value = 8 * np.eye(64)[:1], np.array([[1.0, 0.0], [0.0, 1.0]])
    z, same = recipe.attention(query, key, value)  # products 112 and 96, d = 64
    assert same[0] == pytest.approx(weights)
    assert z[0] == pytest.approx([0.880797, 0.119203], abs=1e-6)


def test_same_word_other_context_other_weights_where_a_dense_layer_is_the_same():
    dense, found = keras.layers.Dense(3), []
    for sentence in recipe.SENTENCES:
        words = sentence.split()
        x = np.array([recipe.EMBEDDINGS[word] for word in words], "float32")
        z, weights = recipe.attention(x, x, x)
        at = words.index("banco")
        found.append((z[at], weights[at, words.index("del")], numpy(dense(x))[at]))
    (first, _, dense_first), (second, _, dense_second) = found
    assert first[0] > 1 > second[0]
    assert first[1] < 1 < second[1]
    assert dense_first == pytest.approx(dense_second)


def test_three_maps_of_the_same_embedding():
    """Q = X W^q, K = X W^k, V = X W^v: `Dense` before Keras' `Attention`, which omits the √d."""
    maps = [keras.layers.Dense(4, use_bias=False) for _ in range(3)]
    query, key, value = (layer(QUERY) for layer in maps)
    by_hand = [QUERY @ layer.get_weights()[0] for layer in maps]
    z, weights = keras.layers.Attention()([query, value, key], return_attention_scores=True)
    expected, expected_weights = recipe.attention(*by_hand, scale=1)
    assert numpy(z) == pytest.approx(expected, abs=1e-5)
    assert numpy(weights) == pytest.approx(expected_weights, abs=1e-5)
    assert np.abs(recipe.attention(*by_hand)[0] - expected).max() > 0.01


def test_attention_layer_with_masks():
    may_look = np.array([[True] * 7, [True] * 4 + [False] * 3])
    layer = keras.layers.Attention()
    theirs = layer([QUERY, VALUE, KEY], mask=[None, may_look])
    assert (
        theirs.shape
        == (2, 5, 8)
        == layer.compute_output_shape([QUERY.shape, VALUE.shape, KEY.shape])
    )
    assert numpy(theirs) == pytest.approx(
        recipe.attention(QUERY, KEY, VALUE, may_look[:, None], 1)[0], abs=1e-5
    )
    theirs = layer([KEY, VALUE, KEY], use_causal_mask=True)
    assert numpy(theirs) == pytest.approx(
        recipe.attention(KEY, KEY, VALUE, np.tri(7, dtype=bool), 1)[0], abs=1e-5
    )


def test_scores_rank_alike_only_for_keys_of_equal_length():
    query, key = RNG.normal(size=(50, 4)), RNG.normal(size=(6, 4))

    def rank(scores):
        return scores.argsort(-1).tolist()

    assert (
        rank(query @ key.T) == rank(query @ key.T / 2) != rank(recipe.cosine_similarity(query, key))
    )
    key /= np.linalg.norm(key, axis=1, keepdims=True)
    assert rank(query @ key.T) == rank(recipe.cosine_similarity(query, key))


def test_z_lies_among_the_values():
    z, weights = recipe.attention(3 * QUERY, KEY, VALUE)
    assert weights.min() >= 0
    assert weights.sum(-1) == pytest.approx(1)
    np.testing.assert_allclose(
        z[1, 2], sum(a * v for a, v in zip(weights[1, 2], VALUE[1], strict=True)), rtol=1e-5
    )
    assert np.all((z <= VALUE.max(1, keepdims=True)) & (z >= VALUE.min(1, keepdims=True)))


def test_undivided_scores_saturate_the_softmax():
    sizes = (1, 16, 256, 4096)
    seen, slope = np.transpose([recipe.effective_keys(d, 1) for d in sizes])
    assert np.all(np.diff(seen) < 0)
    assert seen[-1] < 1.1
    assert slope[-1] < 0.1 * slope[0]
    divided = np.array([recipe.effective_keys(d, d**-0.5)[0] for d in sizes])
    assert divided.min() > 6.5


def heads(number=2, key_dim=3, value_dim=5):
    layer = keras.layers.MultiHeadAttention(number, key_dim, value_dim)
    layer(QUERY, VALUE)
    layer.set_weights([weight + RNG.normal(0, 0.3, weight.shape) for weight in layer.get_weights()])
    return layer


@pytest.mark.parametrize("mask", [None, RNG.random((2, 5, 7)) < 0.5], ids=["all", "masked"])
def test_equals_multi_head_attention(mask):
    if mask is not None:
        mask[..., 0] = True
    layer = heads()
    theirs, looks = layer(QUERY, VALUE, attention_mask=mask, return_attention_scores=True)
    ours, our_looks = recipe.multi_head(
        QUERY, VALUE, layer.get_weights(), mask=None if mask is None else mask[:, None]
    )
    assert theirs.shape == (2, 5, 8)
    assert looks.shape == (2, 2, 5, 7)
    assert ours == pytest.approx(numpy(theirs), abs=1e-5)
    assert our_looks == pytest.approx(numpy(looks), abs=1e-5)


def test_causal_mask_and_the_mask_of_an_embedding():
    embedding, layer = keras.layers.Embedding(9, 8, mask_zero=True), heads()
    words = np.array([[3, 1, 4, 1, 5], [2, 6, 0, 0, 0]])
    x = embedding(words)
    kept = words != 0
    expected = recipe.multi_head(numpy(x), numpy(x), layer.get_weights(), kept[:, None, None])[0]
    assert numpy(layer(x, x))[kept] == pytest.approx(expected[kept], abs=1e-5)
    expected = recipe.multi_head(QUERY, QUERY, layer.get_weights(), np.tri(5, dtype=bool))[0]
    assert numpy(layer(QUERY, QUERY, use_causal_mask=True)) == pytest.approx(expected, abs=1e-5)
    later = QUERY.copy()
    later[:, 3:] += 1
    changed = np.abs(
        recipe.multi_head(later, later, layer.get_weights(), np.tri(5, dtype=bool))[0] - expected
    )
    assert changed[:, :3].max() < 1e-6 < 0.01 < changed[:, 3:].max()


def test_soft_dictionary():
    keys = np.linalg.qr(RNG.normal(size=(4, 4)))[0]
    for index, query in enumerate(keys + RNG.normal(0, 0.05, keys.shape)):
        assert recipe.search(query[None], keys, np.eye(4), 0.05)[0, index] > 0.99
        assert recipe.search(query[None], keys, np.eye(4), 1000) == pytest.approx(0.25, abs=1e-3)

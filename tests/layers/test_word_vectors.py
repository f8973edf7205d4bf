import collections

import numpy as np
import pytest

from layers.word_vectors import analogy_places, analogy_plane, similarities, skip_grams, word_scores


def test_all_neighbours_within_a_window_of_one():
    words, texts = [3, 1, 4, 1, 5, 9], [0, 0, 0, 1, 1, 2]
    expected = [
        (a, b)
        for i, a in enumerate(words)
        for j, b in enumerate(words)
        if abs(i - j) == 1 and texts[i] == texts[j]
    ]
    assert sorted(map(tuple, skip_grams(words, texts, window=1))) == sorted(expected)


def test_near_neighbours_come_more_often():
    """A word looks 1, 2 or 3 words far, each as often: distance d is seen by (4 − d) / 3 of the words."""
    words = np.arange(30_000)
    found = skip_grams(words, np.zeros_like(words), window=3)
    distances = collections.Counter(np.abs(found[:, 0] - found[:, 1]).tolist())
    assert set(distances) == {1, 2, 3}
    for distance, count in distances.items():
        assert count / len(words) == pytest.approx(2 * (4 - distance) / 3, rel=0.03)


def test_words_left_out_leave_no_gap():
    found = skip_grams([0, 1, 0, 2, 0], [0] * 5, window=1, keep=[0.0, 1.0, 1.0])
    assert sorted(map(tuple, found)) == [(1, 2), (2, 1)]


def test_words_are_kept_as_often_as_said():
    words = np.zeros(20_000, int)
    found = skip_grams(words, words, window=1, keep=[0.3])
    assert len(found) == pytest.approx(2 * 0.3 * len(words), rel=0.03)


def test_the_seed_decides_what_is_drawn():
    text = np.arange(50), np.zeros(50, int)
    first, again, other = (
        skip_grams(*text, window=4, keep=np.full(50, 0.5), seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("words", [[], [5]])
def test_texts_without_neighbours(words):
    assert skip_grams(np.array(words, int), np.zeros(len(words), int)).shape == (0, 2)


@pytest.mark.parametrize(
    ("words", "texts", "window"), [([1, 2], [0, 0], 0), ([1, 2], [0], 1), ([[1]], [[0]], 1)]
)
def test_clear_errors(words, texts, window):
    with pytest.raises(ValueError, match="Received: window="):
        skip_grams(words, texts, window)


def test_similarities_are_cosines():
    rng = np.random.default_rng(0)
    vectors, queries = rng.normal(size=(4, 3)), rng.normal(size=(2, 3))
    for i, q in enumerate(queries):
        for j, v in enumerate(vectors):
            expected = q @ v / np.sqrt(q @ q) / np.sqrt(v @ v)
            assert similarities(vectors, queries)[i, j] == pytest.approx(expected)


def test_places_of_analogies_one_by_one():
    rng = np.random.default_rng(0)
    vectors, asked = (
        rng.normal(size=(30, 4)),
        rng.permuted(np.tile(np.arange(30), (20, 1)), axis=1)[:, :4],
    )
    unit = vectors / np.sqrt(np.sum(vectors**2, axis=1))[:, None]
    for place, (a, b, c, d) in zip(analogy_places(vectors, asked), asked, strict=True):
        order = [
            word
            for word in np.argsort(-unit @ (unit[b] - unit[a] + unit[c]))
            if word not in (a, b, c)
        ]
        assert order[place] == d
    assert analogy_places(vectors, []).shape == (0,)


def test_scores_of_vectors_that_know_number_and_gender():
    """Noun + gender + number: every analogy within a relation is right; a family shares what the others lack."""
    nouns, words, vectors = ["niñ", "gat", "amig"], [], []
    for index, noun in enumerate(nouns):
        for gender, ending in enumerate("oa"):
            words.append(noun + ending)
            vectors.append([*np.eye(3)[index] * 2, gender, 1 - gender])
    pairs = ", ".join(f"{noun}o {noun}a" for noun in nouns)
    families = {noun: f"{noun}o {noun}a" for noun in nouns}
    expected = {"analogies": 1, "top5": 1, "families": 1}
    assert (
        word_scores(vectors, words, {"o, a": f"{pairs}, perro perra"}, families | {"none": "casa"})
        == expected
    )
    mixed = dict(enumerate(["niño gata", "gato amiga", "amigo niña"]))
    assert word_scores(vectors, words, {}, mixed) == {"analogies": 0, "top5": 0, "families": 0}


def test_scores_count_the_nearest_and_the_five_nearest():
    rng = np.random.default_rng(3)
    vectors, words = rng.normal(size=(24, 3)), [f"w{number}" for number in range(24)]
    pairs = [(number, number + 1) for number in range(0, 24, 2)]
    asked = [(*one, *other) for one in pairs for other in pairs if one != other]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    places = []
    for a, b, c, d in asked:
        nearest = np.argsort(-unit @ (unit[b] - unit[a] + unit[c]))
        places.append([word for word in nearest if word not in (a, b, c)].index(d))
    assert {0, 1, 3, 4, 5} <= set(places), "the limits would not be seen"
    listed = ", ".join(f"w{a} w{b}" for a, b in pairs)
    scores = word_scores(vectors, words, {"pairs": listed}, {})
    assert scores["analogies"] == pytest.approx(np.mean(np.array(places) == 0))
    assert scores["top5"] == pytest.approx(np.mean(np.array(places) <= 4))


def test_nothing_to_ask():
    assert set(word_scores(np.eye(3), ["a", "b", "c"], {"": "x y, y z"}, {"": "x"}).values()) == {
        0.0
    }


def test_plane_of_pairs_that_differ_alike():
    """Whatever way they are turned, right is how they differ, and up what else varies most."""
    rng = np.random.default_rng(0)
    turned = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    common = rng.normal(size=(6, 1)) * turned[0] * 3 + rng.normal(size=(6, 1)) * turned[1] / 10
    vectors = np.stack([common, common + 2 * turned[2]], 1).reshape(12, 5)
    right, up = analogy_plane(vectors).T
    np.testing.assert_allclose(right[1::2] - right[::2], 2)
    np.testing.assert_allclose(right[::2], right[0], atol=1e-9)
    along = common @ turned[0]
    assert abs(np.corrcoef(up[::2], along)[0, 1]) > 0.99
    assert analogy_plane(vectors[:2]).shape == (2, 2)

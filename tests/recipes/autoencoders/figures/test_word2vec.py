"""Maps and tables show the words that they name."""

import numpy as np

from recipes.autoencoders.figures import word2vec as pictures


def test_plane_of_pairs_that_differ_alike():
    """Whatever way they are turned, right is how they differ, and up what else varies most."""
    rng = np.random.default_rng(0)
    turned = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    common = rng.normal(size=(6, 1)) * turned[0] * 3 + rng.normal(size=(6, 1)) * turned[1] / 10
    vectors = np.stack([common, common + 2 * turned[2]], 1).reshape(12, 5)
    right, up = pictures.analogy_plane(vectors).T
    np.testing.assert_allclose(right[1::2] - right[::2], 2)
    np.testing.assert_allclose(right[::2], right[0], atol=1e-9)
    along = common @ turned[0]
    assert abs(np.corrcoef(up[::2], along)[0, 1]) > 0.99
    assert pictures.analogy_plane(vectors[:2]).shape == (2, 2)


def test_groups_of_known_words():
    groups = ["perro gato vaca", "pan", "rey reina"]
    assert pictures.known_groups(groups, ["vaca", "perro", "pan", "rey"]) == [["perro", "vaca"]]


def test_nearest_words_by_angle():
    vocabulary = ["rey", "lejos", "reina", "casa"]
    vectors = np.array([[1.0, 0], [-1, 0], [9, 1], [0.1, 0.1]])
    assert pictures.nearest_words("rey", vectors, vocabulary, 2) == ["reina", "casa"]


def test_each_relation_by_itself(monkeypatch):
    relations = {"right": "a b, c d", "wrong": "a c, d b"}
    monkeypatch.setattr(pictures, "ANALOGIES", relations)
    vectors = np.array([[1.0, 5, 0], [-1, 5, 0], [1, 0, 5], [-1, 0, 5], [-1, -5, 10]])
    scores = pictures.relation_scores(vectors, ["a", "b", "c", "d", "e"])
    assert scores["right"]["analogy_accuracy"] == 1
    assert set(scores) == set(relations)
    assert scores["wrong"]["analogy_accuracy"] < 1

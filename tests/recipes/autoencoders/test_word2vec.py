"""E12: pairs and negative samples as in the paper; a toy grammar and its analogies."""

import collections

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.autoencoders import word2vec as recipe

STEMS = ["niñ", "gat", "perr", "herman", "hij", "abuel", "amig", "vecin"]
OPPOSITES = ", ".join(f"{stem}o {stem}a" for stem in STEMS)


def sentences():
    """Nouns, their gender by the article and an adjective, and a verb of each noun alone."""
    for index, stem in enumerate(STEMS):
        for gender, (article, ending) in enumerate([("el", "o"), ("la", "a")]):
            for adjective in ("buen", "mal", "alt", "baj"):
                for deed in "abc":
                    verb = f"hace{'xyzuvwst'[index]}{deed}"
                    yield f"{article} {stem}{ending} {adjective}{ending} {verb}."
                    if gender:
                        yield f"¡{verb.capitalize()} {article} {stem}{ending}!"


@pytest.fixture
def toy(monkeypatch):
    """The toy grammar in place of the data; new and known sentences in the other splits."""
    text = list(sentences())
    splits = {
        "train": text * 2,
        "validation": [text[0], "El gato altísimo."],
        "test": [text[5], "¡La niña mala!"],
    }

    def load(name, split):
        assert name == "spa_eng"
        return tf.data.Dataset.from_tensor_slices(
            {"english": splits[split], "spanish": splits[split]}
        )

    monkeypatch.setattr(recipe.tfds, "load", load)


def test_corpus_counts_each_sentence_once_and_tests_on_new_ones(toy):
    words, counts, text = recipe.load_corpus(min_count=1)
    number = {word: index for index, word in enumerate(words)}
    assert counts[number["el"]] == 8 * 4 * 3
    assert counts[number["la"]] == 8 * 4 * 3 + 8 * 3
    assert list(counts) == sorted(counts, reverse=True)
    assert "altísimo" not in number
    assert [words[index] for index in text["test"][0]] == ["la", "niña", "mala"]
    assert [words[index] for index in text["validation"][0]] == ["el", "gato"]
    ids, sentence = text["train"]
    assert len(ids) == counts.sum()
    assert len(set(sentence)) == len(set(sentences()))
    assert recipe.load_corpus(min_count=13)[0] == [
        word for word, count in zip(words, counts, strict=True) if count > 12
    ]


def test_frequent_words_are_left_out(toy):
    _, counts, text = recipe.load_corpus(min_count=1)
    few, all_of_them = (
        recipe.sample_pairs(text["train"], counts, subsampling=share) for share in (1e-3, 1)
    )
    assert np.mean(few == 0) < np.mean(all_of_them == 0) / 2
    assert len(recipe.sample_pairs(text["train"], counts, rounds=3)) == pytest.approx(
        3 * len(few), rel=0.3
    )


def test_batches(toy):
    train, validation, test = recipe.load_data(batch_size=64, window=1, subsampling=1, negatives=3)
    words, _, text = recipe.load_corpus()
    beside = {
        (*pair,)
        for pair in recipe.sample_pairs(
            text["train"], np.ones(len(words)), window=1, subsampling=9.0
        ).tolist()
    }
    inputs, targets = next(train.as_numpy_iterator())
    assert inputs["target"].shape == (64,)
    assert inputs["contexts"].shape == targets.shape == (64, 4)
    assert targets.tolist() == [[0, 0, 0, 1]] * 64
    assert {
        *zip(inputs["target"].tolist(), inputs["contexts"][:, -1].tolist(), strict=True)
    } <= beside
    for data in (validation, test):
        held, targets = next(data.as_numpy_iterator())
        assert held["contexts"].shape == targets.shape == (len(held["target"]), 4)
        assert held["contexts"].dtype == inputs["contexts"].dtype == np.int32


def test_noise_is_frequency_to_the_three_quarters(toy):
    train, *_ = recipe.load_data(batch_size=2000, subsampling=1, negatives=50)
    counts = recipe.load_corpus()[1]
    noise = next(train.as_numpy_iterator())[0]["contexts"][:, :-1]
    share = np.bincount(noise.ravel(), minlength=len(counts)) / noise.size
    np.testing.assert_allclose(share, counts**0.75 / np.sum(counts**0.75), rtol=0.15)


def test_the_third_epoch_is_the_same_after_a_restart(toy):
    def third(passed_over):
        keras.utils.set_random_seed(5)
        train = recipe.load_data(batch_size=32)[0]
        for _ in range(2):
            batches = iter(train)
            if not passed_over:
                list(batches)
        return [inputs["contexts"].tolist() for inputs, _ in train.as_numpy_iterator()], train

    whole, train = third(passed_over=False)
    assert whole == third(passed_over=True)[0]
    assert whole != [
        inputs["contexts"].tolist() for inputs, _ in train.as_numpy_iterator()
    ]  # the fourth


def test_validation_and_test_are_always_the_same(toy):
    first, second = (
        [next(data.as_numpy_iterator())[0] for data in recipe.load_data(subsampling=1)[1:]]
        for _ in "ab"
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one["contexts"], other["contexts"])


def test_logits_are_products_and_the_last_has_to_be_best():
    model = recipe.SkipGram(["a", "b", "c"], embed_dim=2)
    inputs = {"target": np.array([2, 0]), "contexts": np.array([[0, 1], [1, 2]])}
    logits = keras.ops.convert_to_numpy(model(inputs))
    targets, contexts = (layer.get_weights()[0] for layer in (model.targets, model.contexts))
    of_first = [targets[2] @ contexts[i] for i in (0, 1)]
    of_second = [targets[0] @ contexts[i] for i in (1, 2)]
    np.testing.assert_allclose(logits, [of_first, of_second], rtol=1e-5)
    assert model.count_params() == 2 * 3 * 2
    outputs = np.array([[0.0, 1, 2], [3, 1, 2], [2, 1, 2]])  # as good as another one is not best
    assert keras.ops.convert_to_numpy(recipe.accuracy(None, outputs)).tolist() == [
        True,
        False,
        False,
    ]


def test_toy_grammar(toy, monkeypatch, tmp_path):
    """More than 60 % of the analogies, by network and by PPMI; saved and loaded with its words."""
    monkeypatch.setattr(recipe, "ANALOGIES", {"o, a": OPPOSITES})
    monkeypatch.setattr(
        recipe, "FAMILIES", {"he": "niño gato perro hijo", "she": "niña gata perra hija"}
    )
    keras.utils.set_random_seed(0)
    arguments = {"batch_size": 256, "window": 3, "subsampling": 0.05}
    train, _, test = recipe.load_data(**arguments)
    model = recipe.build_model(embed_dim=16, learning_rate=0.02, steps=600)
    model.fit(train.repeat().take(600), epochs=1, shuffle=False, verbose=0)
    scores = model.evaluate(test, return_dict=True, verbose=0)
    assert set(scores) == {
        "loss",
        "accuracy",
        "analogy_accuracy",
        "analogy_top5",
        "family_accuracy",
    }
    assert scores["analogy_accuracy"] > 0.6
    assert isinstance(model.evaluate(test, verbose=0), list)
    baseline = recipe.baseline(train, test)
    assert set(baseline) < set(scores)
    assert baseline["analogy_top5"] > 0.6
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.vocabulary == tuple(recipe.load_corpus()[0])
    assert again.evaluate(test, return_dict=True, verbose=0) == pytest.approx(scores)


def test_counting_factorises_the_information_of_pairs(toy):
    """With as many units as words, the products are the matrix itself."""
    words, counts, text = recipe.load_corpus()
    table = np.zeros((len(words), len(words)))
    np.add.at(table, tuple(recipe.sample_pairs(text["train"], counts, rounds=4).T), 1)
    with np.errstate(divide="ignore"):
        information = np.log(table * table.sum() / table.sum(1)[:, None] / table.sum(0))
    _, left, right = recipe.ppmi_svd(embed_dim=len(words), smoothing=1)
    np.testing.assert_allclose(left @ right.T, np.maximum(information, 0), atol=1e-6)


def test_questions_are_sound():
    """Each word once in a relation and in one family only; two words to a pair."""
    for pairs in recipe.ANALOGIES.values():
        listed = [pair.split() for pair in pairs.split(", ")]
        assert all(len(pair) == 2 for pair in listed)
        assert len({word for pair in listed for word in pair}) == 2 * len(listed)
    members = [word for listed in recipe.FAMILIES.values() for word in listed.split()]
    assert len(set(members)) == len(members)
    assert (
        recipe.vector_scores(np.eye(len(members)), members, {}, recipe.FAMILIES)["analogy_accuracy"]
        == 0
    )


def test_all_context_words_within_a_window_of_one():
    words, texts = np.array([[3, 1, 4, 1, 5, 9], [0, 0, 0, 1, 1, 2]])
    expected = [
        (a, b)
        for i, a in enumerate(words)
        for j, b in enumerate(words)
        if abs(i - j) == 1 and texts[i] == texts[j]
    ]
    assert sorted(map(tuple, recipe.skip_grams(words, texts, window=1))) == sorted(expected)


def test_near_context_words_come_more_often():
    """Windows of 1, 2 or 3 words, each as often: distance d is in (4 − d) / 3 of them."""
    words = np.arange(30_000)
    found = recipe.skip_grams(words, np.zeros_like(words), window=3)
    distances = collections.Counter(np.abs(found[:, 0] - found[:, 1]).tolist())
    assert set(distances) == {1, 2, 3}
    for distance, count in distances.items():
        assert count / len(words) == pytest.approx(2 * (4 - distance) / 3, rel=0.03)


def test_words_left_out_leave_no_gap():
    found = recipe.skip_grams(
        np.array([0, 1, 0, 2, 0]), np.zeros(5, int), window=1, keep=np.array([0.0, 1.0, 1.0])
    )
    assert sorted(map(tuple, found)) == [(1, 2), (2, 1)]


def test_words_are_kept_as_often_as_said():
    words = np.zeros(20_000, int)
    found = recipe.skip_grams(words, words, window=1, keep=np.array([0.3]))
    assert len(found) == pytest.approx(2 * 0.3 * len(words), rel=0.03)


def test_the_seed_decides_what_is_drawn():
    text = np.arange(50), np.zeros(50, int)
    first, again, other = (
        recipe.skip_grams(*text, window=4, keep=np.full(50, 0.5), seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("words", [[], [5]])
def test_texts_without_pairs(words):
    assert recipe.skip_grams(np.array(words, int), np.zeros(len(words), int)).shape == (0, 2)


def test_similarities_are_cosines():
    rng = np.random.default_rng(0)
    vectors, queries = rng.normal(size=(4, 3)), rng.normal(size=(2, 3))
    for i, q in enumerate(queries):
        for j, v in enumerate(vectors):
            expected = q @ v / np.sqrt(q @ q) / np.sqrt(v @ v)
            assert recipe.cosine_similarity(queries, vectors)[i, j] == pytest.approx(expected)


def test_ranks_of_analogies_one_by_one():
    rng = np.random.default_rng(0)
    vectors, asked = (
        rng.normal(size=(30, 4)),
        rng.permuted(np.tile(np.arange(30), (20, 1)), axis=1)[:, :4],
    )
    unit = vectors / np.sqrt(np.sum(vectors**2, axis=1))[:, None]
    for rank, (a, b, c, d) in zip(recipe.analogy_ranks(vectors, asked), asked, strict=True):
        order = [
            word
            for word in np.argsort(-unit @ (unit[b] - unit[a] + unit[c]))
            if word not in (a, b, c)
        ]
        assert order[rank] == d
    assert recipe.analogy_ranks(vectors, []).shape == (0,)


def test_scores_of_vectors_that_know_number_and_gender():
    """Noun + gender: every analogy of the relation is right; a family shares its noun."""
    nouns, words, vectors = ["niñ", "gat", "amig"], [], []
    for index, noun in enumerate(nouns):
        for gender, ending in enumerate("oa"):
            words.append(noun + ending)
            vectors.append([*np.eye(3)[index] * 2, gender, 1 - gender])
    pairs = ", ".join(f"{noun}o {noun}a" for noun in nouns)
    families = {noun: f"{noun}o {noun}a" for noun in nouns}
    expected = {"analogy_accuracy": 1, "analogy_top5": 1, "family_accuracy": 1}
    assert (
        recipe.vector_scores(
            vectors, words, {"o, a": f"{pairs}, perro perra"}, families | {"none": "casa"}
        )
        == expected
    )
    mixed = dict(enumerate(["niño gata", "gato amiga", "amigo niña"]))
    assert recipe.vector_scores(vectors, words, {}, mixed) == dict.fromkeys(expected, 0)


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
    scores = recipe.vector_scores(vectors, words, {"pairs": listed}, {})
    assert scores["analogy_accuracy"] == pytest.approx(np.mean(np.array(places) == 0))
    assert scores["analogy_top5"] == pytest.approx(np.mean(np.array(places) <= 4))


def test_nothing_to_ask():
    assert set(
        recipe.vector_scores(np.eye(3), ["a", "b", "c"], {"": "x y, y z"}, {"": "x"}).values()
    ) == {0.0}

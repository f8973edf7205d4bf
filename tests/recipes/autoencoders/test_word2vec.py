"""E12: pairs and noise as the paper has them, the same after a restart; on a toy grammar it knows its analogies."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers.word_vectors import word_scores
from recipes.autoencoders import word2vec as recipe
from recipes.datasets.spanish_words import ANALOGIES, FAMILIES

STEMS = ["niñ", "gat", "perr", "herman", "hij", "abuel", "amig", "vecin"]
OPPOSITES = ", ".join(f"{stem}o {stem}a" for stem in STEMS)


def sentences():
    """Who one is, his or her gender by the article and an adjective, by what he or she alone does."""
    for index, stem in enumerate(STEMS):
        for gender, (article, ending) in enumerate([("el", "o"), ("la", "a")]):
            for adjective in ("buen", "mal", "alt", "baj"):
                for deed in "abc":
                    yield f"{article} {stem}{ending} {adjective}{ending} hace{'xyzuvwst'[index]}{deed}."
                    if gender:
                        yield f"¡Hace{'xyzuvwst'[index]}{deed} {article} {stem}{ending}!"


@pytest.fixture
def toy(monkeypatch):
    """The toy grammar in place of the data; validation and test have a new sentence and one of the training set."""
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
    words, counts, text = recipe.corpus(minimum=1)
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
    assert recipe.corpus(minimum=13)[0] == [
        word for word, count in zip(words, counts, strict=True) if count > 12
    ]


def test_frequent_words_are_left_out(toy):
    _, counts, text = recipe.corpus(minimum=1)
    few, all_of_them = (
        recipe.pairs(text["train"], counts, subsampling=share) for share in (1e-3, 1)
    )
    assert np.mean(few == 0) < np.mean(all_of_them == 0) / 2
    assert len(recipe.pairs(text["train"], counts, rounds=3)) == pytest.approx(
        3 * len(few), rel=0.3
    )


def test_batches(toy):
    train, validation, test = recipe.load_data(batch_size=64, window=1, subsampling=1, negatives=3)
    words, _, text = recipe.corpus()
    beside = {
        (*pair,)
        for pair in recipe.pairs(
            text["train"], np.ones(len(words)), window=1, subsampling=9.0
        ).tolist()
    }
    inputs, targets = next(train.as_numpy_iterator())
    assert inputs["word"].shape == (64,)
    assert inputs["candidates"].shape == targets.shape == (64, 4)
    assert targets.tolist() == [[0, 0, 0, 1]] * 64
    assert {
        *zip(inputs["word"].tolist(), inputs["candidates"][:, -1].tolist(), strict=True)
    } <= beside
    for data in (validation, test):
        held, targets = next(data.as_numpy_iterator())
        assert held["candidates"].shape == targets.shape == (len(held["word"]), 4)
        assert held["candidates"].dtype == inputs["candidates"].dtype == np.int32


def test_noise_is_frequency_to_the_three_quarters(toy):
    train, *_ = recipe.load_data(batch_size=2000, subsampling=1, negatives=50)
    counts = recipe.corpus()[1]
    noise = next(train.as_numpy_iterator())[0]["candidates"][:, :-1]
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
        return [inputs["candidates"].tolist() for inputs, _ in train.as_numpy_iterator()], train

    whole, train = third(passed_over=False)
    assert whole == third(passed_over=True)[0]
    assert whole != [
        inputs["candidates"].tolist() for inputs, _ in train.as_numpy_iterator()
    ]  # the fourth


def test_validation_and_test_are_always_the_same(toy):
    first, second = (
        [next(data.as_numpy_iterator())[0] for data in recipe.load_data(subsampling=1)[1:]]
        for _ in "ab"
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one["candidates"], other["candidates"])


def test_logits_are_products_and_the_last_has_to_be_best():
    model = recipe.SkipGram(["a", "b", "c"], units=2)
    inputs = {"word": np.array([2, 0]), "candidates": np.array([[0, 1], [1, 2]])}
    logits = keras.ops.convert_to_numpy(model(inputs))
    words, neighbours = (layer.get_weights()[0] for layer in (model.words, model.neighbours))
    np.testing.assert_allclose(logits, [[words[2] @ neighbours[i] for i in (0, 1)],
                                        [words[0] @ neighbours[i] for i in (1, 2)]], rtol=1e-5)  # fmt: skip
    assert model.count_params() == 2 * 3 * 2
    outputs = np.array([[0.0, 1, 2], [3, 1, 2], [2, 1, 2]])  # as good as another one is not best
    assert keras.ops.convert_to_numpy(recipe.accuracy(None, outputs)).tolist() == [
        True,
        False,
        False,
    ]


def test_toy_grammar(toy, monkeypatch, tmp_path):
    """More than 60 % of the analogies, by the network and by counting; saved, and loaded with its words."""
    monkeypatch.setattr(recipe, "ANALOGIES", {"o, a": OPPOSITES})
    monkeypatch.setattr(
        recipe, "FAMILIES", {"he": "niño gato perro hijo", "she": "niña gata perra hija"}
    )
    keras.utils.set_random_seed(0)
    arguments = {"batch_size": 256, "window": 3, "subsampling": 0.05}
    train, _, test = recipe.load_data(**arguments)
    model = recipe.build_model(units=16, learning_rate=0.02, steps=600)
    model.fit(train.repeat().take(600), epochs=1, shuffle=False, verbose=0)
    scores = model.evaluate(test, return_dict=True, verbose=0)
    assert set(scores) == {"loss", "accuracy", "analogies", "top5", "families"}
    assert scores["analogies"] > 0.6
    assert isinstance(model.evaluate(test, verbose=0), list)
    baseline = recipe.baseline(train, test)
    assert set(baseline) < set(scores)
    assert baseline["top5"] > 0.6
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.vocabulary == tuple(recipe.corpus()[0])
    assert again.evaluate(test, return_dict=True, verbose=0) == pytest.approx(scores)


def test_counting_factorises_the_information_of_pairs(toy):
    """With as many units as words, the products are the matrix itself."""
    words, counts, text = recipe.corpus()
    table = np.zeros((len(words), len(words)))
    np.add.at(table, tuple(recipe.pairs(text["train"], counts, rounds=4).T), 1)
    with np.errstate(divide="ignore"):
        information = np.log(table * table.sum() / table.sum(1)[:, None] / table.sum(0))
    _, left, right = recipe.counted(units=len(words), smoothing=1)
    np.testing.assert_allclose(left @ right.T, np.maximum(information, 0), atol=1e-6)


def test_questions_are_sound():
    """Each word once in a relation and in one family only; two words to a pair."""
    for pairs in ANALOGIES.values():
        listed = [pair.split() for pair in pairs.split(", ")]
        assert all(len(pair) == 2 for pair in listed)
        assert len({word for pair in listed for word in pair}) == 2 * len(listed)
    members = [word for listed in FAMILIES.values() for word in listed.split()]
    assert len(set(members)) == len(members)
    assert word_scores(np.eye(len(members)), members, {}, FAMILIES)["analogies"] == 0

"""M27: nobody sees ahead, every character is scored once, n-grams as defined, greedy sampling."""

import keras
import numpy as np
import pytest

from recipes.attention import gpt as recipe
from recipes.common.arrays import to_numpy

TEXT = (
    "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía "
    "un hidalgo. " * 9
)


@pytest.fixture
def text(monkeypatch):
    """Three texts of which every character tells its place."""
    parts = [np.arange(0, 1000), np.arange(2000, 2300), np.arange(5000, 5420)]
    monkeypatch.setattr(recipe, "load_text", lambda: parts)
    return parts


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return {name: recipe.build_model(name, embed_dim=16, depth=2) for name in ("gpt", "lstm")}


def test_lstm_has_about_as_many_weights():
    gpt, lstm = (recipe.build_model(network).count_params() for network in ("gpt", "lstm"))
    assert lstm == pytest.approx(gpt, rel=0.02)


def test_characters_and_back():
    text = "—¡Ay! —dijo él; «¿quién?»"
    assert recipe.decode(recipe.encode(text)) == text
    assert len(set(recipe.CHARACTERS)) == len(recipe.CHARACTERS)
    assert recipe.encode("€").tolist() == [0]


def test_windows(text):
    train, _, test = recipe.load_data(batch_size=4, context=20)
    inputs, targets = to_numpy(train)
    assert inputs.shape == targets.shape == (4 * len(train), 20)
    assert len(train) == 1000 // 20 // 4
    np.testing.assert_array_equal(inputs + 1, targets)
    np.testing.assert_array_equal(np.diff(inputs), 1)
    again, _ = to_numpy(train)
    assert (inputs != again).any(), "the same windows in every epoch"
    assert len(test) == 1


def test_every_character_is_scored_once_with_half_a_window_before_it(text):
    for numbers, data in zip(text[1:], recipe.load_data(context=20)[1:], strict=True):
        inputs, targets, weights = to_numpy(data)
        scored = np.sort(targets[weights == 1])
        first = numbers[0] + 11
        np.testing.assert_array_equal(scored, np.arange(first, first + len(scored)))
        assert len(numbers) - 11 - len(scored) < 10
        assert ((targets - inputs[:, :1])[weights == 1] > 10).all()


@pytest.mark.parametrize("network", ["gpt", "lstm"])
def test_nobody_sees_ahead(small, network):
    numbers = recipe.encode(TEXT)[None, :40]
    other = numbers.copy()
    other[0, 25:] = 1
    before, after = (small[network].predict_on_batch(x)[0] for x in (numbers, other))
    np.testing.assert_allclose(before[:25], after[:25], atol=1e-6)
    assert np.abs(before[25:] - after[25:]).max() > 1e-4


def test_the_score_is_in_bits_and_of_what_counts():
    """All weights 0: each of the V characters is equally likely."""
    model = recipe.build_model(embed_dim=16, depth=1)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    x, y = (np.random.default_rng(seed).integers(1, 60, (3, 20)) for seed in (0, 1))
    weights = (np.arange(20) > 9) * np.ones((3, 1))
    scores = model.evaluate(x, y, sample_weight=weights, return_dict=True, verbose=0)
    assert scores["bits_per_character"] == pytest.approx(np.log2(len(recipe.CHARACTERS)), rel=1e-5)
    assert scores["loss"] == pytest.approx(np.log(len(recipe.CHARACTERS)), rel=1e-5)


def test_bits_of_ngrams_are_those_of_equal_chances_for_what_was_never_seen():
    """Bigrams, by hand: after the unseen character "z", a continuation count of each kind."""
    train = recipe.encode("abab")
    a, b = recipe.encode("ab")
    size = len(recipe.CHARACTERS)
    # Bigrams ab (2), ba (1): b follows one kind of character, a another.
    unigram = (1 - 0.92 + 0.92 * 2 / size) / 2
    after_a = 2 - 0.92 + 0.92 * unigram
    expected = -np.log2(after_a / 2)
    assert recipe.ngram_bits(train, np.array([a, b]), order=2) == pytest.approx(expected)


@pytest.mark.parametrize("network", ["gpt", "lstm"])
def test_greedy_text_is_the_likeliest_at_every_step(small, network, monkeypatch):
    """Beyond the context, too, which slides along."""
    monkeypatch.setattr(recipe, "CONTEXT", 24)
    model = small[network]
    texts = recipe.generate(model, ["de la ", "Mancha"], 30, temperature=0.0)
    assert [len(text) for text in texts] == [36, 36]
    assert [text[:6] for text in texts] == ["de la ", "Mancha"]
    numbers = recipe.encode(texts[0])
    for now in (6, 20, 24, 30, 35):
        after = model.predict_on_batch(numbers[None, max(0, now - 24) : now])[0, -1]
        assert after[numbers[now]] == pytest.approx(after.max(), rel=1e-4)


def test_a_seed_decides_what_is_sampled(small):
    first, again, other = (
        recipe.generate(small["lstm"], ["de la "], 9, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other

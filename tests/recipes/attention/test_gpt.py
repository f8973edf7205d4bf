"""M27: equal sizes, nobody sees ahead, every character scored once, n-grams as defined, and how one is drawn."""

import collections

import keras
import numpy as np
import pytest

from recipes.attention import gpt as recipe

TEXT = (
    "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía un hidalgo. "
    * 9
)


@pytest.fixture
def chapters(monkeypatch):
    """A text of which every character can be told from its number."""
    parts = [
        np.arange(start, start + length) for start, length in ((0, 1000), (2000, 300), (5000, 420))
    ]
    monkeypatch.setattr(recipe, "read", lambda: parts)
    return parts


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return {name: recipe.build_model(name, width=16, blocks=2) for name in ("gpt", "lstm")}


def test_equal_sizes():
    """Parameters within 2 %."""
    gpt, lstm = (recipe.build_model(network).count_params() for network in ("gpt", "lstm"))
    assert (gpt, lstm) == (613_582, 612_900)
    assert lstm == pytest.approx(gpt, rel=0.02)


def test_characters_and_back():
    text = "—¡Ay! —dijo él; «¿quién?»"
    assert recipe.decode(recipe.encode(text)) == text
    assert len(set(recipe.CHARACTERS)) == len(recipe.CHARACTERS)
    assert recipe.encode("€").tolist() == [0]


def test_windows(chapters):
    train, _, test = recipe.load_data(batch_size=4, context=20)
    seen = [np.array(part) for x, y in train for part in (x, y)]
    assert all(part.shape == (4, 20) for part in seen)
    assert len(seen) == 2 * len(train) == 2 * (1000 // 20 // 4)
    for x, y in zip(seen[::2], seen[1::2], strict=True):
        np.testing.assert_array_equal(x + 1, y)
    again = [np.array(x) for x, _ in train]
    assert any((a != b).any() for a, b in zip(seen[::2], again, strict=True)), (
        "the same windows in every epoch"
    )
    assert len(test) == 1


def test_every_character_is_scored_once_with_half_a_window_before_it(chapters):
    for numbers, data in zip(chapters[1:], recipe.load_data(context=20)[1:], strict=True):
        x, y, counts = (
            np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True)
        )
        scored = np.sort(y[counts == 1])
        np.testing.assert_array_equal(
            scored, np.arange(numbers[0] + 11, numbers[0] + 11 + len(scored))
        )
        assert len(numbers) - 11 - len(scored) < 10
        assert ((y - x[:, :1])[counts == 1] > 10).all()


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
    model = recipe.build_model(width=16, blocks=1)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    x, y = (np.random.default_rng(seed).integers(1, 60, (3, 20)) for seed in (0, 1))
    scores = model.evaluate(
        x, y, sample_weight=(np.arange(20) > 9) * np.ones((3, 1)), return_dict=True, verbose=0
    )
    assert scores["bits_per_character"] == pytest.approx(np.log2(len(recipe.CHARACTERS)), rel=1e-5)
    assert scores["loss"] == pytest.approx(np.log(len(recipe.CHARACTERS)), rel=1e-5)


def kneser_ney(text, context, character, discount, order):
    """The probability by its recursive definition, with dictionaries."""
    n = len(context)
    ends = range(order, len(text))
    if n == order:
        counts = collections.Counter(text[end] for end in ends if text[end - n : end] == context)
    else:
        found = {text[end - n - 1 : end + 1] for end in ends}
        counts = collections.Counter(gram[-1] for gram in found if gram[1:-1] == context)
    lower = (
        kneser_ney(text, context[1:], character, discount, order)
        if n
        else 1 / len(recipe.CHARACTERS)
    )
    total = sum(counts.values())
    if not total:
        return lower
    return max(counts[character] - discount, 0) / total + discount * len(counts) / total * lower


def test_ngrams_against_the_definition():
    seen, new = TEXT[:300], "de la mancha que no quiso nombrar"
    found = recipe.ngrams(recipe.encode(seen), recipe.encode(new), order=3, discount=0.7)
    expected = [kneser_ney(seen, new[i - 3 : i], new[i], 0.7, 3) for i in range(3, len(new))]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_ngrams_add_up_to_one():
    seen = recipe.encode(TEXT[:300])
    for context in ("la M", "zzzz", "de c"):
        new = [np.append(recipe.encode(context), last) for last in range(len(recipe.CHARACTERS))]
        assert sum(recipe.ngrams(seen, one, order=4)[0] for one in new) == pytest.approx(1)


def test_drawing():
    rng = np.random.default_rng(0)
    p = np.tile([0.1, 0.2, 0.3, 0.4], (20_000, 1))
    shares = lambda **how: np.bincount(recipe.draw(p, rng, **how), minlength=4) / len(p)  # noqa: E731
    np.testing.assert_allclose(shares(), p[0], atol=0.015)
    np.testing.assert_allclose(shares(temperature=0.5), p[0] ** 2 / np.sum(p[0] ** 2), atol=0.015)
    np.testing.assert_allclose(shares(top_k=2), [0, 0, 3 / 7, 4 / 7], atol=0.015)
    np.testing.assert_array_equal(shares(temperature=0), [0, 0, 0, 1])


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
    assert recipe.generate(model, ["de la "], 9, seed=1) == recipe.generate(
        model, ["de la "], 9, seed=1
    )
    assert recipe.generate(model, ["de la "], 9, seed=1) != recipe.generate(
        model, ["de la "], 9, seed=2
    )

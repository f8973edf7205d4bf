"""R26: pieces of poems, what counts for the bits per character, the counts to compare with, and pages that stay."""

import keras
import numpy as np
import pytest

from recipes.recurrent import char_rnn as recipe

POEM = f"{recipe.END}De tu muerte\nque fue{recipe.END}"


def read(codes):
    return "".join(recipe.ALPHABET[code] for code in codes)


def test_alphabet_has_each_character_once():
    assert len(set(recipe.ALPHABET)) == len(recipe.ALPHABET) == 88


@pytest.mark.parametrize("length", [4, 7, 20, 50])
def test_pieces_are_the_poem_and_what_follows(length):
    x, y, weights = recipe.pieces(POEM, length)
    assert x.shape == y.shape == weights.shape == (-(-(len(POEM) - 1) // length), length)
    assert read(y.ravel()) == POEM[1:]
    assert read(x.ravel()[: len(POEM) - 1]) == POEM[:-1]
    assert weights.sum() == len(POEM) - 1


def test_bits_are_the_mean_over_what_is_no_filling_up():
    model = recipe.build_model(units=8)
    x, y, weights = recipe.pieces(POEM, 50)
    bits = -np.log2(np.take_along_axis(model.predict(x, verbose=0), y[..., None], -1))[
        0, : len(POEM) - 1
    ]
    scores = model.evaluate(x, y, sample_weight=weights, return_dict=True, verbose=0)
    assert scores["bits_per_character"] == pytest.approx(bits.mean(), rel=1e-4)
    assert scores["loss"] == pytest.approx(bits.mean() * np.log(2), rel=1e-4)


def test_what_comes_later_is_not_looked_at():
    model = recipe.build_model(units=8)
    x = recipe.pieces(POEM, len(POEM) - 1)[0]
    assert model.predict(x[:, :5], verbose=0) == pytest.approx(
        model.predict(x, verbose=0)[:, :5], abs=1e-6
    )


def test_counts_give_a_distribution_and_know_what_they_have_seen():
    train = [POEM, f"{recipe.END}De la muerte{recipe.END}"]
    assert recipe.ngram_bits(train, train) < 1 < recipe.ngram_bits(train, train, most=1)
    total = 0
    for c in recipe.ALPHABET[
        1:
    ]:  # "e" has been followed by three different characters; the rest has not been seen
        both = [
            recipe.ngram_bits(train, [text], most=3) * (len(text) - 1)
            for text in ("muze", f"muze{c}")
        ]
        total += 2.0 ** (both[0] - both[1])
    assert total == pytest.approx(1)
    assert recipe.ngram_bits([], [POEM]) == pytest.approx(np.log2(87))


def test_writing_follows_the_probabilities_and_ends_with_the_poem():
    model = recipe.build_model(units=4)
    head = model.get_layer("head")
    kernel, bias = head.get_weights()
    bias[recipe.ALPHABET.index("a")] = 50
    head.set_weights([0 * kernel, bias])
    assert recipe.written(model, length=12) == "a" * 12
    bias[recipe.ALPHABET.index(recipe.END)] = 100
    head.set_weights([0 * kernel, bias])
    assert recipe.written(model) == ""


def test_step_by_step_as_in_one_go():
    """`written` feeds its cell one character at a time; almost no temperature takes the most probable one."""
    model = recipe.build_model(units=8)
    text = recipe.written(model, length=15, temperature=1e-7)
    x = np.array([[recipe.ALPHABET.index(c) for c in recipe.END + text]])
    p = model.predict(x, verbose=0)[0, :-1]
    p[:, :2] = 0
    assert read(p.argmax(-1)) == text


def test_pages_are_written_in_time_and_saved_with_the_model(monkeypatch, tmp_path):
    monkeypatch.setattr(recipe, "MOMENTS", (2, 300))
    model = recipe.build_model(units=4)
    x, y, weights = (np.repeat(part, 4, axis=0) for part in recipe.pieces(POEM, 20))
    model.fit(x, y, sample_weight=weights, batch_size=2, verbose=0, callbacks=recipe.callbacks())
    pages = np.array(model.get_layer("notebook").pages)
    assert pages[0].any()
    assert not pages[1].any()  # there are not so many steps
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.get_layer("notebook").pages, pages)


def test_parameters():
    model = recipe.build_model()
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trainable == 88 * 32 + 3 * 256 * (32 + 256 + 2) + 88 * 257 == 248_152

"""R26: chunks of poems, bits per character, the n-gram model to compare with, and samples."""

import numpy as np
import pytest

from recipes.recurrent import char_rnn as recipe

POEM = f"{recipe.END}De tu muerte\nque fue{recipe.END}"


def read(codes):
    return "".join(recipe.ALPHABET[code] for code in codes)


def test_alphabet_has_each_character_once():
    assert len(set(recipe.ALPHABET)) == len(recipe.ALPHABET) == 88
    assert read(recipe.encode("¿Qué €?")) == "¿Qué ·?"


@pytest.mark.parametrize("length", [4, 7, 20, 50])
def test_chunks_are_the_poem_and_what_follows(length):
    inputs, targets, weights = recipe.chunks(POEM, length)
    count = -(-(len(POEM) - 1) // length)
    assert inputs.shape == targets.shape == weights.shape == (count, length)
    assert read(targets.ravel()) == POEM[1:]
    assert read(inputs.ravel()[: len(POEM) - 1]) == POEM[:-1]
    assert weights.sum() == len(POEM) - 1


def test_a_data_set_has_the_chunks_of_all_poems(monkeypatch):
    poems = [POEM, f"{recipe.END}Ay{recipe.END}"]
    monkeypatch.setattr(recipe, "load_poems", lambda split: poems)
    inputs, targets, weights = zip(*recipe.dataset("any", 20).as_numpy_iterator(), strict=True)
    assert [read(row) for row in targets] == [POEM[1:21], POEM[21:], f"Ay{recipe.END}"]
    assert [row.sum() for row in weights] == [20, len(POEM) - 21, 3]
    assert read(inputs[2])[:3] == f"{recipe.END}Ay"


def test_bits_are_the_mean_over_what_is_no_padding():
    model = recipe.build_model(units=8)
    inputs, targets, weights = recipe.chunks(POEM, 50)
    probabilities = model.predict(inputs, verbose=0)[0]
    bits = [-np.log2(probabilities[i, targets[0, i]]) for i in range(len(POEM) - 1)]
    scores = model.evaluate(inputs, targets, sample_weight=weights, return_dict=True, verbose=0)
    assert scores["bits_per_character"] == pytest.approx(np.mean(bits), rel=1e-4)
    assert scores["loss"] == pytest.approx(np.mean(bits) * np.log(2), rel=1e-4)


def test_what_comes_later_is_not_looked_at():
    model = recipe.build_model(units=8)
    inputs = recipe.chunks(POEM, len(POEM) - 1)[0]
    whole = model.predict(inputs, verbose=0)
    assert model.predict(inputs[:, :5], verbose=0) == pytest.approx(whole[:, :5], abs=1e-6)


def test_baseline_is_the_mean_over_the_characters_of_the_test_poems(monkeypatch):
    """By hand, after a poem in which seven different characters follow one another."""
    end = recipe.END
    poems = {recipe.SPLITS[0]: [f"{end}abcdef{end}"], recipe.SPLITS[2]: [f"{end}zz{end}"]}
    monkeypatch.setattr(recipe, "load_poems", poems.get)
    # Without context: 7 counts of 7 different characters; 87 are possible (all but padding).
    z = (0 + 7 / 87) / (7 + 7)
    last = (1 + 7 / 87) / (7 + 7)
    first_z = (0 + 1 * z) / (1 + 1)  # only a has followed the beginning of a poem
    bits = -np.log2([first_z, z, last])
    assert recipe.baseline(None, None) == {"bits_per_character": pytest.approx(bits.mean())}


def test_samples_follow_the_probabilities_and_end_with_the_poem():
    model = recipe.build_model(units=4)
    head = model.get_layer("head")
    kernel, bias = head.get_weights()
    bias[recipe.CODES["a"]] = 50
    head.set_weights([0 * kernel, bias])
    assert recipe.generate(model, [0.5, 1.0], length=12) == ["a" * 12] * 2
    bias[recipe.CODES[recipe.END]] = 100
    head.set_weights([0 * kernel, bias])
    assert recipe.generate(model, [0.5], length=12) == [""]


def test_neither_padding_nor_unknown_characters_are_sampled():
    model = recipe.build_model(units=4)
    head = model.get_layer("head")
    kernel, bias = head.get_weights()
    bias[:] = -50
    bias[[0, 1, recipe.CODES["a"], recipe.CODES["b"]]] = 3.0, 3.0, 0.0, 0.0
    head.set_weights([0 * kernel, bias])
    assert set(recipe.generate(model, [1.0], length=40)[0]) == {"a", "b"}


def test_step_by_step_as_in_one_go():
    """`generate` feeds its cell one character at a time; temperature 0 takes the likeliest one."""
    model = recipe.build_model(units=8)
    text = recipe.generate(model, [0.0, 1.0], length=15)[0]
    inputs = recipe.encode(recipe.END + text)[None]
    probabilities = model.predict(inputs, verbose=0)[0, :-1]
    probabilities[:, :2] = 0
    assert read(probabilities.argmax(-1)) == text


def test_parameters():
    model = recipe.build_model()
    assert model.count_params() == 88 * 32 + 3 * 256 * (32 + 256 + 2) + 88 * 257 == 248_152
    assert len(model.weights) == len(model.trainable_weights)

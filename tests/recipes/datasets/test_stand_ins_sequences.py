"""The generated sentences, texts and series keep the rules that a network is to find in them."""

import collections
import datetime
import math
import random

import numpy as np
import pytest

from recipes.datasets import stand_ins_sequences as sequences
from recipes.datasets.stand_ins_sequences import GENERATORS, SIZES, conjugate, inflect


def verb(infinitive):
    return next(verb for verb in sequences.VERBS if verb[3] + verb[5] == infinitive)


@pytest.mark.parametrize(
    ("infinitive", "tense", "forms"),
    [
        ("comprar", "present", "compro compras compra compramos compran"),
        ("encontrar", "present", "encuentro encuentras encuentra encontramos encuentran"),
        ("perder", "past", "perdí perdiste perdió perdimos perdieron"),
        ("buscar", "past", "busqué buscaste buscó buscamos buscaron"),
        ("describir", "present", "describo describes describe describimos describen"),
        ("vender", "future", "venderé venderás venderá venderemos venderán"),
    ],
)
def test_verbs_are_conjugated(infinitive, tense, forms):
    assert [conjugate(verb(infinitive), person, tense) for person in range(5)] == forms.split()


def test_adjectives_agree():
    assert inflect("rojo", "roja", "f", True) == "rojas"
    assert inflect("verde", "verde", "f", True) == "verdes"
    assert inflect("azul", "azul", "m", True) == "azules"


def test_every_noun_has_its_forms():
    assert len(sequences.NOUNS) == 30
    for *names, gender, _ in sequences.NOUNS:
        assert len(set(names)) == 4
        assert gender in "mf"


def test_sentences_are_spanish():
    pairs = list(GENERATORS["spa_eng"]("train", 3000))
    spanish = [pair["spanish"] for pair in pairs]
    assert not any(" a el " in f" {text} ".lower() for text in spanish)
    assert all(text.count("¿") == text.count("?") for text in spanish)
    assert any(text.startswith(("Al ", "A la ")) for text in spanish)  # Al rey le gustan …
    asked = [pair for pair in pairs if pair["english"].startswith("Where was the key? I lost it.")]
    assert all("la perdí" in pair["spanish"].lower() for pair in asked)


def test_no_english_sentence_is_in_two_splits():
    splits = [
        {pair["english"] for pair in GENERATORS["spa_eng"](split, 300)}
        for split in SIZES["spa_eng"]
    ]
    assert sum(map(len, splits)) == len(set.union(*splits))


def test_word_by_word_is_not_enough():
    """The most frequent partner of each word (by Dice's coefficient) gets few sentences right."""
    pairs = list(GENERATORS["spa_eng"]("train", 4000))
    words = [(pair["english"].lower().split(), pair["spanish"].lower().split()) for pair in pairs]
    together, left, right = collections.Counter(), collections.Counter(), collections.Counter()
    for english, spanish in words:
        together.update((a, b) for a in set(english) for b in set(spanish))
        left.update(set(english))
        right.update(set(spanish))
    best = {}
    for (a, b), count in together.items():
        score = 2 * count / (left[a] + right[b])
        best[a] = max(best.get(a, (0, "")), (score, b))
    found = hits = 0
    for english, spanish in words[:500]:
        guess = [best[word][1] for word in english]
        found += guess == spanish
        hits += len(set(guess) & set(spanish)) / len(set(spanish))
    assert found / 500 < 0.05  # whole sentences
    assert 0.3 < hits / 500 < 0.85  # words: it is a baseline all the same


def bits_per_letter(text, order):
    """What a model of so many letters before spends on the text's last tenth, knowing the rest."""
    cut = len(text) * 9 // 10
    counts, alphabet = collections.defaultdict(collections.Counter), len(set(text))
    for index in range(order, cut):
        counts[text[index - order : index]][text[index]] += 1
    bits = 0.0
    for index in range(cut, len(text)):
        seen = counts.get(text[index - order : index], {})
        total = sum(seen.values()) if seen else 0
        bits -= math.log2(
            ((seen.get(text[index], 0) if seen else 0) + 0.02) / (total + 0.02 * alphabet)
        )
    return bits / (len(text) - cut)


@pytest.mark.parametrize(("name", "size"), [("don_quijote", 20), ("spanish_sonnets", 250)])
def test_texts_reward_a_longer_memory(name, size):
    text = "\n\n".join(row["text"] for row in GENERATORS[name]("train", size))
    short, long = bits_per_letter(text, 1), bits_per_letter(text, 5)
    assert 2.5 < short < 4
    assert 0.5 < long < short - 1


def test_chapters_are_filled_as_the_real_ones():
    for row in GENERATORS["don_quijote"]("train", 3):
        lines = row["text"].splitlines()
        assert row["title"].startswith(f"Capítulo {row['chapter']}. De cómo ")
        assert max(map(len, lines)) <= 75
        assert 6000 <= len(row["text"]) < 6600
        assert any(line.startswith("— ") for line in lines)


def test_sonnets_have_their_stanzas_and_rhymes():
    endings = {noun: key for key, nouns in sequences.RHYMES.items() for noun in nouns.split()}
    for row in GENERATORS["spanish_sonnets"]("train", 30):
        stanzas = [stanza.splitlines() for stanza in row["text"].split("\n\n")]
        assert [len(stanza) for stanza in stanzas] == [4, 4, 3, 3]
        rhymes = [endings[line.split()[-1].strip(".;")] for stanza in stanzas for line in stanza]
        letters = {
            rhyme: letter for letter, rhyme in zip("ABCD", dict.fromkeys(rhymes), strict=True)
        }
        assert "".join(letters[rhyme] for rhyme in rhymes) == "ABBAABBACDCDCD"


def test_demand_follows_the_calendar():
    days = [
        row
        for split in SIZES["electricity_es"]
        for row in GENERATORS["electricity_es"](split, 1096)
    ]
    demand = np.stack([row["demand"] for row in days])
    dates = [datetime.date.fromisoformat(row["date"]) for row in days]
    assert dates == [datetime.date(2014, 1, 1) + datetime.timedelta(n) for n in range(1826)]
    assert demand.dtype == np.float32
    assert 10_000 < demand.min() < demand.max() < 50_000
    sundays, months = (
        np.array([date.weekday() == 6 for date in dates]),
        np.array([date.month for date in dates]),
    )
    assert demand[sundays].mean() < 0.9 * demand[~sundays].mean()
    assert demand[months == 1].mean() > demand[months == 4].mean() < demand[months == 7].mean()
    assert demand[:, 4].mean() < demand[:, 12].mean()
    week_ago, day_ago = (np.abs(demand[lag:] - demand[:-lag]).mean() for lag in (7, 1))
    assert 500 < week_ago < day_ago


def test_tiny_stand_ins_leave_something_for_every_part():
    assert sequences.sizes("don_quijote", 8) == {"train": 20}  # train[90%:95%] is a chapter
    assert sequences.sizes("electricity_es", 8) == {"train": 120, "validation": 60, "test": 60}
    assert sequences.sizes("electricity_es", 5000)["validation"] <= 365
    assert sequences.sizes("spa_eng", 200) == {"train": 200, "validation": 100, "test": 100}


def test_words_sound_as_their_letters_stand_beside_each_other():
    rows = {split: list(GENERATORS["nettalk"](split, 300)) for split in SIZES["nettalk"]}
    words = {split: {row["word"] for row in found} for split, found in rows.items()}
    assert all(len(found) == 300 for found in words.values())
    assert not words["train"] & words["test"]
    sounds = {"c": set(), "e": set()}
    for row in rows["train"]:
        assert len(row["word"]) == len(row["phonemes"]) == len(row["stress"])
        assert row["stress"].count("1") == 1
        for letter, following, sound in zip(
            row["word"], row["word"][1:] + " ", row["phonemes"], strict=True
        ):
            if letter == "c" and following in "ei":
                sounds["c"].add(sound)
            if letter == "e" and following == " ":
                sounds["e"].add(sound)
    assert sounds["c"] <= {"s", "k"}
    assert "s" in sounds["c"]
    assert "-" in sounds["e"]


@pytest.mark.slow
def test_tomorrow_wants_more_than_last_week():
    """From seven days and the weekday, a small network errs less than the same hour last week."""
    import keras

    def windows(split):
        rows = list(GENERATORS["electricity_es"](split, 1096))
        demand = np.stack([row["demand"] for row in rows]) / 1e4 - 2.7
        weekday = np.eye(7)[[datetime.date.fromisoformat(row["date"]).weekday() for row in rows]]
        past = np.stack([demand[day - 7 : day].ravel() for day in range(7, len(rows))])
        return (
            np.concatenate([past, weekday[7:]], axis=1).astype("float32"),
            demand[7:],
            demand[:-7],
        )

    inputs, targets, _ = windows("train")
    test, truth, week_ago = windows("test")
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(64, "relu"), keras.layers.Dense(24)])
    model.compile(keras.optimizers.Adam(2e-3), "mae")
    model.fit(inputs, targets, batch_size=32, epochs=40, verbose=0)
    error = np.abs(model.predict(test, verbose=0) - truth).mean() * 1e4
    baseline = np.abs(week_ago - truth).mean() * 1e4
    print("electricity_es", baseline, error)
    assert 200 < error < 0.8 * baseline


def test_the_same_words_come_again():
    assert sequences.pair(random.Random(5)) == sequences.pair(random.Random(5))

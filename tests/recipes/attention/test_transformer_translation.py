"""M17, M21 to M24: tokenizers, teacher forcing, masked padding, search up to [end]."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.attention import transformer_translation as recipe

ENGLISH = ["I am a student.", "Where is the cat?", "The cat is a student!", "Hello."]
SPANISH = ["Soy estudiante.", "¿Dónde está el gato?", "¡El gato es estudiante!", "Hola."]


def batches(english=ENGLISH, spanish=SPANISH, size=2):
    return tf.data.Dataset.from_tensor_slices(((english, spanish), spanish)).batch(size)


@pytest.fixture(scope="module")
def model():
    """Overfitted to four sentences."""
    keras.utils.set_random_seed(1)
    model = recipe.build_model(
        embed_dim=16, depth=1, dropout=0.0, learning_rate=0.02, steps=60, train=batches()
    )
    (pair, target), *_ = batches(size=4)
    for _ in range(60):
        model.train_on_batch(pair, target)
    return model


def test_words_and_punctuation():
    assert recipe.tokenize(["¿Dónde está, Ángel?", "It's 3:30."]) == [
        ["¿", "dónde", "está", ",", "ángel", "?"],
        ["it's", "3", ":", "30", "."],
    ]
    assert recipe.standardize_target(tf.constant("Hola.")).numpy().decode().split() == [
        "[start]",
        "hola",
        ".",
        "[end]",
    ]


def test_no_text_holds_the_marks_of_start_and_end_as_words():
    """The vocabulary would have them twice."""
    texts = [f"{recipe.START} here {recipe.END}"]
    model = recipe.build_model(embed_dim=8, depth=1, train=batches(texts, texts))
    assert (
        model.spanish_vocabulary.count(recipe.START)
        == model.spanish_vocabulary.count(recipe.END)
        == 1
    )
    assert "here" in model.spanish_vocabulary


def test_teacher_forcing_gives_the_words_so_far_and_asks_for_the_next(model):
    """M24: in, "[start] soy estudiante ."; out, "soy estudiante . [end]"."""
    numbers = model.spanish_tokenizer(tf.constant(SPANISH[:1]))[0]
    words = [model.spanish_vocabulary[n] for n in numbers]
    assert words == ["[start]", "soy", "estudiante", ".", "[end]"]
    logits = model((tf.constant(ENGLISH[:1]), tf.constant(SPANISH[:1])))
    assert logits.shape == (1, 4, len(model.spanish_vocabulary))
    assert [model.spanish_vocabulary[n] for n in np.argmax(logits[0], -1)] == words[1:]
    other = model((tf.constant(ENGLISH[:1]), tf.constant(["Soy gato."])))
    np.testing.assert_allclose(
        logits[:, :2], other[:, :2], atol=1e-4
    )  # "[start] soy": what follows is not seen
    assert np.abs(logits[:, 2] - other[:, 2]).max() > 0.01


def test_padding_counts_neither_in_the_loss_nor_in_the_metric(model):
    english, spanish = (
        ENGLISH[2:],
        ["¡El perro es estudiante!", "Gato."],
    )  # 7 words with [end], and 3
    alone = [
        model.test_on_batch(
            (tf.constant([e]), tf.constant([s])), tf.constant([s]), return_dict=True
        )
        for e, s in zip(english, spanish, strict=True)
    ]
    spanish = tf.constant(spanish)
    both = model.test_on_batch((tf.constant(english), spanish), spanish, return_dict=True)
    for name in ("loss", "accuracy"):
        assert both[name] == pytest.approx(
            (7 * alone[0][name] + 3 * alone[1][name]) / 10, rel=1e-3
        ), name
    assert both["accuracy"] < 1


def test_generates_word_by_word_until_the_end(model):
    """M23: greedy search takes the likeliest word at each step and stops at [end]."""
    tokens = model.generate(tf.constant(ENGLISH))
    memory = model.transformer.encode(model.english_tokenizer(ENGLISH))
    assert tokens.shape[1] == 8  # [start] ¡ el gato es estudiante ! [end]
    for t in range(1, tokens.shape[1]):
        following = np.argmax(model.transformer.next_log_probabilities(tokens[:, :t], *memory), -1)
        running = ~(tokens[:, :t] == model.spanish_vocabulary.index(recipe.END)).any(1)
        np.testing.assert_array_equal(tokens[running, t], following[running])
    assert (tokens == model.spanish_vocabulary.index(recipe.END)).any(1).all()
    assert model.translate(ENGLISH) == [text.lower() for text in SPANISH]
    assert model.translate(ENGLISH, beam_width=3) == [text.lower() for text in SPANISH]


def test_scores_of_what_is_known_by_heart(model):
    scores = model.evaluate(batches(), return_dict=True, verbose=0)
    assert scores["accuracy"] == 1
    assert scores["bleu"] == scores["beam_bleu"] == pytest.approx(100)
    assert str(recipe.CORPUS_BLEU.get_signature()).startswith(
        "nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:"
    )


def test_unknown_words_are_read_but_never_generated():
    keras.utils.set_random_seed(0)
    model = recipe.Translator(
        ["the"], [recipe.START, recipe.END, "el"], embed_dim=8, depth=1, dropout=0.0
    )
    tokens = model.generate(tf.constant(["the dog", "a cat"]))
    assert tokens.shape[1] <= recipe.MAX_LENGTH + 1
    assert set(tokens[:, 1:].ravel()) <= {3, 4}


def test_deployed_takes_and_gives_sentences(model, tmp_path):
    recipe.deployed(model).save(tmp_path / "deployed.keras")
    deployed = keras.saving.load_model(tmp_path / "deployed.keras")
    found = deployed.predict(tf.constant(ENGLISH[:2]), verbose=0)
    assert [text.decode() for text in found] == ["soy estudiante.", "¿dónde está el gato?"]


def test_dictionary_translates_word_by_word():
    english = ["a b c d", "b a d c", "c c a b", "d b b a", "a a a d"]
    spanish = [line.translate(str.maketrans("abcd", "wxyz")) for line in english]
    assert recipe.baseline(batches(english, spanish), batches(english, spanish)) == {
        "bleu": pytest.approx(100)
    }


def test_dictionary_does_not_depend_on_the_order_of_the_pairs():
    english, spanish = (
        ["a b c d e", "c a b d e"],
        ["v w x y z", "z y w v x"],
    )  # no word tells which is whose
    found = [
        recipe.baseline(batches(english[::step], spanish[::step]), batches(english, spanish))
        for step in (1, -1)
    ]
    assert found[0] == found[1]
    assert 0 < found[0]["bleu"] < 100


def test_dictionary_takes_the_word_that_goes_with_no_others():
    """ "el" stands beside "dog" as often as "perro" does, but beside all others, too."""
    english = ["the cat", "the dog", "the red cat"]
    spanish = ["el gato", "el perro", "el gato rojo"]
    expected = {"the": "el", "cat": "gato", "dog": "perro", "red": "rojo"}
    assert recipe.learn_dictionary(english, spanish) == expected

"""R8: an encoder and a decoder; dates of the test are not among those of the training."""

import datetime

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.recurrent import seq2seq_dates as recipe

MAY = datetime.date(1999, 5, 3)


def test_dates_in_words():
    assert [recipe.written(MAY, form) for form in recipe.FORMATS] == [
        "3 de mayo de 1999",
        "lunes, 3 de mayo de 1999",
        "3 may 1999",
        "mayo 3, 1999",
        "03/05/1999",
        "3-5-1999",
    ]


def test_texts_and_answers_are_of_the_same_days():
    texts, answers = recipe.sample([0, 31], 50, seed=0)
    assert set(answers) == {"1900-01-01", "1900-02-01"}
    for text, answer in zip(texts, answers, strict=True):
        date = datetime.date.fromisoformat(answer)
        assert text in [recipe.written(date, form) for form in recipe.FORMATS]


def test_every_character_of_the_longest_date_is_read():
    longest = recipe.written(datetime.date(2026, 9, 30), recipe.FORMATS[1])
    assert longest == "miércoles, 30 de septiembre de 2026"
    assert len(longest) == recipe.LENGTH
    characters = recipe.reader()([longest, "mayo"]).numpy()
    assert np.all(characters[0] > 1), "1 stands for characters that are not known"
    assert np.all(characters[1, 4:] == 0)


def test_no_day_of_the_test_is_in_the_training_set(monkeypatch):
    drawn = []
    sample = recipe.sample

    def recorded(days, count, seed):
        drawn.append(set(days))
        return sample(days, 10, seed)

    monkeypatch.setattr(recipe, "sample", recorded)
    recipe.load_data()
    train, validation, test = drawn
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert len(train | validation | test) == 73_049  # from 1900 to 2099


def test_a_date_is_right_if_all_its_characters_are():
    symbols = recipe.symbols(["1999-05-03", "2000-12-31"])
    assert symbols[0].tolist() == [1, 9, 9, 9, 10, 0, 5, 10, 0, 3]
    answers = symbols.copy()
    answers[1, 9] = 2
    probabilities = np.eye(11, dtype="float32")[answers]
    assert recipe.exact(symbols, probabilities).numpy().tolist() == [1, 0]


def test_what_is_deployed_reads_and_writes_strings(tmp_path):
    model = recipe.build_model(code=3, units=4)
    recipe.deployed(model).save(tmp_path / "dates.keras")
    deployed = keras.saving.load_model(tmp_path / "dates.keras")
    texts = ["3 de mayo de 1999", "3 DE MAYO DE 1999", "mayo 4, 2026"]
    answers = deployed.predict(tf.constant(texts), verbose=0)
    probabilities = model.predict(np.array(recipe.reader()(texts)), verbose=0)
    for answer, likeliest in zip(answers, probabilities.argmax(axis=-1), strict=True):
        assert answer.decode() == "".join(recipe.WRITTEN[symbol] for symbol in likeliest)
    assert answers[0] == answers[1], "capitals are read as small letters"


def test_padding_does_not_change_the_code():
    model = recipe.build_model(code=3, units=4)
    encoder = keras.Model(model.inputs, model.get_layer("encoder").output)
    text = "3-5-1999"
    padded = np.array(recipe.reader()([text]))
    embedded = model.layers[1](padded[:, : len(text)])
    expected = model.get_layer("encoder")(embedded, mask=None)
    assert encoder(padded).numpy() == pytest.approx(expected.numpy(), abs=1e-6)


def test_baseline_reads_characters_at_their_places():
    """With one form, the answers are characters at fixed places."""
    days = np.arange(0, 73_000, 97)
    dates = [recipe.FIRST + datetime.timedelta(days=int(day)) for day in days]
    texts = [date.strftime("%d/%m/") + str(date.year) for date in dates]
    rows = recipe.reader()(texts), recipe.symbols([date.isoformat() for date in dates])
    data = tf.data.Dataset.from_tensor_slices(rows).batch(500)
    assert recipe.baseline(data, data)["exact"] == 1

"""What comes of a run on the user's data: the card's lines run, and the network is exported."""

import json
import pathlib
import shutil

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from recipes._runner import cli, ensemble, own_data
from recipes._runner.recipe import find


@pytest.fixture(autouse=True)
def workplace(monkeypatch, tmp_path, coarse_pictures):
    monkeypatch.chdir(tmp_path)
    for module in ("run_command", "saved"):
        monkeypatch.setattr(f"recipes._runner.{module}.SAVED_MODELS", tmp_path / "saved")
    tf.config.run_functions_eagerly(True)
    yield tmp_path
    tf.config.run_functions_eagerly(False)
    keras.backend.clear_session(free_memory=False)


def trained(recipe, data, *words):
    """The folder of a run of one epoch."""
    assert cli.main(["run", recipe, "--data", data, "--epochs", "1", *words]) == 0
    tf.config.run_functions_eagerly(False)  # as in a program of the user's, and for `export`
    return pathlib.Path("saved", recipe, "own", own_data.own_name(data)).resolve()


def photos(folder):
    rng = np.random.default_rng(0)
    for label in ("red", "blue"):
        (folder / label).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 256, (40, 30, 3)).astype("uint8")
            PIL.Image.fromarray(pixels).save(folder / label / f"{number}.png")


def houses(path):
    """Semicolons, decimal commas, a column of words and one of true and false."""
    lines = ["area;kind;new;price"]
    for number in range(20):
        kind = ("flat", "house")[number % 2]
        lines.append(f"{number}7,5;{kind};{number % 3 == 0};{1000 + 10 * number}")
    path.write_text("\n".join(lines))


def said_by_the_card(folder, monkeypatch, capsys):
    """What the lines of a card print, run beside it."""
    text = (folder / "README.md").read_text(encoding="utf8")
    block = text.partition("```python\n")[2].partition("\n```")[0]
    assert all(len(line) <= 100 for line in block.splitlines())
    monkeypatch.chdir(folder)
    capsys.readouterr()
    exec(block, known := {})
    said = capsys.readouterr().out.strip().splitlines()[-1]
    return said, known, block


def test_lines_for_ones_own_images(workplace, monkeypatch, capsys):
    photos(workplace / "photos")
    folder = trained("cnn_mnist", "photos", "--set", "filters=4")
    picture = PIL.Image.open(workplace / "photos" / "red" / "1.png")
    picture.resize((60, 80)).save(folder / "picture.png")
    _, known, _ = said_by_the_card(folder, monkeypatch, capsys)
    assert known["inputs"].shape == (1, 40, 30, 3)
    expected = PIL.Image.open(folder / "picture.png").resize((30, 40), resample=2)
    np.testing.assert_array_equal(known["inputs"][0], np.asarray(expected))
    assert known["model"].predict(known["inputs"], verbose=0).shape == (1, 2)


def test_lines_for_ones_own_table_answer_in_its_units(workplace, monkeypatch, capsys):
    houses(workplace / "houses.csv")
    folder = trained("head_regression", "houses.csv", "--set", "units=4")
    (folder / "table.csv").write_text("new;kind;area\nTrue;flat;17,5\nFalse;castle;2,5")
    said, known, block = said_by_the_card(folder, monkeypatch, capsys)
    np.testing.assert_array_equal(known["inputs"], [[17.5, 1, 0, 0, 1], [2.5, 0, 0, 1, 0]])
    assert "(rows, 5)" in block
    assert 500 < float(said.strip("[] ")) < 1700
    for name in ("deployed.keras", "model.keras"):
        assert (folder / name).exists() == (f'"{name}"' in block)
    assert "raw input" not in block


def test_lines_for_ones_own_texts(workplace, monkeypatch, capsys):
    lines = ["text,label", *(f"a {word} film {n},{word}" for n in range(5) for word in "abc")]
    (workplace / "films.csv").write_text("\n".join(lines))
    folder = trained("text_multiclass", "films.csv")
    _, known, _ = said_by_the_card(folder, monkeypatch, capsys)
    assert known["model"].predict(known["inputs"], verbose=0).shape == (2, 3)


def exported(*words):
    return cli.main(["export", *words, "--format", "saved_model"])


def refusal(capsys):
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_export_compares_on_the_users_data(workplace, monkeypatch, capsys):
    houses(workplace / "houses.csv")
    folder = trained("head_regression", "houses.csv", "--set", "units=4")
    assert exported("head-regression/own/houses") == 0
    loaded = tf.saved_model.load(str(folder / "exported" / "saved_model"))
    assert loaded.serve(np.ones((3, 5), "float32")).shape == (3, 1)

    # A search's winner, and its ensemble, which has no plan of its own.
    shutil.copytree(folder, folder / "tuned")
    found = find("head_regression")
    noted = json.loads((folder / "plan.json").read_text())["own"]
    own = own_data.load(found, found.module, own_data.options(noted), {})
    module = own_data.adapted(found.module, own)
    rows = [{"trial": "0", "score": 1.0}, {"trial": "1", "score": 0.5}]
    ensemble.make(module, rows, [folder / "tuned"] * 2, folder / "ensemble")
    capsys.readouterr()
    for name in ("tuned", "ensemble"):
        assert exported(f"head-regression/own/houses/{name}") == 0
    assert "ensemble/exported/saved_model: answers" in capsys.readouterr().out

    assert exported("head-regression/own/houses", "--stand-in") == 2
    assert refusal(capsys).startswith("recipes: --stand-in: ")
    text = (workplace / "houses.csv").read_text()
    (workplace / "houses.csv").write_text(text.replace("17,5", "18,5"))
    for name in ("", "/tuned", "/ensemble"):
        assert exported(f"head-regression/own/houses{name}") == 2
        assert "is not what it was" in refusal(capsys)
    (workplace / "houses.csv").unlink()
    for name in ("", "/tuned", "/ensemble"):
        assert exported(f"head-regression/own/houses{name}") == 2
        assert "houses.csv, which " in (line := refusal(capsys))
        assert "is no longer there" in line

"""What comes of a run on the user's data: the card's lines run, and the network is exported."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from recipes._runner import cli, ensemble, own_data, own_kinds, own_network, run_command
from recipes._runner.recipe import ROOT, find


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
    return pathlib.Path("saved", recipe, "own", run_command.own_name(data)).resolve()


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


def answers(capsys, *words):
    capsys.readouterr()
    assert cli.main(["predict", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_lines_for_ones_own_images(workplace, monkeypatch, capsys):
    """Of any size: resized in the network as `predict` resizes for the one that was trained."""
    photos(workplace / "photos")
    folder = trained("cnn_mnist", "photos", "--set", "filters=4")
    picture = PIL.Image.open(workplace / "photos" / "red" / "1.png")
    picture.resize((60, 83)).save(folder / "picture.png")
    _, known, _ = said_by_the_card(folder, monkeypatch, capsys)
    assert known["inputs"].shape == (1, 83, 60, 3)
    found = known["model"].predict(known["inputs"], verbose=0)
    # As Pillow does, up to the rounding of pixels.
    small = keras.Model(known["model"].input, known["model"].layers[1].output)
    resized = PIL.Image.open(folder / "picture.png").resize((30, 40), resample=2)
    pixels = small.predict(known["inputs"], verbose=0)[0].astype(int)
    np.testing.assert_allclose(pixels, np.asarray(resized).astype(int), atol=1)
    for name in ("deployed.keras", "model.keras"):
        (answer,) = answers(capsys, folder / name, folder / "picture.png")
        assert answer["probability"] == pytest.approx(found.max(), abs=0.01)


def test_lines_for_ones_own_table_answer_in_its_units(workplace, monkeypatch, capsys):
    houses(workplace / "houses.csv")
    folder = trained("head_regression", "houses.csv", "--set", "units=4")
    said, known, block = said_by_the_card(folder, monkeypatch, capsys)
    assert [each.numpy().tolist() for each in known["inputs"].values()] == [
        [[1]],
        [[b"flat"]],
        [[b"False"]],
    ]
    assert 500 < float(said.strip("[] ")) < 1700
    for name in ("deployed.keras", "model.keras"):
        assert f'"{name}"' in block
    assert "takes raw input, answers in your units" in block


# What a column may be called: like a layer, or with what layers cannot be called.
ODD = ["price/m2", "functional", "área (m²)", "cast", "sold", "level"]


def odd_rows(count):
    """Numbers and words in `ODD` columns, some missing; the last is a class."""
    rows = []
    for number in range(count):
        words = [f"{number}5.5", "ab"[number % 2], f"{number % 7}", str(number % 3 == 0), "[UNK]"]
        words[number % 5] = "NA" if number % 4 == 0 else words[number % 5]
        rows.append([*words, ("low", "high")[number % 2]])
    return rows


@pytest.mark.filterwarnings("ignore:When providing `inputs` as a dict")
def test_network_takes_rows_as_they_are_in_the_file(workplace, capsys):
    """It answers raw rows as `predict` answers them for the network that was trained."""
    lines = [",".join(row) for row in [ODD, *odd_rows(24)]]
    (workplace / "odd.csv").write_text("\n".join(lines), encoding="utf8")
    folder = trained("table_multiclass", "odd.csv", "--set", "units=4")
    new = [
        ["17.5", "c", "NA", "True", ""],
        ["", "a", "3", "TRUE", "[UNK]"],
        ["1", "", "2", "", "x"],
    ]
    lines = [",".join(row) for row in [ODD[:-1], *new]]
    (workplace / "new.csv").write_text("\n".join(lines), encoding="utf8")
    expected = answers(capsys, folder / "model.keras", "new.csv")
    assert len({row["probability"] for row in expected}) == 3, "the test needs rows that differ"

    model = keras.saving.load_model(folder / "deployed.keras")
    columns = [list(cells) for cells in zip(*new, strict=True)]
    inputs = {}
    for name, cells in zip(ODD, columns, strict=False):
        if name in ("price/m2", "área (m²)"):
            cells = [float(cell) if cell not in ("", "NA") else np.nan for cell in cells]
        inputs[name] = tf.constant([[cell] for cell in cells])
    for found in (model.predict(inputs, verbose=0), model(inputs).numpy()):
        found = found.max(axis=1)
        assert found == pytest.approx([row["probability"] for row in expected], abs=1e-6)
    for name in ("deployed.keras", ""):
        for row, other in zip(answers(capsys, folder / name, "new.csv"), expected, strict=True):
            assert row["class"] == other["class"]
            assert row["probability"] == pytest.approx(other["probability"], abs=1e-6)


def test_lines_of_the_card_need_nothing_else(workplace, capsys):
    """In a process of their own; a row of numbers and words as in a CSV for `predict`."""
    houses(workplace / "houses.csv")
    folder = trained("head_regression", "houses.csv", "--set", "units=4")
    (workplace / "row.csv").write_text("area;kind;new\n1,0;flat;False")
    (expected,) = answers(capsys, folder, "row.csv")
    text = (folder / "README.md").read_text(encoding="utf8")
    block = text.partition("```python\n")[2].partition("\n```")[0]
    (folder / "lines.py").write_text(block, encoding="utf8")
    done = subprocess.run(
        [sys.executable, "lines.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT.parent)},
        capture_output=True,
        text=True,
    )
    found = float(done.stdout.strip().splitlines()[-1].strip("[] "))
    assert found == pytest.approx(expected["value"], rel=1e-6)


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


@pytest.mark.full
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
    own = own_data.load(found, found.module, own_kinds.options(noted), {})
    module = own_network.adapted(found.module, own)
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

"""A whole search on data of one's own, in this process: winner, ensemble, findings and script."""

import ast
import gc
import json
import re
import runpy
import subprocess
import types

import keras
import numpy as np
import PIL.Image
import pytest
import sklearn.dummy
import sklearn.ensemble
import tensorflow as tf

from recipes._runner import cli, figures, run_command, saved, search, tune_command, tune_results
from recipes._runner.recipe import find
from recipes.tuning import importance
from tests.runner import tiny


@pytest.fixture(scope="module", autouse=True)
def eager():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    keras.backend.clear_session(free_memory=False)


def search_here(plan, options, folder, keep):
    """Trials in this process, not in workers."""
    tuner, _ = search.make_tuner(search.tuner_class(plan), plan, folder, "cpu")
    tuner.search(verbose=0)
    return tuner.leaderboard()


def run_here(command, **_):
    """`run` in this process."""
    status = tiny.main(command[len(tune_results.PROGRAM) :])
    return types.SimpleNamespace(returncode=status, stderr="failed")


class Always(sklearn.dummy.DummyClassifier):
    """The most frequent class, whatever the settings."""

    def __init__(self, **_):
        super().__init__()


@pytest.fixture(scope="module")
def here():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tune_command, "search", search_here)
        patch.setattr(tune_results, "subprocess", types.SimpleNamespace(**vars(subprocess)))
        patch.setattr(tune_results.subprocess, "run", run_here)
        # KerasTuner collects garbage before each trial.
        patch.setattr(gc, "collect", lambda *arguments: 0)
        patch.setattr(importance, "FEWEST", 3)
        # What costs time and is tested elsewhere: a run's own pictures, and gradient boosting.
        patch.setattr(figures, "standard", lambda result, answers: {})
        for place in (sklearn.ensemble, find("table_multiclass").module):
            patch.setattr(place, "HistGradientBoostingClassifier", Always)
        yield


def searched(recipe, data, folder, *words):
    """The folder of the results of a search in this process, and what it said."""
    words = ["--data", str(data), "--output", str(folder / "out"), "--tuner", "random", *words]
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", lambda *words, **_: said.append(" ".join(map(str, words))))
        assert cli.main(["tune", recipe, *words]) == 0
    return folder / "out" / "own" / run_command.own_name(data), "\n".join(said)


@pytest.fixture(scope="module")
def flowers(here, tmp_path_factory):
    """The results of a search on a table of three kinds of flowers, and what it said."""
    folder = tmp_path_factory.mktemp("flowers")
    rng = np.random.default_rng(0)
    lines = ["length,width,color,kind"]
    for number in range(48):
        length, width = rng.normal(number % 3, 0.7, size=2)
        lines.append(
            f"{length:.3f},{width:.3f},{'rb'[number % 2]},{('iris', 'rose', 'lily')[number % 3]}"
        )
    table = folder / "flowers.csv"
    table.write_text("\n".join(lines))
    words = ["--trials", "3", "--ensemble", "3", "--objective", "val_loss"]
    words += ["--epochs", "2", "--set", "units=4", "--seed", "5"]
    return *searched("table_multiclass", table, folder, *words), table


def read(path):
    return json.loads(path.read_text())


def table_rows(flowers):
    _, _, table = flowers
    lines = [line.split(",") for line in table.read_text().splitlines()[1:]]
    rows = [[float(a), float(b), color == "b", color == "r"] for a, b, color, _ in lines]
    return np.array(rows, "float32")


def test_winner_and_ensemble_lie_beside_the_search(flowers):
    place, said, _ = flowers
    rows = read(place / "tuning-random" / "leaderboard.json")
    tuned, averaged = (
        read(place / "tuned" / "metrics.json"),
        read(place / "ensemble" / "metrics.json"),
    )
    defaults = read(place / "tuned" / "defaults" / "metrics.json")
    assert tuned["arguments"] == {"units": 4} | rows[0]["hyperparameters"]
    assert tuned["data"] == averaged["data"] == {"flowers": "own"}
    # The best three by validation, the first of them being the winner.
    assert [member["trial"] for member in averaged["members"]] == [
        int(row["trial"]) + 1 for row in rows[:3]
    ]
    assert [member["seed"] for member in averaged["members"]] == [5, 6, 7]
    assert [member["arguments"] for member in averaged["members"]] == [
        {"units": 4} | row["hyperparameters"] for row in rows[:3]
    ]
    for label, metrics in {"defaults": defaults, "tuned": tuned, "ensemble": averaged}.items():
        assert f"{label}: accuracy {metrics['scores']['accuracy']:.4f} on the test set" in said
    assert not (place / "tuning-random" / "final").exists()


def test_the_ensemble_answers_with_the_users_classes(flowers, capsys):
    """The mean of its members, which are the winner and two more networks."""
    place, _, table = flowers
    model = keras.saving.load_model(place / "ensemble" / "model.keras")
    members = [layer for layer in model.layers if layer.name.startswith("member_")]
    inputs = table_rows(flowers)
    answers = [member.predict(inputs, verbose=0) for member in members]
    winner = keras.saving.load_model(place / "tuned" / "model.keras")
    np.testing.assert_allclose(answers[0], winner.predict(inputs, verbose=0), atol=1e-6)
    assert np.abs(answers[0] - answers[1]).max() > 0.01
    assert np.abs(answers[1] - answers[2]).max() > 0.01
    expected = np.mean(answers, axis=0)
    assert cli.main(["predict", str(place / "ensemble"), str(table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    names = saved.facts(place / "ensemble" / "model.keras")["classes"]
    assert [each["class"] for each in found] == [names[index] for index in expected.argmax(1)]
    assert [each["probability"] for each in found] == pytest.approx(expected.max(1), abs=1e-5)


def test_the_readmes_say_what_was_found(flowers):
    place, said, _ = flowers
    card = (place / "tuned" / "README.md").read_text()
    assert "What mattered for val_loss, by a random forest on 3 trials (fANOVA):" in card
    assert "What mattered for val_loss" in said
    assert "![importance](../tuning-random/importance.png)" in card
    assert (place / "tuning-random" / "importance.png").exists()
    card = (place / "ensemble" / "README.md").read_text()
    averaged = read(place / "ensemble" / "metrics.json")
    assert f"| {averaged['scores']['accuracy']:.4f} |\n" in card
    tuned = read(place / "tuned" / "metrics.json")
    told, score = tuned["baseline_name"], tuned["baseline"]["accuracy"]
    assert told
    assert f"| test set | {told} | [defaults]" in card
    assert f"| accuracy | {score:.4f} | " in card
    assert f"{told}: accuracy {score:.4f}" in said
    assert "The mean of the probabilities of 3 networks" in card
    assert 'keras.saving.load_model("model.keras")' in card
    for folder in (place / "tuned", place / "ensemble"):
        card = (folder / "README.md").read_text()
        assert 'load_model("deployed.keras")  # takes raw input' in card
        assert '    "color": tf.constant([["b"]]),\n' in card
        assert list(keras.saving.load_model(folder / "deployed.keras").input) == [
            "length",
            "width",
            "color",
        ]


def configs(model):
    """Those of the layers without names; means of the training set to four digits."""
    found = []
    for layer in model.layers:
        config = {name: value for name, value in layer.get_config().items() if name != "name"}
        found.append(re.sub(r"\d+\.\d+", lambda digits: f"{float(digits[0]):.4g}", str(config)))
    return found


def test_the_script_builds_and_trains_the_winner(flowers, tmp_path, monkeypatch):
    place, _, _ = flowers
    script = place / "tuning-random" / "winner.py"
    assert cli.main(["copy", str(script), str(tmp_path / "mine")]) == 0
    text = (tmp_path / "mine" / "winner.py").read_text()
    for gone in ("search_space", "VARIANTS", "build_functional", "california", "api"):
        assert gone not in text
    winner = read(place / "tuned" / "metrics.json")["arguments"]
    for name, value in winner.items():
        assert f"{name}={value}" in text
    keras.backend.clear_session(free_memory=False)
    monkeypatch.chdir(tmp_path)
    written = runpy.run_path(str(tmp_path / "mine" / "winner.py"))
    assert written["EPOCHS"] == 2
    train, _, _ = written["load_data"]()
    assert train.element_spec[0].shape == (None, 4)
    model = written["build_model"](train=train, steps=2 * len(train))
    kept = keras.saving.load_model(place / "tuned" / "model.keras")
    assert model.optimizer.get_config() == kept.optimizer.get_config()
    assert configs(model) == configs(kept)
    written["main"]()
    assert (tmp_path / "table_multiclass.keras").exists()
    lines = (place / "tuning-random" / "best.py").read_text()
    assert lines.startswith("from winner import build_model, load_data\n")
    assert "train, validation, test = load_data()" in lines


def pets(folder):
    """A CSV of what is in each image: cats are light in the upper half, dogs are red."""
    rng = np.random.default_rng(0)
    lines = ["file,animals"]
    for number in range(24):
        pixels = rng.integers(0, 100, (12, 10, 3))
        animals = ["cat"] * (number % 2) + ["dog"] * (number % 3 > 0)
        if "cat" in animals:
            pixels[:6] += 100
        if "dog" in animals:
            pixels[..., 0] += 50
        PIL.Image.fromarray(pixels.astype("uint8")).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{'|'.join(animals) or '|'}")
    (folder / "pets.csv").write_text("\n".join(lines))
    return folder / "pets.csv"


def test_images_with_any_number_of_labels(here, tmp_path, monkeypatch, capsys):
    """From the CSV to the ensemble's answers, and to a script that scores as the winner did."""
    table = pets(tmp_path)
    words = ["--trials", "2", "--ensemble", "2", "--epochs", "1"]
    words += ["--set", "batch_size=8", "--set", "filters=8"]
    place, said = searched("automl_image", table, tmp_path, *words)
    assert "automl_image learns from images of (12, 10, 3): 2 sigmoid units" in said
    rows = read(place / "tuning-random" / "leaderboard.json")
    assert {row["hyperparameters"]["kind"] for row in rows} == {"cnn", "linear"}
    tuned, averaged = (read(place / name / "metrics.json") for name in ("tuned", "ensemble"))
    assert (tuned["metric"], tuned["classes"]) == ("micro_f1", ["cat", "dog"])
    for label, metrics in {"tuned": tuned, "ensemble": averaged}.items():
        assert f"{label}: micro_f1 {metrics['scores']['micro_f1']:.4f} on the test set" in said

    # The ensemble's answer for a file: each label that is likely enough.
    image = tmp_path / "5.png"
    model = keras.saving.load_model(place / "ensemble" / "model.keras")
    (expected,) = model.predict(np.asarray(PIL.Image.open(image))[None], verbose=0)
    capsys.readouterr()
    assert cli.main(["predict", str(place / "ensemble"), str(image), "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    found = {each["class"]: each["probability"] for each in answer["labels"]}
    likely = dict(zip(tuned["classes"], expected, strict=True))
    threshold = find("automl_image").module.THRESHOLD
    likely = {name: chance for name, chance in likely.items() if chance > threshold}
    assert found == pytest.approx(likely, abs=1e-5)

    # The winner's script, copied to a folder of the user's.
    script = place / "tuning-random" / "winner.py"
    assert cli.main(["copy", str(script), str(tmp_path / "mine")]) == 0
    keras.backend.clear_session(free_memory=False)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    runpy.run_path(str(tmp_path / "mine" / "winner.py"), run_name="__main__")
    (line,) = re.findall(r"^Test: (.*)$", capsys.readouterr().out, re.MULTILINE)
    assert ast.literal_eval(line) == pytest.approx(tuned["scores"], rel=1e-5)

"""Copies for data of one's own read that data as `run --data` does, in plain Keras, and run."""

import importlib
import json
import os
import runpy
import subprocess
import sys
import types

import keras
import numpy as np
import pandas as pd
import PIL.Image
import pytest
import tensorflow as tf

from recipes._runner import cli, own_data, run_command
from recipes._runner.recipe import find
from tests import selection


@pytest.fixture(autouse=True)
def eager(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "mine"))
    tf.config.run_functions_eagerly(True)
    keras.config.set_max_epochs(1)
    yield
    keras.config.set_max_epochs(None)
    tf.config.run_functions_eagerly(False)
    keras.backend.clear_session(free_memory=False)


def photos(folder):
    rng = np.random.default_rng(0)
    for label in ("red", "blue", "green"):
        (folder / label).mkdir(parents=True)
        for number in range(5):
            pixels = rng.integers(0, 256, (12, 10, 3)).astype("uint8")
            PIL.Image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder


def labeled_photos(folder):
    lines = ["file,kind"]
    lines += [
        f"{path.relative_to(folder)},{path.parent.name}" for path in photos(folder).rglob("*.png")
    ]
    return write(folder / "labels.csv", lines)


def in_parts(make):
    """Folders of classes as `make` leaves them, in folders of training, validation and test."""

    def made(folder):
        for part in ("Train", "val", "test"):
            make(folder / part)
        for path in (folder / "val").rglob("[01].*"):
            path.unlink()
        return folder

    return made


def write(path, lines, encoding="utf-8"):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines), encoding=encoding)
    return path


def films(folder):
    for label, text in {"bad": "a bad film", "good": "a good «film»"}.items():
        for number in range(5):
            (folder / label).mkdir(parents=True, exist_ok=True)
            write(folder / label / f"{number}.txt", [f"{text} {number}"])
    return folder


def reviews(folder):
    lines = ["review;label"] + [
        f"señal {number};{['no', 'sí'][number % 2]}" for number in range(12)
    ]
    return write(folder / "reviews.csv", lines, "latin-1")


def comments(folder):
    cells = ["joy|love", "joy", "|", "love"] * 4
    return write(
        folder / "comments.csv", ["text,label", *[f"text {i},{c}" for i, c in enumerate(cells)]]
    )


def houses(folder):
    """Words, among them TRUE and FALSE, which pandas does not leave as they are."""
    lines = [f"{n},5;{'ab'[n % 2]};{str(n % 3 == 0).upper()};{1000 + n},5" for n in range(20)]
    lines[2] = "NA;b;FALSE;1002,5"
    return write(folder / "houses.csv", ["area;kind;new;price", *lines])


def numbered_houses(folder):
    """The same, with a name in each row that says nothing."""
    path = houses(folder)
    head, *lines = path.read_text().splitlines()
    lines = [f"h{number};{line}" for number, line in enumerate(lines * 3)]
    return write(path, [f"id;{head}", *lines])


CASES = {
    "senet": (photos, []),
    "cnn_mnist_best": (photos, ["--class-weights", "balanced"]),
    "cnn_cifar10": (labeled_photos, ["--variant", "slide", "--early-stopping", "2"]),
    "head_binary_sentiment": (films, ["--class-weights", "balanced"]),
    "sentiment_lstm": (reviews, ["--encoding", "latin-1"]),
    "head_multilabel": (comments, []),
    "automl_text": (comments, []),
    "head_regression": (houses, ["--early-stopping", "3"]),
    "automl_table": (numbered_houses, ["--leave-out", "id"]),
    "head_multiclass": (in_parts(photos), ["--class-weights", "balanced"]),
    "text_multiclass": (in_parts(films), []),
}


def examples(dataset):
    """Inputs and targets in an order of their own, for training sets are shuffled."""
    found = []
    for inputs, targets in dataset.unbatch().as_numpy_iterator():
        found.append(repr((np.asarray(inputs).tolist(), np.round(targets, 4).tolist())))
    return sorted(found)


def cases():
    for name in CASES:
        yield pytest.param(name, marks=[] if selection.chosen(name) else [pytest.mark.full])


@pytest.mark.parametrize("name", cases())
def test_copy_reads_what_run_reads_and_runs(name, tmp_path, capsys, monkeypatch):
    make, words = CASES[name]
    data = make(tmp_path / "data")
    assert cli.main(["copy", name, "mine", "--data", str(data), *words]) == 0, capsys.readouterr()
    capsys.readouterr()
    path = tmp_path / "mine" / f"{name}.py"
    source = path.read_text(encoding="utf8")
    assert "tensorflow_datasets" not in source
    assert str(data) in source
    lines = [line for line in source.splitlines() if not line.startswith("DATA =")]
    assert max(map(len, lines)) <= 100
    if "--class-weights" in words:
        assert "class_weight=weights" in source
    if "--early-stopping" in words:
        assert f"patience={words[-1]}" in source
    recipe = find(name)
    given = dict.fromkeys(run_command.OF_DATA)
    given["leave_out"] = "id" if "id" in words else None
    given["encoding"] = "latin-1" if "latin-1" in words else None
    own = own_data.load(recipe, recipe.module, types.SimpleNamespace(data=data, **given), {})
    copied = runpy.run_path(str(path))
    if own.classes:
        assert copied["CLASSES"] == own.classes
    for mine, theirs in zip(copied["load_data"](), own.load_data(4), strict=True):
        assert examples(mine) == examples(theirs)
    runpy.run_path(str(path), run_name="__main__")
    tested = capsys.readouterr().out
    assert "Test: {" in tested
    assert ("r2" in tested) == (own.form == "numbers")
    assert (tmp_path / f"{name}.keras").exists()
    readme = (tmp_path / "mine" / "README.md").read_text(encoding="utf8")
    assert "EarlyStopping(monitor=" in readme
    predict(name, tmp_path, data, own, capsys, monkeypatch)


def predict(name, folder, data, own, capsys, monkeypatch):
    """The copy's `predict.py` answers with the user's classes."""
    script = folder / "mine" / "predict.py"
    for model in folder.glob("*.keras"):
        model.rename(folder / "mine" / model.name)
    if own.kind == "image":
        file = next(path for path in data.parent.rglob("*.png"))
    elif own.kind == "text":
        file = write(folder / "new.txt", ["a text"])
    else:
        rows = ["a;1,5;x;TRUE", "a;1,5;x;FALSE", "c;2;y;FALSE"]
        file = write(folder / "new.csv", ["kind;area;more;new", *rows])
    importlib.invalidate_caches()  # the folder was not there when it came on the path
    for module in (name, "predict"):
        sys.modules.pop(module, None)
    monkeypatch.setattr(sys, "argv", [str(script), str(file)])
    runpy.run_path(str(script), run_name="__main__")
    said = capsys.readouterr().out
    sys.modules.pop(name, None)
    if own.kind == "table":
        values = [float(line.rpartition(" ")[2]) for line in said.splitlines()]
        assert len(values) == 3
        assert values[0] != values[1], "TRUE is not FALSE"
        assert all(900 < value < 1100 for value in values), "in the units of the table"
    else:
        assert any(label in said for label in own.classes), said


ROW = """
import json
import head_regression
import keras
import tensorflow as tf

model = keras.saving.load_model("head_regression_deployed.keras")
row = {
    "area": tf.constant([[3.5], [float("nan")], [7.5]]),
    "kind": tf.constant([["a"], ["c"], ["b"]]),
    "new": tf.constant([["TRUE"], ["FALSE"], [""]]),
}
print(json.dumps(model.predict(row, verbose=0).tolist()))
"""


def test_deployed_network_of_a_copy_takes_rows_as_in_the_file(tmp_path, capsys):
    """In a process of its own; with a gap, a word that is not in the table, and none."""
    data = houses(tmp_path / "data")
    assert cli.main(["copy", "head_regression", "mine", "--data", str(data)]) == 0
    copied = runpy.run_path("mine/head_regression.py", run_name="__main__")
    done = subprocess.run(
        [sys.executable, "-c", ROW],
        env={**os.environ, "PYTHONPATH": "mine"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])

    rows = write(tmp_path / "new.csv", ["area;kind;new", "3,5;a;TRUE", ";c;FALSE", "7,5;b;"])
    table = pd.read_csv(rows, sep=";", decimal=",", dtype=copied["KINDS"])
    model = keras.saving.load_model("head_regression.keras")
    expected = model.predict(copied["features"](table), verbose=0)
    expected = expected * copied["DEVIATION"] + copied["MEAN"]
    assert len(np.unique(expected)) == 3, "the test needs rows that differ"
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:When providing `inputs` as a dict")
def test_columns_may_be_called_like_layers(tmp_path, capsys):
    """Or with a slash, which Keras does not allow in the name of an input."""
    lines = ["price/m2,functional,get_item,level"]
    lines += [f"{n},{n % 3},{'ab'[n % 2]},{['low', 'high'][n % 2]}" for n in range(12)]
    data = write(tmp_path / "data" / "odd.csv", lines)
    assert cli.main(["copy", "table_multiclass", "mine", "--data", str(data)]) == 0
    runpy.run_path("mine/table_multiclass.py", run_name="__main__")
    model = keras.saving.load_model("table_multiclass_deployed.keras")
    row = {"price/m2": [[1.0]], "functional": [[2.0]], "get_item": [["b"]]}
    row = {name: tf.constant(cells) for name, cells in row.items()}
    assert model.predict(row, verbose=0).shape == (1, 2)


def masks(folder):
    """Gray images, and masks of 0 and 255."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(7):
        pixels = rng.integers(0, 256, (30, 44)).astype("uint8")
        PIL.Image.fromarray(pixels).save(folder / "images" / f"{number}.jpg")
        PIL.Image.fromarray(255 * (pixels // 128)).save(folder / "masks" / f"{number}.png")
    (folder / "images" / ".hidden").touch()
    return folder


def colored_masks(folder):
    """Masks of three classes, with a palette."""
    rng = np.random.default_rng(0)
    for file in sorted((masks(folder) / "masks").iterdir()):
        mask = PIL.Image.fromarray(rng.integers(0, 3, (30, 44)).astype("uint8"))
        mask.putpalette([0, 0, 0, 200, 0, 0, 0, 0, 200])
        mask.save(file)
    return folder


def boxes(folder):
    """A table of boxes, and an image without; semicolons, and a column more."""
    lines = ["file;class;x1;y1;x2;y2;remark"]
    for number in (3, 1, 2, 0, 4, 5):
        image = PIL.Image.new("RGB", (40, 30), (0, 40 * number, 0))
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / f"{number}.png")
        lines += [f"{number}.png;{'ab'[k]};{5 * k},5;{number};{20 + k};29;" for k in range(2)]
    return write(folder / "boxes.csv", [*lines[:-2], "5.png;;;;;;"])


def labels(folder):
    """Labels as YOLO has them, of classes without names."""
    boxes(folder / "images")
    (folder / "images" / "boxes.csv").unlink()
    for number in range(6):
        lines = [f"{number % 3} 0.5 0.{number + 1} 0.3 0.1"] * (number != 4)
        write(folder / "labels" / f"{number}.txt", lines)
    return folder


PLACES = {
    "white masks": ("unet", masks),
    "masks with a palette": ("unet", colored_masks),
    "a table of boxes": ("yolo_v1", boxes),
    "labels": ("yolo_v1", labels),
}


@pytest.mark.parametrize(
    "name",
    [
        "white masks",
        pytest.param("masks with a palette", marks=pytest.mark.full),
        "a table of boxes",
        pytest.param("labels", marks=pytest.mark.full),
    ],
)
def test_copy_reads_boxes_and_masks_and_runs(name, tmp_path, capsys):
    recipe, make = PLACES[name]
    data = make(tmp_path / "data")
    words = ["--data", str(data), "--early-stopping", "2"]
    assert cli.main(["copy", recipe, "mine", *words]) == 0, capsys.readouterr()
    path = tmp_path / "mine" / f"{recipe}.py"
    source = path.read_text(encoding="utf8")
    lines = [line for line in source.splitlines() if not line.startswith("DATA =")]
    assert max(map(len, lines)) <= 100
    assert not (tmp_path / "mine" / "predict.py").exists()
    assert "class_weight" not in (tmp_path / "mine" / "README.md").read_text(encoding="utf8")
    for word in ("tensorflow_datasets", "isbi2012 import", "sample_scene", "def baseline"):
        assert word not in source
    found = find(recipe)
    given = dict.fromkeys(run_command.OF_DATA)
    own = own_data.load(found, found.module, types.SimpleNamespace(data=data, **given), {})
    copied = runpy.run_path(str(path))
    assert copied["CLASSES"] == own.classes
    for mine, theirs in zip(copied["load_data"](), own.load_data(4), strict=True):
        assert examples(mine) == examples(theirs)
    capsys.readouterr()
    runpy.run_path(str(path), run_name="__main__")
    assert "Test: {" in capsys.readouterr().out
    assert (tmp_path / f"{recipe}.keras").exists()


def test_masks_that_a_copy_does_not_find(tmp_path, capsys):
    folder = masks(tmp_path / "data")
    PIL.Image.open(folder / "masks" / "0.png").save(folder / "masks" / "0.tif")
    (folder / "masks" / "0.png").unlink()
    assert cli.main(["copy", "unet", "mine", "--data", "data"]) == 2
    assert "a copy reads masks of one suffix" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--early-stopping", "3"], "--early-stopping is for a copy with --data"),
        (["--target", "kind"], "say where it is with --data"),
        (["--data", "nowhere"], "nowhere does not exist"),
        (["--data", ".", "--skip-broken"], "move what is broken away"),
        (["--data", ".", "--variant", "big"], "--variant big: there are strided, slide"),
    ],
)
def test_what_a_copy_refuses(words, said, tmp_path, capsys):
    assert cli.main(["copy", "cnn_cifar10", "mine", *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()


def test_images_that_keras_does_not_read(tmp_path, capsys):
    folder = photos(tmp_path / "data")
    PIL.Image.open(folder / "red" / "0.png").save(folder / "red" / "a.webp")
    assert cli.main(["copy", "cnn_cifar10", "mine", "--data", "data"]) == 2
    assert "a.webp: a copy reads .bmp" in capsys.readouterr().err


@pytest.mark.parametrize("layout", ["folder", "csv"])
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("turned", "was taken with the camera turned"),
        ("transparent", "has transparent places"),
        ("deep", "has 16 bits per pixel"),
    ],
)
def test_images_that_keras_reads_in_another_way(layout, kind, said, tmp_path, capsys):
    folder = (photos if layout == "folder" else labeled_photos)(tmp_path / "data")
    path = next(tmp_path.rglob("*.png"))
    with PIL.Image.open(path) as opened:
        image = opened.convert("RGB")
    if kind == "turned":
        exif = PIL.Image.Exif()
        exif[0x0112] = 6
        image.save(path, exif=exif)
    elif kind == "transparent":
        image.putalpha(100)
        image.save(path)
    else:
        deep = np.full((image.height, image.width), 40_000, "uint16")
        PIL.Image.fromarray(deep).save(path)
    assert cli.main(["copy", "cnn_cifar10", "mine", "--data", str(folder)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"{path.name} {said}" in line
    assert not (tmp_path / "mine").exists()


def test_labels_may_have_spaces_between_them(tmp_path, capsys):
    folder = comments(tmp_path / "data")
    path = folder if folder.is_file() else next(folder.glob("*.csv"))
    spaced = path.read_text().replace("|", " | ")
    assert spaced != path.read_text()
    path.write_text(spaced)
    assert cli.main(["copy", "head_multilabel", "mine", "--data", str(folder)]) == 0
    capsys.readouterr()
    copied = runpy.run_path(str(tmp_path / "mine" / "head_multilabel.py"))
    _, labels = next(iter(copied["load_data"](batch_size=4)[0]))
    assert labels.shape == (4, len(copied["CLASSES"]))


def test_parts_that_a_copy_does_not_read(tmp_path, capsys):
    """`run` takes a share of the training set where a part is missing."""
    folder = in_parts(photos)(tmp_path / "data")
    for path in (folder / "val" / "red").iterdir():
        path.unlink()
    (folder / "val" / "red").rmdir()
    assert cli.main(["copy", "cnn_cifar10", "mine", "--data", "data"]) == 2
    assert "val has no red: a copy reads all classes there" in capsys.readouterr().err
    (folder / "val").rename(folder / "testing")
    assert cli.main(["copy", "cnn_cifar10", "mine", "--data", "data"]) == 2
    assert "has Train, test, testing: a copy reads one folder each" in capsys.readouterr().err

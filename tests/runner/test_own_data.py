"""The user's data in place of a recipe's: what is read, refused, left out, trained, predicted."""

import json
import pathlib
import re
import types

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from recipes._runner import (
    cli,
    own_data,
    own_kinds,
    own_network,
    own_targets,
    own_words,
    run_command,
)
from recipes._runner.errors import UserError
from recipes._runner.recipe import ROOT, find
from tests import selection

TAKERS = [recipe for recipe in selection.RECIPES if own_kinds.kind(recipe)]


@pytest.fixture(autouse=True)
def eager(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    keras.backend.clear_session(free_memory=False)


def options(path, **given):
    known = dict.fromkeys(run_command.OF_DATA)
    return types.SimpleNamespace(data=path, **known | given)


def load(path, recipe="cnn_cifar10", settings=None, **given):
    recipe = find(recipe)
    return own_data.load(recipe, recipe.module, options(path, **given), settings or {})


def image(path, color, size=(12, 10), mode="RGB", **saving):
    """A picture of one color, (width, height); saved with what `Image.save` takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.new("RGB", size, color).convert(mode).save(path, **saving)


@pytest.fixture
def photos(tmp_path):
    """Twelve red and four blue pictures."""
    for number in range(12):
        image(tmp_path / "photos" / "red" / f"{number}.png", (200 + number, 0, 0))
    for number in range(4):
        image(tmp_path / "photos" / "blue" / f"{number}.jpg", (0, 0, 200 + number))
    return tmp_path / "photos"


def refusal(capsys):
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


# Images in folders of classes


def test_folder_of_classes(photos):
    own = load(photos)
    assert own.classes == ["blue", "red"]
    assert own.shape == (10, 12, 3)
    assert own.inputs.shape == (16, 10, 12, 3)
    assert own.inputs.dtype == "uint8"
    assert own.targets.tolist() == [0] * 4 + [1] * 12
    assert [len(rows) for rows in own.parts] == [10, 3, 3]
    assert sorted(np.concatenate(own.parts)) == list(range(16))
    for rows in own.parts:
        assert set(own.targets[rows]) == {0, 1}, "each class is in each part"
    for inputs, target in zip(own.inputs, own.targets, strict=True):
        assert inputs[..., 0 if target else 2].min() > 150, "the colors belong to the labels"
    found, parts, trained = own.lines
    assert found.startswith(
        "photos: 16 images of 2 classes: red 12, blue 4; the largest is 3 times"
    )
    assert parts == "Split by class, seed 0: 10 to train, 3 for validation, 3 for the test."
    assert "images of (10, 12, 3): 2 softmax units" in trained
    assert "always 'red' would be right in 75.0%" in trained


def test_split_is_the_same_again(photos):
    first, again = load(photos), load(photos)
    assert first.digest == again.digest
    image(photos / "red" / "0.png", (0, 0, 1))
    assert load(photos).digest != first.digest


def test_size_follows_from_the_data_or_from_what_is_typed(tmp_path, photos):
    assert load(photos, settings={"input_shape": (16, 16, 1)}).inputs.shape == (16, 16, 16, 1)
    for number in range(6):
        name = "ab"[number % 2]
        image(tmp_path / "large" / name / f"{number}.png", "gray", (400, 200), mode="L")
    assert load(tmp_path / "large").shape == (32, 64, 1)


def test_odd_images_are_read_as_what_they_show(tmp_path):
    """CMYK, palettes, 16 bits, transparency, and a camera held on its side."""
    folder = tmp_path / "odd"
    for number in range(3):
        image(folder / "red" / f"{number}.png", "red")
    image(folder / "red" / "cmyk.jpg", "red", mode="CMYK")
    image(folder / "red" / "palette.gif", "red", mode="P")
    image(folder / "red" / "alpha.png", "red", mode="RGBA")
    image(folder / "gray" / "1.png", "gray", mode="L")
    PIL.Image.fromarray(np.full((10, 12), 32768, "uint16")).save(folder / "gray" / "16bit.png")
    turned = PIL.Image.new("RGB", (10, 12), "gray")
    turned.putpixel((0, 0), (255, 255, 255))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # turn it clockwise to see it upright
    turned.save(folder / "gray" / "turned.tif", exif=exif)
    own = load(folder)
    assert own.shape == (10, 12, 3)
    gray, red = own.inputs[own.targets == 0], own.inputs[own.targets == 1]
    assert red[..., 0].min() > 200
    assert red[..., 1:].max() < 60
    assert np.abs(gray.astype(int) - 128).mean() < 3
    assert (gray[2, 0, -1] > 200).all(), "the bright corner is at the upper right"


def test_broken_files_are_named_and_refused_or_left_out(photos, capsys):
    (photos / "red" / "empty.png").touch()
    (photos / "red" / "cut.png").write_bytes((photos / "red" / "0.png").read_bytes()[:50])
    (photos / "red" / "notes.doc").write_text("notes")
    (photos / "red" / ".DS_Store").write_text("hidden")
    (photos / "blue" / "Thumbs.db").write_text("hidden")
    with pytest.raises(UserError) as refused:
        load(photos)
    for said in ("notes.doc: is none of images", "empty.png: is empty", "--skip-broken"):
        assert said in str(refused.value)
    assert "cut.png: is no readable image" in str(refused.value)
    own = load(photos, skip_broken=True)
    assert len(own.inputs) == 16
    assert own.lines[-1].startswith("Left out (3): ")


def test_file_that_breaks_off_is_noticed(photos):
    content = (photos / "red" / "0.png").read_bytes()
    (photos / "red" / "late.png").write_bytes(content[:-20])
    with pytest.raises(UserError, match=r"late\.png: is no readable image"):
        load(photos)


def test_classes_need_three_examples(photos):
    image(photos / "green" / "1.png", "green")
    image(photos / "green" / "2.png", "green")
    (photos / "white").mkdir()
    with pytest.raises(UserError, match="class green: has 2 examples; 3 are needed"):
        load(photos, skip_broken=None)
    own = load(photos, skip_broken=True)
    assert own.classes == ["blue", "red"]
    assert "class white: has no examples" in own.lines[-1]
    image(photos / "green" / "3.png", "green")
    own = load(photos, skip_broken=True)
    assert own.classes == ["blue", "green", "red"]
    assert all((own.targets[rows] == 1).sum() == 1 for rows in own.parts)


def test_one_class_is_refused(tmp_path):
    for number in range(4):
        image(tmp_path / "photos" / "red" / f"{number}.png", "red")
    with pytest.raises(UserError, match="one class only"):
        load(tmp_path / "photos")


def test_folders_of_training_and_test(photos, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    photos.rename(folder / "train")
    for name in ("red", "blue"):
        image(folder / "test" / name / "1.png", name)
        image(folder / "test" / name / "2.png", name)
    own = load(folder)
    assert own.classes == ["blue", "red"]
    assert [len(rows) for rows in own.parts] == [13, 3, 4]
    assert "Split as the folders say" in own.lines[1]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: None, "neither a folder of images for each class nor a CSV"),
        (
            lambda folder: (folder / "a.zip").touch(),
            "lies in no folder of a class|neither a folder",
        ),
        (lambda folder: image(folder / "a.png", "red"), "neither a folder"),
        (lambda folder: image(folder / "val" / "a" / "a.png", "red"), "but no train"),
    ],
)
def test_folders_that_are_no_data(make, said, tmp_path):
    (tmp_path / "data").mkdir()
    make(tmp_path / "data")
    with pytest.raises(UserError, match=said):
        load(tmp_path / "data")


def test_images_named_in_a_table(photos, tmp_path):
    lines = ["file;kind"]
    lines += [f"{path.relative_to(photos)};{path.parent.name}" for path in photos.rglob("*.*")]
    (photos / "labels.csv").write_text("\n".join([*lines, "red/99.png;red"]))
    with pytest.raises(UserError, match=r"labels\.csv, line 18: red/99\.png is no file beside it"):
        load(photos)
    own = load(photos, skip_broken=True)
    assert own.classes == ["blue", "red"]
    assert len(own.inputs) == 16
    assert (own.inputs[own.targets == 1][..., 0] > 150).all()


# Texts


REVIEWS = {"bad": "a bad, long film", "good": "«señal» of a good film"}


def test_texts_in_folders(tmp_path):
    for number in range(4):
        for label, text in REVIEWS.items():
            path = tmp_path / "films" / label / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n\n{number}\n", encoding="utf-8")
    (tmp_path / "films" / "good" / "old.txt").write_bytes("señal".encode("latin-1"))
    (tmp_path / "films" / "good" / "empty.txt").write_text(" \n")
    with pytest.raises(UserError) as refused:
        load(tmp_path / "films", "head_binary_sentiment")
    assert "good/old.txt: is no text in UTF-8: byte 2 is 0xf1" in str(refused.value)
    assert "good/empty.txt: holds no text" in str(refused.value)
    own = load(tmp_path / "films", "head_binary_sentiment", skip_broken=True)
    assert own.inputs[0] == "a bad, long film\n\n0"
    assert own.targets.tolist() == [0] * 4 + [1] * 4
    assert "one sigmoid unit for 'good'" in own.lines[2]
    texts, labels = next(iter(own.load_data(batch_size=8)[0]))
    assert texts.dtype == "string"
    assert {text.decode() for text in texts.numpy()} <= set(own.inputs)
    assert labels.shape == (4,)


def table(path, lines, encoding="utf-8"):
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def test_texts_of_a_table_with_its_own_separator_and_encoding(tmp_path):
    lines = ["id;label;review"]
    for number in range(4):
        lines += [f'{number};{label};"{text}; {number}"' for label, text in REVIEWS.items()]
    path = table(tmp_path / "films.csv", lines, encoding="latin-1")
    with pytest.raises(UserError, match=r"no text in UTF-8.*--encoding latin-1"):
        load(path, "head_binary_sentiment")
    own = load(path, "head_binary_sentiment", encoding="latin-1")
    assert own.names["source"] == "review"
    assert own.names["target"] == ["label"]
    assert own.inputs[1] == "«señal» of a good film; 0"
    assert own.classes == ["bad", "good"]
    table(path, [*lines, "5;;no label", "6;good;one;more"], encoding="latin-1")
    with pytest.raises(UserError) as refused:
        load(path, "head_binary_sentiment", encoding="latin-1")
    assert "films.csv, line 10: has no label" in str(refused.value)
    assert "films.csv, line 11: 4 columns instead of 3" in str(refused.value)
    again = load(path, "head_binary_sentiment", encoding="latin-1", skip_broken=True)
    assert again.inputs.tolist() == own.inputs.tolist()


def test_network_for_two_classes_is_not_given_three(tmp_path):
    lines = ["text,label"] + [f"some text {number},{number % 3}" for number in range(12)]
    with pytest.raises(
        UserError, match=r"has 3 classes .0, 1, 2., head_binary_sentiment tells two"
    ):
        load(table(tmp_path / "three.csv", lines), "head_binary_sentiment")


def test_wrong_column_as_the_target_is_noticed(tmp_path):
    lines = ["label,text"] + [f"{number % 2},text {number}" for number in range(12)]
    path = table(tmp_path / "texts.csv", lines)
    assert load(path, "head_binary_sentiment").classes == ["0", "1"]
    with pytest.raises(UserError, match="12 different values in column text"):
        load(path, "head_binary_sentiment", target="text")
    with pytest.raises(UserError, match=r"--target kind: .*texts\.csv has label, text"):
        load(path, "head_binary_sentiment", target="kind")
    with pytest.raises(UserError, match="one column"):
        load(path, "head_binary_sentiment", target="text,label")


def test_labels_in_one_cell_or_a_column_each(tmp_path):
    cells = ["joy|love", "joy", "", "love"] * 3
    lines = ["text,label"] + [f"text {number},{cell or '|'}" for number, cell in enumerate(cells)]
    one = load(table(tmp_path / "one.csv", lines), "head_multilabel")
    assert one.classes == ["joy", "love"]
    assert one.targets[:4].tolist() == [[1, 1], [1, 0], [0, 0], [0, 1]]
    assert "12 texts of 2 labels: joy 6, love 6" in one.lines[0]
    lines = ["text,joy,love"]
    lines += [
        f"text {n},{int('joy' in cell)},{int('love' in cell)}" for n, cell in enumerate(cells)
    ]
    several = load(table(tmp_path / "several.csv", lines), "head_multilabel")
    assert several.classes == one.classes
    assert several.targets.tolist() == one.targets.tolist()
    named = load(tmp_path / "several.csv", "head_multilabel", target="love,joy")
    assert named.targets.tolist() == one.targets.tolist()


def test_a_network_for_classes_may_learn_labels(tmp_path):
    """What is searched in AutoML: labels where the data has several, otherwise classes."""
    lines = ["text,label"] + [f"text {n},{['joy|love', 'joy', '|'][n % 3]}" for n in range(12)]
    several = load(table(tmp_path / "several.csv", lines), "automl_text")
    assert (several.form, several.classes) == ("labels", ["joy", "love"])
    assert several.monitor == ("val_micro_f1", "max")
    assert several.targets[:3].tolist() == [[1, 1], [1, 0], [0, 0]]
    assert "2 sigmoid units, binary cross-entropy" in several.lines[2]
    module = own_network.adapted(find("automl_text").module, several)
    train, _, _ = module.load_data(batch_size=4)
    model = module.build_model(kind="bag_of_words", train=train)
    assert model.loss == "binary_crossentropy"
    probabilities = model.predict(train, verbose=0)
    assert probabilities.shape == (8, 2)
    assert np.abs(probabilities.sum(axis=1) - 1).min() > 1e-4

    one = load(
        table(tmp_path / "one.csv", [line.replace("|", "") for line in lines]),
        "automl_text",
        skip_broken=True,
    )
    assert (one.form, one.monitor) == ("classes", ("val_accuracy", "max"))

    # In columns of 0 and 1, unless one of them is called as a target.
    lines = ["text,joy,love,label"] + [f"text {n},{n % 2},{n % 3 // 2},{n % 2}" for n in range(12)]
    path = table(tmp_path / "columns.csv", lines)
    assert load(path, "automl_text").form == "classes"
    assert load(path, "automl_text", target="joy,love").classes == ["joy", "love"]
    assert load(path, "automl_text", leave_out="label").classes == ["joy", "love"]
    with pytest.raises(UserError, match="one column"):
        load(path, "text_multiclass", target="joy,love")
    takers = [recipe.name for recipe in TAKERS if own_targets.takes_labels(recipe)]
    assert takers == ["automl_image", "automl_text"]


def test_labels_too_rare_to_learn_are_named(tmp_path):
    lines = ["text,label"] + [f"text {number},joy" for number in range(20)]
    own = load(table(tmp_path / "enough.csv", [*lines, *["x,love"] * 9]), "head_multilabel")
    assert not any("rare" in line for line in own.lines)
    lines += ["x,love"] * 3 + ["y,rage"]
    own = load(table(tmp_path / "few.csv", lines), "head_multilabel")
    left = [int(own.targets[rows, 2].sum()) for rows in own.parts]
    assert sum(left) == 1
    (line,) = [line for line in own.lines if "rare" in line]
    assert f"rage (1 of the examples, {left[0]} of them to train with)" in line
    assert ("love" in line) == (not own.targets[own.parts[0], 1].any())

    # However many there are, if chance gives none of them to the training set.
    own.parts = (np.flatnonzero(own.targets[:, 0]), *own.parts[1:])
    said = own_words.rare_labels(own)
    assert said.startswith("love (3 of the examples, 0 of them to train with), rage (1 of")


# Tables


HOUSES = [
    f"{number},{number % 7}5,{'abc'[number % 3]},{1000 + 10 * number}" for number in range(20)
]


def test_table_of_numbers_and_words(tmp_path):
    own = load(table(tmp_path / "houses.csv", ["id,area,kind,price", *HOUSES]), "head_regression")
    assert own.columns == [["id", None], ["area", None], ["kind", ["a", "b", "c"]]]
    assert own.inputs[4].tolist() == [4, 45, 0, 1, 0]
    mean, deviation = own.scale
    np.testing.assert_allclose(own.targets[:, 0] * deviation + mean, 1000 + 10 * np.arange(20))
    np.testing.assert_allclose(
        own.targets[own.parts[0]].mean(), 0, atol=1e-4
    )  # the scale has six digits
    assert "houses: 20 rows; price from 1000 to 1190, median 1095" in own.lines[0]
    assert "one linear unit, mean squared error of price" in own.lines[2]


def test_columns_that_say_nothing_are_left_out(tmp_path):
    lines = ["id,note,size,kind,date"]
    lines += [f"row {number},,{number},{'ab'[number % 2]},day {number}" for number in range(60)]
    path = table(tmp_path / "rows.csv", lines)
    with pytest.raises(
        UserError,
        match=r"column id: has 60 different words \(--leave-out id\); column note: is empty",
    ):
        load(path, "table_multiclass", target="kind")
    own = load(path, "table_multiclass", leave_out="id, note,date")
    assert own.columns == [["size", None]]
    assert own.names["target"] == ["kind"], "the last one that is left"
    for words, said in {
        "name": "--leave-out name: .* has id, note, size, kind, date",
        "id,kind": "--leave-out kind: it is the target",
        "id,note,size,date": "has nothing else to learn from",
    }.items():
        with pytest.raises(UserError, match=said):
            load(path, "table_multiclass", target="kind", leave_out=words)


def test_folders_have_no_columns_to_leave_out(photos):
    with pytest.raises(UserError, match="--leave-out is for a CSV"):
        load(photos, leave_out="red")


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1", "2", "3"], False),
        (["1.0", "2.0", "NA"], False),
        (["1.5", "2", "2"], True),
        (["1,5", "2", "2"], True),
        ([str(number) for number in range(20)], False),
        ([str(number) for number in range(21)], True),
        ([f"{number} m" for number in range(21)], False),
    ],
)
def test_many_numbers_or_fractions_are_no_classes(cells, numbers):
    assert own_targets.are_numbers(cells) == numbers


def test_table_from_a_country_of_decimal_commas(tmp_path):
    lines = ["área;clase;precio"]
    lines += [f"{n},5;{'ñu'[n % 2]};{n},25" for n in range(12)]
    lines[3] = "NA;ñ;2,25"
    path = table(tmp_path / "casas.csv", lines, encoding="utf-16")
    own = load(path, "head_regression")
    assert own.columns == [["área", None], ["clase", ["u", "ñ"]]]
    assert own.inputs[1].tolist() == [1.5, 1, 0]
    assert np.isnan(own.inputs[2, 0])
    mean, deviation = own.scale
    assert own.targets[5, 0] * deviation + mean == pytest.approx(5.25)


def test_what_no_network_learns_from_is_named(tmp_path):
    lines = ["name,area,empty,price"]
    lines += [f"house {n},{n},,{n if n else 'dear'}" for n in range(60)]
    path = table(tmp_path / "houses.csv", lines)
    with pytest.raises(UserError) as refused:
        load(path, "head_regression")
    assert "column name: has 60 different words" in str(refused.value)
    assert "column empty: is empty" in str(refused.value)
    assert "line 2: 'dear' is no number to predict" in str(refused.value)
    own = load(path, "head_regression", skip_broken=True)
    assert own.inputs.tolist() == [[number] for number in range(1, 60)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "is empty"),
        (["a,b"], "no rows below"),
        (["a", "1"], "one column only"),
        (["1,2", "3,4"], "the first line must name the columns"),
        (["a,a", "1,2"], "two columns named 'a'"),
        (["a,b", '1,"2'], "is a quote not closed"),
        (["a,b"] + ["1,7"] * 12, "always 7 in column b"),
        (["a,b"] + ["1,7", "1,8"] * 3, "6 numbers in column b"),
    ],
)
def test_tables_that_are_none(lines, said, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match=said):
        load(path, "head_regression")


def test_run_on_a_table_answers_in_the_units_of_the_table(tmp_path, saved_models, capsys):
    table(tmp_path / "houses.csv", ["id,area,kind,price", *HOUSES])
    words = ["--data", "houses.csv", "--epochs", "1", "--set", "units=4"]
    assert cli.main(["run", "head_regression", *words]) == 0
    folder = saved_models / "head_regression" / "own" / "houses"
    assert json.loads((folder / "metrics.json").read_text())["columns"][2] == [
        "kind",
        ["a", "b", "c"],
    ]
    table(tmp_path / "new.csv", ["kind;area;id;more", "a;1,5;3;x", "d;NA;4;y"])
    capsys.readouterr()
    assert cli.main(["predict", "head-regression/own/houses", "new.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    values = [float(line.rpartition(" ")[2]) for line in lines]
    assert len(values) == 2
    assert all(500 < value < 1700 for value in values), "not standardized"


# Run, resume, predict


def run(*words, recipe="cnn_cifar10"):
    size = [] if "--resume" in words else ["--batch-size", "5"]
    return cli.main(["run", recipe, "--data", "photos", *size, *words])


@pytest.fixture
def saved_models(monkeypatch, tmp_path, coarse_pictures):
    for module in ("run_command", "saved", "measure_command"):
        monkeypatch.setattr(f"recipes._runner.{module}.SAVED_MODELS", tmp_path / "saved")
    return tmp_path / "saved"


def test_run_trains_on_it_and_predict_answers_with_its_classes(photos, saved_models, capsys):
    assert run("--epochs", "1", "--set", "filters=8", "--class-weights", "balanced") == 0
    said = capsys.readouterr().out
    assert "photos: 16 images of 2 classes" in said
    assert "Class weights: 0.625 for the largest class to 2.5" in said
    folder = saved_models / "cnn_cifar10" / "own" / "photos"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["classes"] == ["blue", "red"]
    assert metrics["data"] == {"photos": "own"}
    assert metrics["head_check"] == "ok"
    assert "accuracy" in metrics["baseline"]
    assert (folder / "confusion_matrix.png").exists()
    card = (folder / "README.md").read_text()
    assert f"--data {photos}" in card
    assert "--class-weights balanced" in card
    assert cli.main(["predict", "cnn-cifar10/own/photos", str(photos / "red" / "1.png")]) == 0
    answer = capsys.readouterr()
    assert answer.out.split()[-2] in ("red", "blue")
    assert "trained on photos" in answer.err


def test_resume_goes_on_with_the_same_data_only(photos, saved_models, capsys):
    words = ["--epochs", "1", "--variant", "slide", "--output", "out"]
    assert run(*words, "--set", "filters=2") == 0
    assert pathlib.Path("out", "own", "photos", "slide", "model.keras").exists()
    assert run(*words, "--resume") == 0
    assert "Nothing to resume" in capsys.readouterr().out
    image(photos / "red" / "0.png", "green")
    assert run(*words, "--resume") == 2
    assert "is not what it was in the interrupted run" in refusal(capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "classes=5"], "--set classes"),
        (["--set", "input_shape=(8,8)"], "does not work with input_shape=(8, 8)"),
        (["--stand-in"], "--stand-in is for the recipe's own data"),
        (["--target", "kind"], "--target is for a CSV"),
        (["--set", "filters=-1"], "filters=-1 (default 64)"),
    ],
)
def test_what_does_not_go_together(words, said, photos, saved_models, capsys):
    assert run(*words) == 2
    assert said in refusal(capsys)
    assert not saved_models.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "cnn_cifar10", "--data", "nowhere"], "nowhere does not exist"),
        (["run", "cnn_cifar10", "--target", "kind"], "say where it is with --data"),
        (["run", "gan_toy", "--data", "."], "gan_toy is made for its own data; "),
        (["run", "cnn_mnist_slide", "--data", "."], "cnn_mnist_slide is made for its own data; "),
    ],
)
def test_data_that_is_not_there_or_not_for_the_recipe(words, said, saved_models, capsys):
    assert cli.main(words) == 2
    assert said in refusal(capsys)


def test_early_stopping_ends_the_training(photos, saved_models, capsys):
    words = ["--epochs", "9", "--early-stopping", "1", "--set", "filters=8"]
    assert run(*words, "--set", "learning_rate=1e-9") == 0
    folder = saved_models / "cnn_cifar10" / "own" / "photos"
    assert json.loads((folder / "metrics.json").read_text())["epochs"] < 9


# Every recipe that takes it


@pytest.mark.parametrize("recipe", selection.parameters(TAKERS, full=True))
def test_networks_are_built_for_other_data(recipe):
    """One training step on a number of classes and an image size that its own data do not have."""
    kind = own_kinds.kind(recipe)
    form, _, answers = own_data.trial(recipe, recipe.module, kind, {})
    rng = np.random.default_rng(0)
    classes = 2 if form == "two classes" else 4
    shape = None
    if kind == "image":
        shape = {"masks": (48, 32, 1), "boxes": (112, 112, 1)}.get(form, (40, 36, 1))
        inputs = rng.integers(0, 256, (6, *shape)).astype("uint8")
    elif kind == "text":
        inputs = np.array(["one text", "another one"] * 3, object)
    else:
        inputs = rng.normal(size=(6, 7)).astype("float32")
    labels = np.arange(6) % classes
    if form in ("labels", "one-hot classes"):
        labels = np.eye(classes, dtype="float32")[labels]
    elif form == "numbers":
        labels = rng.normal(size=(6, 1)).astype("float32")
    elif form == "masks":
        labels = rng.integers(0, classes, (6, 48, 32)).astype("uint8")
    elif form == "boxes":
        assert answers[1:3] == (7, 7)
        box = np.array([[0.1, 0.2, 0.5, 0.7]])
        labels = np.array([recipe.module.encode(box, [n % 4], 4, side=1) for n in range(6)])
    own = own_kinds.OwnData(
        pathlib.Path("data"),
        kind,
        form,
        "folder",
        inputs,
        labels,
        ([0, 1, 2, 3], [4], [5]),
        None if form == "numbers" else list("abcd")[:classes],
        shape,
    )
    module = own_network.adapted(recipe.module, own)
    train, _, test = module.load_data(batch_size=4)
    given = {"train": train} if own_data.arguments.wants(module.build_model, "train") else {}
    model = module.build_model(**given)
    logs = model.train_on_batch(*next(iter(train)), return_dict=True)
    assert np.isfinite(logs["loss"])
    units = 1 if form in ("numbers", "two classes") else classes
    places = {"masks": (48, 32), "boxes": (7, 7)}.get(form, ())
    units += 10 if form == "boxes" else 0
    assert model.predict(test, verbose=0).shape == (1, *places, units)


def test_page_names_recipes_that_take_it_and_only_these():
    page = (ROOT / "OWN_DATA.md").read_text(encoding="utf8")
    named = re.findall(r"\[(\w+)\]\(\w+/\w+\.py\)", page)
    assert len(named) > 8
    assert set(named) <= {recipe.name for recipe in TAKERS}
    others = {recipe.name for recipe in TAKERS if recipe.chapter != "cnn_architectures"}
    assert others <= set(named)

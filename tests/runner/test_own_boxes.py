"""Boxes of the user: what is read, refused and left out, and a network that learns them."""

import json
import types

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from recipes._runner import cli, own_data, run_command
from recipes._runner.errors import UserError
from recipes._runner.recipe import find
from recipes.common import detection


@pytest.fixture(autouse=True)
def eager(monkeypatch, tmp_path, coarse_pictures):
    monkeypatch.chdir(tmp_path)
    for module in ("run_command", "saved"):
        monkeypatch.setattr(f"recipes._runner.{module}.SAVED_MODELS", tmp_path / "saved")
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    keras.backend.clear_session(free_memory=False)


def load(path, settings=None, **given):
    recipe = find("yolo_v1")
    known = dict.fromkeys(run_command.OF_DATA)
    options = types.SimpleNamespace(data=path, **known | given)
    return own_data.load(recipe, recipe.module, options, settings or {})


WIDTH, HEIGHT = 200, 100
# Left, top, right, bottom, and the class of the box in each photograph; the last has none.
BOXES = [(10 + 20 * n, 20, 50 + 20 * n, 70, ("nut", "bolt")[n % 2]) for n in range(7)]


def photographs(folder):
    """Photographs that are light in their boxes, and dark elsewhere."""
    folder.mkdir(parents=True)
    for number in range(8):
        image = np.zeros((HEIGHT, WIDTH, 3), "uint8")
        for left, top, right, bottom, _ in BOXES[number : number + 1]:
            image[top:bottom, left:right] = 200
        PIL.Image.fromarray(image).save(folder / f"{number}.png")


@pytest.fixture
def table(tmp_path):
    """The folder of a table of boxes in pixels."""
    photographs(tmp_path / "photos")
    lines = ["file,left,top,right,bottom,label"]
    lines += [f"{number}.png,{','.join(map(str, box))}" for number, box in enumerate(BOXES)]
    (tmp_path / "photos" / "boxes.csv").write_text("\n".join([*lines, "7.png,,,,,"]))
    return tmp_path / "photos"


@pytest.fixture
def pairs(tmp_path):
    """Images beside labels as YOLO has them: class, center and size from 0 to 1."""
    photographs(tmp_path / "pairs" / "images")
    (tmp_path / "pairs" / "labels").mkdir()
    for number in range(8):
        lines = []
        for left, top, right, bottom, label in BOXES[number : number + 1]:
            center = ((left + right) / 2 / WIDTH, (top + bottom) / 2 / HEIGHT)
            size = ((right - left) / WIDTH, (bottom - top) / HEIGHT)
            lines.append(" ".join(map(str, (["bolt", "nut"].index(label), *center, *size))))
        (tmp_path / "pairs" / "labels" / f"{number}.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "pairs" / "classes.txt").write_text("bolt\nnut\n")
    return tmp_path / "pairs"


def decoded(own):
    """True boxes in pixels, and names of classes, of each image."""
    found = []
    for boxes, scores in zip(*find("yolo_v1").module.decode(own.targets, 1), strict=True):
        boxes, labels = detection.truth_of(np.asarray(boxes), np.asarray(scores))
        boxes = boxes * [WIDTH, HEIGHT, WIDTH, HEIGHT]
        found.append([(*box, own.classes[label]) for box, label in zip(boxes, labels, strict=True)])
    return found


def test_a_table_of_boxes(table):
    own = load(table)
    assert own.form == "boxes"
    assert own.classes == ["bolt", "nut"]
    assert own.inputs.shape == (8, 112, 112, 3)
    assert own.targets.shape == (8, 7, 7, 5 + 2)
    assert decoded(own)[7] == []
    for (box,), expected, image in zip(decoded(own), BOXES, own.inputs, strict=False):
        assert box[4] == expected[4]
        np.testing.assert_allclose(box[:4], expected[:4], rtol=1e-4)
        light = np.argwhere(image[..., 0] > 100)
        corners = np.array([*light.min(axis=0)[::-1], *(light.max(axis=0)[::-1] + 1)])
        seen = corners * [WIDTH, HEIGHT, WIDTH, HEIGHT] / 112
        np.testing.assert_allclose(box[:4], seen, atol=2)
    found, parts, trained = own.lines[:3]
    assert found == "photos: 8 images with 7 boxes of 2 classes: nut 4, bolt 3; 1 without any"
    assert parts == "Split by chance, seed 0: 6 to train, 1 for validation, 1 for the test."
    assert "a box of one of 2 classes in each of 7 × 7 cells" in trained
    finer = load(table, settings={"input_shape": (224, 224, 3)})
    assert finer.targets.shape == (8, 14, 14, 7)
    for (mine,), (theirs,) in zip(decoded(finer)[:7], decoded(own)[:7], strict=True):
        np.testing.assert_allclose(mine[:4], theirs[:4], rtol=1e-4)


def test_files_of_labels_and_a_table_say_the_same(table, pairs):
    first, second = load(table), load(pairs)
    assert second.classes == first.classes
    np.testing.assert_allclose(second.targets, first.targets, atol=1e-5)
    assert second.parts[0].tolist() == first.parts[0].tolist()
    (pairs / "classes.txt").unlink()
    assert load(pairs).classes == ["0", "1"]


def test_other_names_of_the_columns(table):
    text = (table / "boxes.csv").read_text()
    expected = load(table).targets
    text = text.replace("left,top,right,bottom,label", "XMin,YMin,XMax,YMax,class")
    (table / "boxes.csv").write_text(text.replace(",", ";"))
    np.testing.assert_array_equal(load(table).targets, expected)
    np.testing.assert_array_equal(load(table, target="class").targets, expected)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0.png,10,20", "0.png,60,20", "boxes.csv, line 2: the box 60 20 50 70 has no area"),
        ("0.png,10,20", "0.png,-9,20", "the box -9 20 50 70 leaves the image of 200 × 100 pixels"),
        ("0.png,10,20,50,70", "0.png,0.1,0.2,0.5,0.7", "boxes are in pixels"),
        ("0.png,10", "0.png,ten", "'ten 20 50 70' are no four numbers"),
        ("0.png,10", "0.png,nan", "'nan 20 50 70'|has no area"),
        ("70,nut", "70,", "line 2: has no label"),
        ("0.png", "zero.png", r"zero\.png is no file beside it"),
        ("7.png,,,,,", "", r"7\.png: has no line in boxes\.csv"),
        ("7.png,,,,,", "7.png,1,2", "columns instead of 6"),
    ],
)
def test_wrong_boxes_are_named_and_their_images_left_out(old, new, said, table):
    text = (table / "boxes.csv").read_text()
    (table / "boxes.csv").write_text(text.replace(old, new, 1))
    with pytest.raises(UserError, match=said):
        load(table)
    own = load(table, skip_broken=True)
    assert len(own.inputs) == len(own.targets) == 7
    assert "Left out" in own.lines[-1]


def test_a_box_at_the_border_is_cut(table):
    text = (table / "boxes.csv").read_text()
    (table / "boxes.csv").write_text(text.replace("0.png,10,20,50,70", "0.png,-1,20,201,101"))
    np.testing.assert_allclose(decoded(load(table))[0][0][:4], [0, 20, 200, 100], atol=1e-3)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2 0.5 0.5 0.2 0.2", "class 2, but classes.txt names the classes 0 to 1"),
        ("nut 0.5 0.5 0.2 0.2", "'nut' is no number of a class"),
        ("1 0.5 0.5 0.2", "4 numbers instead of 5"),
        ("1 0.5 0.5 0.2 0", "has no area"),
        ("1 100 50 20 20", r"from 0 to 1\) leaves the image"),
    ],
)
def test_wrong_lines_of_labels(line, said, pairs):
    (pairs / "labels" / "3.txt").write_text(f"\n{line}\n")
    with pytest.raises(UserError, match=rf"labels/3\.txt, line 2: .*{said}"):
        load(pairs)
    assert len(load(pairs, skip_broken=True).inputs) == 7


def test_labels_and_images_without_each_other(pairs):
    (pairs / "labels" / "0.txt").unlink()
    (pairs / "labels" / "9.txt").write_text("")
    with pytest.raises(UserError) as refused:
        load(pairs)
    assert "images/0.png: has no file of this name in labels" in str(refused.value)
    assert "labels/9.txt: belongs to no image" in str(refused.value)


def test_boxes_that_share_a_cell_are_counted(table):
    with open(table / "boxes.csv", "a") as file:
        file.write("\n0.png,12,22,50,70,bolt")
    own = load(table)
    assert any("Not learned: 1 of the 8 boxes" in line for line in own.lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\n0.png,nut", "does not have the columns left, top, right, bottom"),
        ("left,top,right,bottom,file\n1,2,3,4,0.png", "no column with the class of a box"),
        ("file,left,top,right,bottom,label\n" + "0.png,,,,,\n1.png,,,,,\n2.png,,,,,", "has a box"),
        ("file,left,top,right,bottom,label\n0.png,10,20,50,70,nut", "1 usable image;"),
    ],
)
def test_tables_that_are_none(text, said, table):
    (table / "boxes.csv").write_text(text)
    with pytest.raises(UserError, match=said):
        load(table / "boxes.csv")


def test_run_and_predict_boxes_in_pixels(table, tmp_path, capsys, monkeypatch):
    module = find("yolo_v1").module
    monkeypatch.setattr(module, "SMALL", [(2, 4, 4), "pool", (4, 2, 2)])
    monkeypatch.setattr(detection, "SURE", -1.0)
    assert cli.main(["run", "yolo_v1", "--data", "photos", "--epochs", "1"]) == 0
    folder = tmp_path / "saved" / "yolo_v1" / "own" / "photos"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["classes"] == ["bolt", "nut"]
    assert "map50" in metrics["scores"]
    assert metrics["baseline"] == {}
    assert (folder / "boxes.png").exists()
    # A network that finds the same two boxes everywhere.
    model = keras.saving.load_model(folder / "model.keras")
    answer = np.zeros((7, 7, 12), "float32")
    answer[3, 1] = [0.5, 0.5, 0.5, 0.4, 0.9, 0, 0, 0, 0, 0, 0, 1]
    answer[5, 6] = [0.5, 0.5, 0.4, 0.4, 0.6, 0, 0, 0, 0, 0, 1, 0]
    monkeypatch.setattr(detection, "SURE", 0.25)
    monkeypatch.setattr(
        type(model), "predict", lambda self, x, **given: np.stack([answer] * len(x))
    )
    capsys.readouterr()
    words = ["predict", "yolo-v1/own/photos", "photos/1.png", "photos/2.png"]
    assert cli.main([*words, "--images", "found", "--csv", "boxes.csv"]) == 0
    # The centers are (1.5, 3.5) / 7 and (6.5, 5.5) / 7 of 200 × 100 pixels.
    lines = (tmp_path / "boxes.csv").read_text().splitlines()
    assert lines[0] == "file,left,top,right,bottom,label,score"
    assert lines[1] == "photos/1.png,17.9,42,67.9,58,nut,0.9"
    assert lines[2] == "photos/1.png,169.7,70.6,200,86.6,bolt,0.6"
    assert len(lines) == 5
    with PIL.Image.open("found/1.png") as drawn:
        assert drawn.size == (WIDTH, HEIGHT)
        border = np.asarray(drawn)[50, 16:20].astype(int)
        assert np.ptp(border, axis=-1).max() > 50, "the border of a box has a color"
    assert cli.main([*words[:3], "--json"]) == 0
    (said,) = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert [each["class"] for each in said["boxes"]] == ["nut", "bolt"]
    assert said["boxes"][0]["box"] == pytest.approx([17.9, 42, 67.9, 58])
    assert cli.main(words[:3]) == 0
    assert "photos/1.png: nut 0.90 at 18 42 68 58, bolt 0.60" in capsys.readouterr().out


def test_sizes_of_boxes_are_squares(table):
    with pytest.raises(UserError, match=r"input_shape=\(112, 224, 3\): yolo_v1 takes squares"):
        load(table, settings={"input_shape": (112, 224, 3)})

"""`python -m recipes predict`: files of every kind, answers of every task, a line for a fault."""

import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from recipes._runner import cli, predict_command, saved
from recipes._runner.recipe import ROOT


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(saved, "SAVED_MODELS", tmp_path / "saved_models")
    return tmp_path


def predict(capsys, *arguments):
    assert cli.main(["predict", *map(str, arguments)]) == 0, capsys.readouterr().err
    return capsys.readouterr().out.strip()


def refused(capsys, *arguments):
    assert cli.main(["predict", *map(str, arguments)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.strip().splitlines()
    return line


def save(model, path="model.keras", loss=None, **facts):
    if loss:
        model.compile("sgd", loss)
    model.save(path)
    if facts:
        (pathlib.Path(path).parent / "metrics.json").write_text(json.dumps(facts))
    return path


def brightness(shape=(4, 4, 1), dtype="uint8"):
    """Two classes: dark, with the probability of the black part, and bright."""
    inputs = keras.Input(shape, dtype=dtype)
    pixels = keras.layers.Reshape((*shape, 1))(inputs) if len(shape) == 2 else inputs
    mean = keras.ops.mean(keras.ops.cast(pixels, "float32"), axis=[1, 2, 3])[:, None] / 255
    scale = keras.layers.Dense(2, "softmax")
    model = keras.Model(inputs, scale(mean))
    scale.set_weights([np.array([[0.0, 4.0]]), np.array([2.0, 0.0])])
    return model


def picture(path, value=0, size=(4, 4), mode="L"):
    Image.new(mode, size, value).save(path)
    return path


SOFT = {black: float(np.exp(2) / (np.exp(2) + np.exp(4 * (1 - black)))) for black in (0, 1)}


def test_images_with_class_names(capsys):
    save(brightness(), task="multi-class", classes=["dark", "bright"])
    picture("black.png", 0)
    picture("white.jpg", 255, size=(30, 20))
    picture("color.webp", (255, 255, 255), mode="RGB")
    lines = predict(capsys, "model.keras", "black.png", "white.jpg", "color.webp").splitlines()
    assert lines[0] == f"black.png: dark {SOFT[1]:.3f}"
    assert lines[1] == f"white.jpg: bright {1 - SOFT[0]:.3f}"
    assert lines[2] == f"color.webp: bright {1 - SOFT[0]:.3f}"


def test_inverting_turns_black_into_white(capsys):
    save(brightness())
    picture("black.png", 0)
    assert predict(capsys, "model.keras", "black.png").startswith("black.png: 0 ")
    assert predict(capsys, "model.keras", "black.png", "--invert").startswith("black.png: 1 ")


def test_transparency_is_white_paper(capsys):
    save(brightness())
    picture("clear.png", (0, 0, 0, 0), mode="RGBA")
    assert predict(capsys, "model.keras", "clear.png").startswith("clear.png: 1 ")


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((4, 4), "float32"), ((None, None, 3), "uint8"), ((6, 3, 3), "float32"), ((5, 5, 4), "uint8")],
)
def test_images_are_given_the_shape_the_model_takes(capsys, shape, dtype):
    save(brightness(shape, dtype))
    picture("black.png", 0)
    picture("white.png", 255, size=(9, 2))
    black, white = json.loads(predict(capsys, "model.keras", "black.png", "white.png", "--json"))
    assert (
        black == {"file": "black.png", "class": 0, "probability": pytest.approx(SOFT[1], abs=1e-5)}
        or shape[-1] == 4
    )
    assert (white["file"], white["class"]) == ("white.png", 1)


def test_the_middle_of_a_picture_stays_where_it_is(capsys):
    """Width and height are not confused: the answer is the brightness of the upper right corner."""
    inputs = keras.Input((2, 3, 1))
    save(keras.Model(inputs, inputs[:, 0, 2, :]))
    image = Image.new("L", (3, 2), 0)
    image.putpixel((2, 0), 200)
    image.save("corner.png")
    assert predict(capsys, "model.keras", "corner.png") == "corner.png: 200"


def test_texts_one_answer_a_line(capsys):
    inputs = keras.Input((), dtype="string")
    vector = keras.layers.TextVectorization(vocabulary=["good"], output_mode="multi_hot")(inputs)
    head = keras.layers.Dense(1, "sigmoid")
    model = keras.Model(inputs, head(vector))
    head.set_weights([np.array([[-2.0], [4.0]]), np.zeros(1)])
    save(model, task="binary", classes=["negative", "positive"])
    pathlib.Path("reviews.txt").write_text("good film\n\nbad film\n", encoding="utf-8")
    first, second = json.loads(predict(capsys, "model.keras", "reviews.txt", "--json"))
    assert first == {
        "file": "reviews.txt",
        "line": 1,
        "class": "positive",
        "probability": pytest.approx(0.8808, abs=1e-4),
    }
    assert second == {
        "file": "reviews.txt",
        "line": 3,
        "class": "negative",
        "probability": pytest.approx(0.8808, abs=1e-4),
    }
    assert (
        predict(capsys, "model.keras", "reviews.txt").splitlines()[1]
        == "reviews.txt:3: negative 0.881"
    )


def house(shape=(1,)):
    area, place = keras.Input(shape, name="area"), keras.Input(shape, name="place", dtype="string")
    index = keras.layers.StringLookup(vocabulary=["INLAND", "COAST"], num_oov_indices=1)(place)
    price = keras.ops.reshape(area * 10 + keras.ops.cast(index, "float32"), (-1, 1))
    return keras.Model({"area": area, "place": place}, price)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_table_by_the_names_of_its_columns(capsys, shape):
    save(house(shape), loss="mse")
    table = "price,place,area\n7,COAST,3\n8,INLAND,4\n"
    pathlib.Path("houses.csv").write_text(table, encoding="utf-8")
    assert predict(capsys, "model.keras", "houses.csv").splitlines() == [
        "houses.csv:2: 32",
        "houses.csv:3: 41",
    ]
    assert json.loads(predict(capsys, "model.keras", "houses.csv", "--json"))[0] == {
        "file": "houses.csv",
        "line": 2,
        "value": 32.0,
    }


def vector(units=1, activation=None, loss="mse", **facts):
    inputs = keras.Input((2,))
    head = keras.layers.Dense(units, activation, kernel_initializer="ones")
    return save(keras.Model(inputs, head(inputs)), loss=loss, **facts)


@pytest.mark.parametrize("header", ["", "a,b\n"])
def test_a_table_of_numbers_with_and_without_header(capsys, header):
    vector()
    pathlib.Path("x.csv").write_text(header + "1,2\n3.5, 1e1\n,1\n", encoding="utf-8")
    line = 2 if header else 1
    expected = [f"x.csv:{line}: 3", f"x.csv:{line + 1}: 13.5", f"x.csv:{line + 2}: nan"]
    assert predict(capsys, "model.keras", "x.csv").splitlines() == expected


@pytest.mark.parametrize(
    ("units", "activation", "loss", "facts", "expected"),
    [
        (1, "sigmoid", "mse", {}, "0.952574"),
        (1, "sigmoid", "binary_crossentropy", {}, "1 0.953"),
        (1, "sigmoid", "binary_crossentropy", {"task": "unit-interval regression"}, "0.952574"),
        (
            1,
            None,
            keras.losses.BinaryCrossentropy(from_logits=True),
            {"classes": ["no", "yes"]},
            "yes 0.953",
        ),
        (1, None, "hinge", {}, "1"),
        (2, None, "mse", {}, "3 3"),
        (2, "softmax", None, {}, "0 0.500"),
        (
            2,
            "sigmoid",
            "binary_crossentropy",
            {"classes": ["joy", "love"]},
            "joy 0.953, love 0.953",
        ),
        (2, None, keras.losses.SparseCategoricalCrossentropy(from_logits=True), {}, "0 0.500"),
        (3, "softmax", "categorical_crossentropy", {"classes": ["of", "another"]}, "0 0.333"),
    ],
)
def test_answers_of_every_task(capsys, units, activation, loss, facts, expected):
    vector(units, activation, loss, **facts)
    pathlib.Path("x.csv").write_text("1,2\n", encoding="utf-8")
    assert predict(capsys, "model.keras", "x.csv") == f"x.csv:1: {expected}"


def test_sequential_models_whose_first_layer_names_no_input(capsys):
    model = keras.Sequential(
        [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
    )
    save(model, loss="sparse_categorical_crossentropy", task="multi-class", classes=["a", "b", "c"])
    picture("black.png", 0)
    assert predict(capsys, "model.keras", "black.png") == "black.png: a 0.333"


def test_no_label_at_all(capsys):
    vector(2, "sigmoid", "binary_crossentropy")
    pathlib.Path("x.csv").write_text("-1,-2\n", encoding="utf-8")
    assert predict(capsys, "model.keras", "x.csv") == "x.csv:1: none"


def test_folder_and_name_prefer_the_deployed_model(capsys, workplace):
    folder = workplace / "saved_models" / "cnn_mnist"
    folder.mkdir(parents=True)
    save(brightness(), folder / "model.keras", task="multi-class", classes=["dark", "bright"])
    picture("black.png", 0)
    assert "dark" in predict(capsys, "cnn-mnist", "black.png")
    save(brightness((None, None, 3)), folder / "deployed.keras")
    for name in ("cnn_mnist", "cnn-mnist", "saved_models/cnn_mnist", "saved_models/cnn_mnist/"):
        assert saved.model_file(name).name == "deployed.keras"
    variants = workplace / "saved_models" / "cnn_patterns" / "plain"
    variants.mkdir(parents=True)
    save(brightness(), variants / "model.keras")
    assert saved.model_file("cnn-patterns/plain") == variants / "model.keras"
    assert "there is" in refused(capsys, "cnn-patterns", "black.png")
    assert "plain" in refused(capsys, "cnn-patterns", "black.png")


def test_the_recipe_of_an_own_class_is_imported(capsys, workplace, monkeypatch):
    """A model whose classes are registered under a recipe's name loads by importing the recipe."""
    source = (
        "import keras\n\n"
        "@keras.saving.register_keras_serializable(package='made_up')\n"
        "class Twice(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return 2 * x\n"
    )
    (workplace / "made_up.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(workplace))

    class Recipe:
        @property
        def module(self):
            return __import__("made_up")

    twice = Recipe().module.Twice
    inputs = keras.Input((2,))
    save(keras.Model(inputs, twice()(inputs)))
    del sys.modules["made_up"]
    registered = keras.saving.get_custom_objects()
    known = dict(registered)
    registered.clear()
    pathlib.Path("x.csv").write_text("1,2\n", encoding="utf-8")
    assert "cannot be loaded" in refused(capsys, "model.keras", "x.csv")
    monkeypatch.setattr(saved, "find", lambda name: {"made_up": Recipe()}[name])
    assert predict(capsys, "model.keras", "x.csv") == "x.csv:1: 2 4"
    registered.update(known)


def test_a_truncated_model_gets_one_line(capsys):
    save(brightness())
    picture("a.png")
    whole = pathlib.Path("model.keras").read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 10):
        pathlib.Path("cut.keras").write_bytes(whole[:length])
        assert "cut.keras is damaged" in refused(capsys, "cut.keras", "a.png")
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 255
    pathlib.Path("bad.keras").write_bytes(broken)
    assert "bad.keras is damaged" in refused(capsys, "bad.keras", "a.png")


def test_models_that_are_not_there(capsys):
    picture("a.png")
    assert "nowhere.keras does not exist" in refused(capsys, "nowhere.keras", "a.png")
    assert "a.png is no .keras file" in refused(capsys, "a.png", "a.png")
    assert "make recipe-cnn-mnist" in refused(capsys, "cnn_mnist", "a.png")
    assert "cnn_mnist" in refused(capsys, "cnn_mnits", "a.png")
    pathlib.Path("empty").mkdir()
    assert "holds no model.keras" in refused(capsys, "empty", "a.png")


def test_images_that_cannot_be_read(capsys):
    save(brightness())
    picture("whole.png", 7, size=(64, 64))
    image = pathlib.Path("whole.png").read_bytes()
    for name, content in {"cut.png": image[:60], "text.png": b"hello", "empty.png": b""}.items():
        pathlib.Path(name).write_bytes(content)
        assert f"{name} is no readable image" in refused(capsys, "model.keras", name)
    assert "gone.png does not exist" in refused(capsys, "model.keras", "gone.png")
    assert "thing.pdf: give images" in refused(capsys, "model.keras", "thing.pdf")
    pathlib.Path("folder.png").mkdir()
    assert "folder.png holds no images" in refused(capsys, "model.keras", "folder.png")
    pathlib.Path("a.txt").write_text("a", encoding="utf-8")
    assert "a.txt: model.keras takes images" in refused(capsys, "model.keras", "a.txt")


def test_tables_and_texts_that_do_not_fit(capsys):
    save(house())
    write = {
        "less.csv": ("area\n3\n", "no column place; model.keras takes area, place"),
        "word.csv": (
            "area,place\n1,COAST\nbig,COAST\n",
            "line 3: 'big' in column area is no number",
        ),
        "short.csv": ("area,place\n3\n", "line 2: 1 columns instead of 2"),
        "header.csv": ("area,place\n", "header.csv holds nothing to predict"),
        "empty.csv": ("", "empty.csv holds nothing to predict"),
    }
    for name, (content, message) in write.items():
        pathlib.Path(name).write_text(content, encoding="utf-8")
        assert message in refused(capsys, "model.keras", name)
    vector()
    pathlib.Path("x.csv").write_text("1,2,3\n", encoding="utf-8")
    assert "x.csv has 3 columns, model.keras takes 2" in refused(capsys, "model.keras", "x.csv")
    pathlib.Path("latin.csv").write_bytes("año,b\n1,2\n".encode("latin-1"))
    assert "latin.csv is no text in UTF-8: byte 1 is 0xf1" in refused(
        capsys, "model.keras", "latin.csv"
    )


def test_models_that_predict_cannot_serve(capsys):
    inputs = keras.Input((2, 2, 7))
    save(keras.Model(inputs, keras.layers.Flatten()(inputs)))
    picture("a.png")
    assert "which are no images" in refused(capsys, "model.keras", "a.png")
    inputs = keras.Input((2, 2, 1))
    save(keras.Model(inputs, keras.ops.concatenate([inputs, inputs], axis=-1)))
    assert "answers with arrays of shape (2, 2, 2)" in refused(capsys, "model.keras", "a.png")


def masks(channels, activation=None):
    """A network of images (any, any, 1), answers as large, brightness in the last channel."""
    inputs = keras.Input((None, None, 1))
    values = keras.layers.Rescaling(1 / 255)(inputs)
    zeros = keras.ops.zeros_like(values)
    values = keras.ops.concatenate([*[zeros] * (channels - 1), values], axis=-1)
    outputs = keras.layers.Activation(activation)(20 * values - 10) if activation else values
    save(keras.Model(inputs, outputs))


def dots(name):
    """An image of 2 × 3 pixels: the one below on the left is light."""
    Image.fromarray(np.array([[0, 0, 0], [255, 0, 0]], "uint8")).save(name)


@pytest.mark.parametrize(
    ("channels", "activation", "expected"),
    [
        (1, None, [[0, 0, 0], [255, 0, 0]]),
        (1, "sigmoid", [[0, 0, 0], [255, 0, 0]]),
        (3, "softmax", [[0, 0, 0], [255, 0, 0]]),  # of three classes the first, or the last
    ],
)
def test_masks_are_written_as_images(channels, activation, expected, capsys):
    masks(channels, activation)
    dots("slice.png")
    assert "--images FOLDER says where they go" in refused(capsys, "model.keras", "slice.png")
    assert cli.main(["predict", "model.keras", "slice.png", "--images", "masks"]) == 0
    assert "slice.png: masks/slice.png" in capsys.readouterr().out
    np.testing.assert_array_equal(np.asarray(Image.open("masks/slice.png")), expected)


def test_images_of_three_channels_are_colors(capsys):
    masks(3)
    dots("slice.png")
    assert cli.main(["predict", "model.keras", "slice.png", "--images", "new", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"file": "slice.png", "image": "new/slice.png"}]
    found = np.asarray(Image.open("new/slice.png"))
    assert found.shape == (2, 3, 3)
    assert found[1, 0].tolist() == [0, 0, 255]


def test_no_image_is_replaced(capsys):
    masks(1)
    dots("slice.png")
    command = ["model.keras", "slice.png", "--images", "."]
    before = pathlib.Path("slice.png").read_bytes()
    assert "slice.png is there already; --force replaces it" in refused(capsys, *command)
    assert pathlib.Path("slice.png").read_bytes() == before
    pathlib.Path("other").mkdir()
    dots("other/slice.png")
    given = ["model.keras", "slice.png", "other", "--images", "masks"]
    assert "two answers would be masks/slice.png" in refused(capsys, *given)
    assert not pathlib.Path("masks").exists()


@keras.saving.register_keras_serializable(package="test_predict")
class Pair(keras.Model):
    """As GANs and autoencoders are: it says neither what it takes nor what it gives."""

    def build(self, input_shape):
        self.built = True

    def call(self, images):
        return images


def days():
    """Two weeks of demand, and which day it is, to one number."""
    given = {
        "demand": keras.Input((14, 24), name="demand"),
        "kind": keras.Input((14,), name="kind"),
    }
    return keras.Model(given, keras.layers.Flatten()(given["demand"])[:, :1])


def windows():
    given = keras.Input((20, 5))
    return keras.Model(given, keras.layers.GlobalAveragePooling1D()(given)[:, :1])


def pair():
    model = Pair()
    model(np.zeros((1, 2, 2, 1)))
    return model


@pytest.mark.parametrize(
    ("model", "file", "said"),
    [
        (days, "x.csv", "takes arrays of shape (14, 24) and (14,)"),
        (windows, "x.png", "takes arrays of shape (20, 5)"),
        (pair, "x.png", "is a Pair, which takes neither images, texts nor tables"),
        (pair, "x.csv", "is a Pair, which takes neither images, texts nor tables"),
    ],
)
def test_what_it_cannot_serve_is_known_before_anything_is_read(capsys, model, file, said):
    save(model())
    pathlib.Path(file).write_text("demand,kind\n1,2\n", encoding="utf-8")
    line = refused(capsys, "model.keras", file)
    assert said in line
    assert line.endswith("load it in Python")


def test_whatever_the_model_raises_gets_one_line(capsys):
    """An index beyond the table of an embedding, and a picture smaller than a filter."""
    index = keras.Input((), dtype="int32")
    save(keras.Model(index, keras.layers.Embedding(3, 1)(index)), loss="mse")
    pathlib.Path("x.csv").write_text("7\n", encoding="utf-8")
    assert "model.keras cannot answer x.csv: InvalidArgumentError: " in refused(
        capsys, "model.keras", "x.csv"
    )
    image = keras.Input((None, None, 1))
    window = keras.layers.Conv2D(1, 5)(image)
    save(keras.Model(image, keras.layers.GlobalAveragePooling2D()(window)), loss="mse")
    picture("small.png", size=(2, 2))
    assert "model.keras cannot answer small.png: " in refused(capsys, "model.keras", "small.png")


def test_options_that_do_not_go_with_the_model(capsys):
    vector()
    pathlib.Path("x.csv").write_text("1,2\n", encoding="utf-8")
    assert "--invert is for images; model.keras takes tables" in refused(
        capsys, "model.keras", "x.csv", "--invert"
    )
    assert "--whole is for texts; model.keras takes tables" in refused(
        capsys, "model.keras", "x.csv", "--whole"
    )


@pytest.mark.parametrize(
    ("units", "activation", "loss", "words", "found"),
    [
        (1, None, "mse", "nan", {"value": None}),
        (2, None, "mse", "nan nan", {"value": [None, None]}),
        (1, "sigmoid", "binary_crossentropy", "nan", {"class": None, "probability": None}),
        (2, "softmax", "categorical_crossentropy", "nan", {"class": None, "probability": None}),
        (2, "sigmoid", "binary_crossentropy", "nan", {"labels": None}),
        (1, None, "hinge", "nan", {"class": None}),
        (
            2,
            None,
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "nan",
            {"class": None, "probability": None},
        ),
    ],
)
def test_no_number_is_no_class(capsys, units, activation, loss, words, found):
    vector(units, activation, loss)
    pathlib.Path("x.csv").write_text(",4\n1,2\n", encoding="utf-8")
    assert predict(capsys, "model.keras", "x.csv").splitlines()[0] == f"x.csv:1: {words}"
    first, second = json.loads(
        predict(capsys, "model.keras", "x.csv", "--json"), parse_constant=pytest.fail
    )
    assert first == {"file": "x.csv", "line": 1} | found
    assert None not in second.values()


@pytest.mark.parametrize(
    ("classes", "words"),
    [(["cat", "dog"], "x.csv:1: cat 0.731"), (None, "x.csv:1: 0.731059 0.268941")],
)
def test_outputs_that_have_names_are_classes_where_the_last_layer_is_hidden(capsys, classes, words):
    numbers = keras.Input((2,))
    probabilities = keras.layers.Softmax()(numbers)
    hidden = keras.layers.Maximum()([probabilities, probabilities])
    save(keras.Model(numbers, hidden), "model.keras", task=None, classes=classes)
    pathlib.Path("x.csv").write_text("1,0\n", encoding="utf-8")
    assert predict(capsys, "model.keras", "x.csv").splitlines()[-1] == words


@pytest.mark.parametrize(
    ("recipe", "words"), [("head_multilabel", "a 0.269, b 0.731"), ("cnn_mnist", "b 0.731")]
)
def test_labels_are_those_above_the_recipes_own_threshold(capsys, recipe, words):
    numbers = keras.Input((2,))
    model = keras.Model(numbers, keras.layers.Activation("sigmoid")(numbers))
    save(model, "model.keras", recipe=recipe, task="multi-label", classes=["a", "b"])
    pathlib.Path("x.csv").write_text("-1,1\n-2,-2\n", encoding="utf-8")
    first, second = predict(capsys, "model.keras", "x.csv").splitlines()[-2:]
    assert first == f"x.csv:1: {words}"
    assert "0." not in second


def test_what_is_unlike_the_training_data_is_said(capsys):
    """Dark pictures are what the model knows."""
    image = keras.Input((None, None, 1))
    light = keras.layers.GlobalAveragePooling2D()(image) / 255
    probabilities = keras.layers.Dense(2, "softmax", kernel_initializer="zeros")(light)
    outputs = {"probabilities": probabilities, "unlike": light[:, 0]}
    save(keras.Model(image, outputs), "deployed.keras", task="multi-class", classes=["a", "b"])
    picture("dark.png", 51)
    picture("light.png", 255, size=(9, 7))
    assert predict(capsys, "deployed.keras", "dark.png", "light.png").splitlines() == [
        "dark.png: a 0.500",
        "light.png: a 0.500, unlike what it was trained on",
    ]
    dark, light = json.loads(predict(capsys, "deployed.keras", "dark.png", "light.png", "--json"))
    assert dark == {
        "file": "dark.png",
        "class": "a",
        "probability": 0.5,
        "unlike": pytest.approx(0.2),
    }
    assert light["unlike"] == 1


def test_pages_are_told_apart(capsys):
    save(brightness())
    pages = [Image.new("L", (4, 4), value) for value in (0, 255)]
    pages[0].save("scan.tif", save_all=True, append_images=pages[1:])
    first, second = predict(capsys, "model.keras", "scan.tif").splitlines()
    assert first.startswith("scan.tif:1: 0 ")
    assert second.startswith("scan.tif:2: 1 ")


def test_a_whole_file_is_one_text(capsys):
    text = keras.Input((), dtype="string")
    save(keras.Model(text, Upper(dtype="string")(text)))
    pathlib.Path("review.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    (found,) = json.loads(predict(capsys, "model.keras", "review.txt", "--whole", "--json"))
    assert found == {"file": "review.txt", "text": "ONE\n\nTWO"}


def test_help_says_how_a_file_of_several_paragraphs_is_one_text(capsys):
    with pytest.raises(SystemExit):
        cli.main(["predict", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "texts (.txt), one a line" in said
    assert "--whole a .txt file is one text, of many lines" in said


def test_folder_stands_for_all_files_in_it_that_the_model_takes(capsys, monkeypatch):
    """At any depth, in their order; in as few calls of the model as their shapes allow."""
    save(brightness())
    for folder in ("all/b", "all/.hidden"):
        pathlib.Path(folder).mkdir(parents=True)
    for name, value in {"b/1.png": 255, "a.png": 0, "c.JPG": 255, ".hidden/x.png": 0}.items():
        Image.new("L", (9, 5), value).save(f"all/{name}", format="PNG")
    pathlib.Path("all/notes.txt").write_text("no picture")
    calls = []
    monkeypatch.setattr(
        keras.Model,
        "predict",
        lambda model, x, verbose: calls.append(len(x)) or model.predict_on_batch(x),
    )
    picture("first.png", 255)
    found = json.loads(predict(capsys, "model.keras", "first.png", "all", "--json"))
    assert [(each["file"], each["class"]) for each in found] == [
        ("first.png", 1), ("all/a.png", 0), ("all/b/1.png", 1), ("all/c.JPG", 1),
    ]  # fmt: skip
    assert calls == [4]


def test_files_of_other_shapes_and_many_files_come_in_several_batches(capsys, monkeypatch):
    save(brightness((None, None, 1)))
    pathlib.Path("all").mkdir()
    for number in range(70):
        picture(f"all/{number:02}.png", 255 * (number % 2), size=(4 + (number == 3), 4))
    calls = []
    predict_on_batch = keras.Model.predict_on_batch
    monkeypatch.setattr(
        keras.Model,
        "predict",
        lambda model, x, verbose: calls.append(len(x)) or predict_on_batch(model, x),
    )
    found = json.loads(predict(capsys, "model.keras", "all", "--json"))
    assert [each["class"] for each in found] == [number % 2 for number in range(70)]
    assert calls == [3, 1, 64, 2]
    # Photographs of millions of pixels would not fit into the memory.
    calls.clear()
    monkeypatch.setattr(predict_command.inputs, "BATCH_BYTES", 2 * 16)
    predict(capsys, "model.keras", "all")
    assert max(calls) == 2


def test_file_of_a_folder_that_cannot_be_read_is_named_and_left_out(capsys):
    save(brightness())
    pathlib.Path("all").mkdir()
    pathlib.Path("all/broken.png").write_bytes(b"no picture")
    picture("all/white.png", 255)
    assert cli.main(["predict", "model.keras", "all"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("all/white.png: 1 ")
    assert "left out: all/broken.png is no readable image" in printed.err.splitlines()[0]
    pathlib.Path("all/white.png").unlink()
    assert cli.main(["predict", "model.keras", "all"]) == 2
    assert "nothing of all this can be read" in capsys.readouterr().err
    assert "is no readable image" in refused(capsys, "model.keras", "all/broken.png")


def test_folder_without_such_files_gets_one_line(capsys):
    save(brightness())
    pathlib.Path("texts").mkdir()
    pathlib.Path("texts/a.txt").write_text("a")
    assert "texts holds no images (.png" in refused(capsys, "model.keras", "texts")


def table_of(capsys, *arguments):
    said = predict(capsys, *arguments, "--csv", "out.csv")
    with open("out.csv", encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert said == f"{len(rows)} answers in out.csv"
    return rows


def test_answers_as_a_table(capsys):
    save(brightness(), task="multi-class", classes=["dark, dim", "bright"])
    picture("black.png", 0)
    picture("white.png", 255)
    assert table_of(capsys, "model.keras", "black.png", "white.png") == [
        {"file": "black.png", "class": "dark, dim", "probability": f"{SOFT[1]:.6g}"},
        {"file": "white.png", "class": "bright", "probability": f"{1 - SOFT[0]:.6g}"},
    ]


@pytest.mark.parametrize(
    ("result", "row"),
    [
        ({"file": "a", "page": 2, "value": 0.5}, {"file": "a", "page": 2, "value": "0.5"}),
        ({"file": "a", "value": None}, {"file": "a", "value": ""}),
        ({"file": "a", "value": [1.5, None]}, {"file": "a", "value_1": "1.5", "value_2": ""}),
        (
            {"file": "a", "labels": [{"class": "b", "probability": 0.75}, {"class": "c"}]},
            {"file": "a", "labels": "b; c", "probabilities": "0.75"},
        ),
        ({"file": "a", "labels": None}, {"file": "a", "labels": "", "probabilities": ""}),
        ({"file": "a", "line": 3, "text": "x,y"}, {"file": "a", "line": 3, "text": "x,y"}),
        (
            {"file": "a", "class": 7, "probability": 0.123456789, "unlike": 0.25},
            {"file": "a", "class": 7, "probability": "0.123457", "unlike": "0.25"},
        ),
    ],
)
def test_row_of_each_kind_of_answer(result, row):
    assert predict_command.as_row(result) == row


def test_table_that_is_there_stays(capsys):
    save(brightness())
    picture("black.png", 0)
    pathlib.Path("out.csv").write_text("mine")
    assert "--force" in refused(capsys, "model.keras", "black.png", "--csv", "out.csv")
    assert pathlib.Path("out.csv").read_text() == "mine"
    assert table_of(capsys, "model.keras", "black.png", "--force")
    line = refused(capsys, "model.keras", "black.png", "--csv", "no/such/out.csv")
    assert "no/such/out.csv cannot be written" in line


def test_who_answers_is_said_beside_the_answers(capsys, workplace):
    folder = workplace / "saved_models" / "cnn_mnist" / "smoke"
    folder.mkdir(parents=True)
    save(brightness(), folder / "model.keras", task="multi-class", data={"mnist": "stand-in"})
    (folder / "plan.json").write_text('{"smoke": true}')
    picture("black.png")
    assert cli.main(["predict", "CNN-MNIST/Smoke", "black.png", "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)[0]["class"] == 0
    (line,) = output.err.splitlines()
    assert line.startswith(
        "Answers of saved_models/cnn_mnist/smoke/model.keras, made by a smoke run"
    )


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
@pytest.mark.parametrize("name", ["cnn-mnist", "head-multilabel/smoke/sigmoid"])
def test_make_takes_every_name(name):
    ready = ["-o", ".venv/.ready"]  # never made anew here
    command = ["make", *ready, f"predict-{name}", "FILES=a.png", "PYTHON=echo"]
    done = subprocess.run(command, cwd=ROOT.parent, capture_output=True, text=True)
    assert f"-m recipes predict {name} a.png" in done.stdout, done.stderr


@pytest.mark.parametrize("rows", [1, 2000])  # less and more than is written at once
def test_a_reader_who_has_seen_enough(rows, monkeypatch):
    """`… | head -1`: neither a traceback nor an error at the end of the process."""
    vector()
    pathlib.Path("x.csv").write_text("1,2\n" * rows, encoding="utf-8")
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="utf-8") as closed, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", closed)
        assert cli.main(["predict", "model.keras", "x.csv", "--json"]) == 0


@keras.saving.register_keras_serializable(package="test_predict")
class Upper(keras.layers.Layer):
    def call(self, text):
        return tf.strings.upper(text, "utf-8")


def test_a_model_that_writes(capsys, workplace):
    text = keras.Input((), dtype="string")
    save(keras.Model(text, Upper(dtype="string")(text)))
    (workplace / "a.txt").write_text("mañana\nhoy\n", encoding="utf-8")
    assert predict(capsys, "model.keras", "a.txt") == "a.txt:1: MAÑANA\na.txt:2: HOY"

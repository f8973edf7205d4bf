"""`python -m recipes export`: each format's own runtime answers like Keras, or nothing is kept."""

import dataclasses
import importlib.util
import json
import re
import shutil
import signal
import subprocess
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes._runner import cli, export_command, export_table, exporting, run_command, saved
from recipes._runner.recipe import all_recipes, find
from recipes.perceptrons import double_moon
from tests.selection import TRAINED

needs_onnx = pytest.mark.skipif(
    not importlib.util.find_spec("tf2onnx"), reason="`make setup EXTRAS=export`"
)
EACH_FORMAT = [
    pytest.param(name, marks=needs_onnx if name == "onnx" else ()) for name in exporting.FORMATS
]


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(saved, "SAVED_MODELS", tmp_path / "saved_models")
    yield tmp_path
    keras.backend.clear_session(free_memory=False)


def left(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def refused(capsys, *arguments):
    assert cli.main(["export", *map(str, arguments)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.strip().splitlines()
    return line


def export(model, name, folder, inputs):
    return exporting.export(model, exporting.FORMATS[name], folder, inputs)


# The command


@pytest.fixture
def trained(tmp_path):
    """Where a run of double_moon has left its network."""
    folder = tmp_path / "saved_models" / "double_moon"
    folder.mkdir(parents=True)
    keras.utils.set_random_seed(1)
    double_moon.build_model().save(folder / "model.keras")
    noted = {"recipe": "double_moon", "arguments": {}, "data": {}}
    (folder / "metrics.json").write_text(json.dumps(noted))
    return folder


@pytest.mark.parametrize("name", EACH_FORMAT)
def test_another_program_gets_the_answers_of_keras(trained, capsys, name):
    assert cli.main(["export", "double-moon", "--format", name]) == 0
    said = capsys.readouterr().out
    file = exporting.FORMATS[name].file
    assert left(trained / "exported") == [file]
    assert "answers 8 rows of the test set in " in said
    assert "It takes inputs (any, 2) float32.\n" in said
    points = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")
    expected = keras.saving.load_model(trained / "model.keras")(points)
    path = str(trained / "exported" / file)
    if name == "saved_model":
        loaded = tf.saved_model.load(path)
        answers = loaded.serve(points)
    elif name == "onnx":
        import onnxruntime

        (answers,) = onnxruntime.InferenceSession(path).run(None, {"inputs": points})
    else:
        interpreter = exporting.litert_interpreter(path)
        answers = interpreter.get_signature_runner()(inputs=points)["output_0"]
    np.testing.assert_allclose(answers, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", EACH_FORMAT)
def test_lines_that_are_said_call_the_network(trained, capsys, name):
    if name == "litert":
        pytest.importorskip("ai_edge_litert", reason="`make setup EXTRAS=export`")
    assert cli.main(["export", "double-moon", "--format", name, "--output", "out"]) == 0
    *lines, call = capsys.readouterr().out.partition("\n\n")[2].strip().splitlines()
    known = {"inputs": np.zeros((3, 2), "float32")}
    exec("\n".join(lines), known)
    answers = eval(call, known)
    (array,) = answers.values() if isinstance(answers, dict) else [answers]
    assert np.reshape(array, -1).shape == (3,)


@pytest.mark.parametrize("name", EACH_FORMAT)
def test_network_that_comes_with_the_collection(tmp_path, name):
    """Not the one of `deployed`, whose layers that center a digit are for Keras only."""
    given = run_command.SAVED_MODELS / "trained" / "cnn_mnist"
    folder = tmp_path / "saved_models" / "trained" / "cnn_mnist"
    shutil.copytree(given, folder)
    words = ["export", "trained/cnn_mnist", "--format", name, "--stand-in"]
    assert cli.main(words) == 0
    assert exporting.FORMATS[name].file in left(folder / "exported")


def test_new_export_replaces_the_old_one(trained):
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        model = double_moon.build_model()
        model.save(trained / "model.keras")
        assert cli.main(["export", "double-moon", "--format", "saved_model"]) == 0
    points = np.ones((3, 2), "float32")
    loaded = tf.saved_model.load(str(trained / "exported" / "saved_model"))
    answers = loaded.serve(points)
    np.testing.assert_allclose(answers, model(points), rtol=1e-5)


def test_what_answers_otherwise_is_not_kept(trained, capsys, monkeypatch):
    format = exporting.FORMATS["saved_model"]

    def off(path, names):
        run = format.runner(path, names)
        return lambda inputs: [1.01 * part for part in run(inputs)]

    wrong = dataclasses.replace(format, runner=off)
    monkeypatch.setitem(exporting.FORMATS, "saved_model", wrong)
    line = refused(capsys, "double-moon", "--format", "saved_model")
    assert "its answers differ by 0.01 of the largest" in line
    assert left(trained / "exported") == []


def test_package_that_is_missing_is_named(trained, capsys, monkeypatch):
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    line = refused(capsys, "double-moon", "--format", "onnx")
    assert "needs tf2onnx and onnx and onnxruntime" in line
    assert "make setup EXTRAS=export" in line


def test_what_is_wrong_is_said_in_a_line(trained, capsys):
    assert "not trained yet" in refused(capsys, "cnn-mnist", "--format", "onnx")
    assert "invalid choice: 'caffe'" in refused(capsys, "double-moon", "--format", "caffe")
    (trained / "metrics.json").unlink()
    assert "metrics.json" in refused(capsys, "double-moon", "--format", "onnx")


# Networks of other kinds


def test_augmentation_rests_though_export_leaves_it_at_work(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            keras.layers.RandomFlip("horizontal", seed=1),
            keras.layers.Flatten(),
        ]
    )
    images = np.random.default_rng(0).random((8, 4, 4, 1), "float32")
    made = export(model, "saved_model", tmp_path, images)
    loaded = tf.saved_model.load(str(made.path))
    answers = loaded.serve(images)
    np.testing.assert_array_equal(answers, images.reshape(8, 16))


@pytest.mark.parametrize("name", EACH_FORMAT)
def test_several_inputs_and_outputs_keep_their_names(tmp_path, name):
    inputs = {
        "width": keras.Input((1,), name="width"),
        "kind": keras.Input((), dtype="int32", name="kind"),
    }
    embedded = keras.layers.Embedding(3, 2)(inputs["kind"])
    total = keras.layers.Concatenate()([inputs["width"], embedded])
    model = keras.Model(inputs, {"zero": keras.layers.Dense(2)(total), "all": total})
    rows = {"kind": np.array([0, 2, 1]), "width": np.array([[1.0], [20.0], [3.0]]), "more": 1}
    made = export(model, name, tmp_path, rows)
    assert made.names == exporting.Names(["kind", "width"], ["all", "zero"])
    assert made.batch is None
    assert made.takes == "kind (any) int32, width (any, 1) float32"


def test_recurrent_network_is_for_one_example_at_a_time_in_litert(tmp_path):
    model = keras.Sequential([keras.Input((6, 2)), keras.layers.LSTM(3)])
    series = np.random.default_rng(0).random((3, 6, 2), "float32")
    made = export(model, "litert", tmp_path, series)
    assert made.batch == 1
    assert made.takes == "inputs (1, 6, 2) float32"


@needs_onnx
def test_statistics_of_the_data_are_no_inputs(tmp_path):
    import onnxruntime

    normalization = keras.layers.Normalization()
    model = keras.Sequential([keras.Input((2,)), normalization])
    rows = np.array([[1.0, 10.0], [3.0, 50.0]], "float32")
    normalization.adapt(rows)
    made = export(model, "onnx", tmp_path, rows)
    session = onnxruntime.InferenceSession(str(made.path))
    assert [each.name for each in session.get_inputs()] == ["inputs"]


def test_operation_that_is_missing_is_named(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((1,), dtype="string"),
            keras.layers.TextVectorization(vocabulary=["a", "b"], ngrams=2),
        ]
    )
    with pytest.raises(exporting.Failure, match="LiteRT has no operation StringNGrams"):
        export(model, "litert", tmp_path, np.array([["a b"]]))


def test_operation_that_is_missing_within_a_loop_is_named():
    error = RuntimeError(
        "Select TensorFlow op(s), included in the given model, is(are) not supported by this "
        "interpreter. See https://www.tensorflow.org/lite/guide/ops_selectNode number 22 (FlexMul) "
        "failed to prepare.Node number 0 (WHILE) failed to prepare."
    )
    said = "LiteRT's interpreter has no operation Mul (Flex)"
    assert exporting.meaning(error) == said


def test_rows_for_an_ensemble_are_read_as_by_its_members(monkeypatch, tmp_path):
    called = []

    def load_data(batch_size=20, noise=0.12):
        called.append(noise)
        return None, None, "test"

    xor = find("xor")
    monkeypatch.setattr(xor.module, "load_data", load_data)
    monkeypatch.setattr(exporting, "first_rows", lambda sets: sets)
    options = types.SimpleNamespace(stand_in=False, data_dir=None)
    noted = {"data": {}, "members": [{"arguments": {"noise": 0.5, "hidden": 2}}]}
    path = tmp_path / "ensemble" / "model.keras"
    assert export_command.rows(xor, noted, path, options) == (None, None, "test")
    assert called == [0.5]


def test_answers_that_are_drawn_cannot_be_compared(tmp_path):
    class Drawn(keras.Model):
        def call(self, x):
            return x + keras.random.normal(keras.ops.shape(x))

    model = Drawn()
    model(np.ones((2, 2)))
    with pytest.raises(exporting.Failure, match="random"):
        export(model, "saved_model", tmp_path, np.ones((2, 2), "float32"))


@pytest.mark.parametrize(
    ("expected", "found", "difference"),
    [
        ([[1.0, -4.0]], [[1.0, -3.0]], 0.25),
        ([[0.0, 0.0]], [[0.0, 0.5]], 0.5),
        ([[1.0, np.nan]], [[1.0, np.nan]], 0),
        ([[1.0, 2.0]], [[1.0, np.nan]], np.inf),
        ([[1.0, 2.0]], [[1.0], [2.0]], np.inf),
        ([[b"a"]], [["a"]], 0),
        ([[b"a"]], [["b"]], np.inf),
    ],
)
def test_difference_is_a_part_of_the_largest_answer(expected, found, difference):
    expected, found = np.array(expected), np.array(found)
    assert exporting.largest_difference([expected], [found]) == pytest.approx(difference)


# The table


def test_table_has_a_row_for_each_recipe_that_trains():
    rows = export_table.read(export_table.TABLE.read_text(encoding="utf8"))
    trained = {recipe.name for recipe in all_recipes() if recipe.trains}
    assert rows.keys() == trained, "`make exports` makes the row of a new recipe"
    for name, cells in rows.items():
        assert len(cells) == 3, name
        assert all(cell in ("✓", "✓ 1") or cell.startswith("✗ ") for cell in cells), name
        assert not any(re.match(r"✗ \w*(Error|Exception):", cell) for cell in cells), name


@pytest.mark.parametrize(
    "name", ["double_moon", pytest.param("head_multilabel", marks=pytest.mark.full)]
)
def test_row_of_the_table_is_what_comes_of_it(name, capsys):
    formats = [
        each for each in exporting.FORMATS if importlib.util.find_spec("tf2onnx") or each != "onnx"
    ]
    export_table.one(name, formats)
    said = capsys.readouterr().out.splitlines()
    found = {}
    for line in said:
        if line.startswith(export_table.MARK):
            found |= json.loads(line.removeprefix(export_table.MARK))
    rows = export_table.read(export_table.TABLE.read_text(encoding="utf8"))
    by_format = dict(zip(export_table.FORMATS, rows[name], strict=True))
    missing = dict.fromkeys(export_table.FORMATS, (None, None))
    cells = dict(zip(export_table.FORMATS, export_table.cells(missing | found), strict=True))
    assert {each: cells[each] for each in formats} == {each: by_format[each] for each in formats}


@pytest.mark.slow
@needs_onnx
@pytest.mark.parametrize("recipe", TRAINED, ids=lambda recipe: recipe.name)
def test_each_row_of_the_table_is_what_comes_of_it(recipe):
    """In processes of their own, which the converters may end."""
    rows = export_table.read(export_table.TABLE.read_text(encoding="utf8"))
    assert export_table.cells(export_table.in_processes(recipe.name)) == rows[recipe.name]


def test_page_is_read_as_it_was_written_and_counts():
    recipes = [find("xor"), find("lstm")]
    rows = {"lstm": ["✓", "✓", "✓ 1"], "xor": ["✓", "✗ no a|b", "✓"]}
    text = export_table.page("# Export", rows, recipes)
    assert "| of 2 | 2 | 1 | 2 |" in text
    assert r"✗ no a\|b" in text
    assert export_table.read(text) == rows
    assert text.index("[xor]") < text.index("[lstm]")


def test_process_that_dies_costs_one_cell(monkeypatch):
    """The converter to LiteRT ends the process when something in it fails an assertion."""
    tried = []

    def run(command, **options):
        todo = command[command.index("xor") + 1 :]
        tried.append(todo)
        made = {name: (None, None) for name in todo if name != "onnx"}
        if "onnx" in todo:
            made = {"saved_model": (None, None)}
        said = "\n".join(export_table.MARK + json.dumps({name: made[name]}) for name in made)
        status = -signal.SIGABRT if "onnx" in todo else 0
        return subprocess.CompletedProcess(command, status, said)

    monkeypatch.setattr(export_table.subprocess, "run", run)
    found = export_table.in_processes("xor")
    assert tried == [["saved_model", "onnx", "litert"], ["litert"]]
    assert export_table.cells(found) == ["✓", "✗ the process that makes it dies", "✓"]


def test_command_offers_what_there_is():
    assert tuple(exporting.FORMATS) == export_command.FORMATS

"""The lines of a card that use the network run as they stand, beside it."""

import types

import keras
import numpy as np
import pandas as pd
import PIL.Image
import pytest
import tensorflow as tf

from recipes._runner import card_snippet, copy_extras
from recipes._runner.recipe import find
from tests.runner import tiny
from tests.selection import TRAINED, parameters


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    keras.backend.clear_session(free_memory=False)


def printed(lines, capsys, **known):
    """What the lines print of the models that are known by name, and what these were given."""
    exec("\n".join(lines), {"keras": keras, **known})
    return capsys.readouterr().out.strip()


def recorded(model):
    """A model that takes down what it is given."""
    calls = []
    return calls, types.SimpleNamespace(
        predict=lambda inputs: calls.append(inputs) or model(inputs)
    )


def use(monkeypatch, **facts):
    monkeypatch.setattr(copy_extras, "use", lambda recipe: copy_extras.Use("a.keras", **facts))


@pytest.mark.parametrize(
    ("shape", "given"),
    [((None, None, 1), (1, 20, 30, 1)), ((28, 14, 1), (1, 28, 14, 1)), ((8, 8, 3), (1, 8, 8, 3))],
)
def test_picture_of_any_size_and_mode(monkeypatch, capsys, shape, given):
    PIL.Image.new("RGB", (30, 20), (200, 200, 200)).save("picture.png")
    use(monkeypatch, kind="image", shape=shape, outputs=("unlike", "probabilities"))
    calls, model = recorded(lambda x: {"probabilities": float(x.mean()), "unlike": 0})
    said = printed(card_snippet.lines(None, None, deployed=True), capsys, model=model)
    assert float(said) == 200
    assert calls[0].shape == given


def test_texts(monkeypatch, capsys):
    use(monkeypatch, kind="text")
    _, model = recorded(tf.strings.length)
    assert printed(card_snippet.lines(None, None), capsys, model=model).startswith(
        "tf.Tensor([ 7 12]"
    )


def test_table(monkeypatch, capsys):
    use(monkeypatch, kind="table", shape=(None,))
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_csv("table.csv", index=False)
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    calls, model = recorded(network)
    lines = card_snippet.lines(None, network)
    assert "(rows, 2)" in lines[-2]
    printed(lines, capsys, model=model)
    np.testing.assert_array_equal(calls[0], [[1, 3], [2, 4]])


def test_row_as_in_the_file_for_the_deployed_network_of_a_copy(monkeypatch, capsys):
    """The data set of a copy is not the user's by name, but its columns are known."""
    use(monkeypatch, kind="table", shape=(3,))
    calls, model = recorded(len)
    metrics = {"columns": [["area", None], ["kind", ["flat", "house"]]], "data": {}}
    lines = card_snippet.lines(None, None, deployed=True, metrics=metrics)
    assert printed(lines, capsys, model=model) == "2"
    given = {name: cells.numpy().tolist() for name, cells in calls[0].items()}
    assert given == {"area": [[1.0]], "kind": [[b"flat"]]}


def several():
    inputs = {"a": keras.Input((3, 2), name="a"), "b": keras.Input((), dtype="int32", name="b")}
    return keras.Model(inputs, inputs["a"] + keras.ops.cast(inputs["b"], "float32")[:, None, None])


def listed():
    inputs = [keras.Input((2,)), keras.Input((2,))]
    return keras.Model(inputs, keras.layers.Add()(inputs))


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda: keras.Sequential([keras.Input((None, 4)), keras.layers.LSTM(3)]), (1, 3)),
        (several, (1, 3, 2)),
        (listed, (1, 2)),
    ],
)
def test_arrays_where_no_file_holds_what_it_takes(monkeypatch, capsys, build, shape):
    use(monkeypatch)
    network = build()
    answers = []
    network.predict = lambda inputs: answers.append(network(inputs))
    printed(card_snippet.lines(None, network, deployed=True), capsys, network=network)
    printed(card_snippet.lines(None, network), capsys, model=network)
    assert [answer.shape for answer in answers] == [shape, shape]


def test_nothing_where_only_the_recipe_knows_what_it_takes(monkeypatch):
    use(monkeypatch)
    assert card_snippet.lines(None, types.SimpleNamespace()) == []


@pytest.mark.parametrize("recipe", parameters(TRAINED))
def test_lines_of_each_recipe_are_python(recipe):
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    lines = card_snippet.lines(recipe, network)
    compile("\n".join(lines), recipe.name, "exec")
    assert lines[0] == ""
    assert lines[-1].startswith("print(model.predict(inputs)")
    assert all(len(line) <= 100 for line in lines)


def test_card_of_a_run_loads_and_uses_its_network(tmp_path, capsys):
    tf.config.run_functions_eagerly(True)
    try:
        command = ["run", "tiny", "--epochs", "1", "--output", str(tmp_path / "run")]
        assert tiny.main(command) == 0
        text = (tmp_path / "run" / "README.md").read_text(encoding="utf8")
        block = text.partition("```python\n")[2].partition("\n```")[0]
        path = str(tmp_path / "run" / "model.keras")
        capsys.readouterr()
        said = printed([block.replace("model.keras", path)], capsys)
    finally:
        tf.config.run_functions_eagerly(False)
    assert 0 < float(said.splitlines()[-1].strip("[]")) < 1


def test_recipe_that_has_a_deployed_network_uses_it():
    lines = card_snippet.lines(find("cnn_mnist"), None, deployed=True)
    assert lines[-1] == 'print(model.predict(inputs)["probabilities"])'
    assert 'color_mode="grayscale"' in lines[1]
